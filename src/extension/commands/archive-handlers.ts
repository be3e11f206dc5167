import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { l10n, window } from 'vscode';
import { formatSize } from '../../base/units.ts';
import { isReference, splitReference } from '../registry/reference.ts';
import { followTransfer } from '../registry/transfer.ts';
import type { Handlers } from './handlers.ts';
import { followAnswers } from './load-answers.ts';
import { type Reporter, withProgress } from './progress.ts';
import type { Targets } from './targets.ts';

type ArchiveHandlers = Pick<Handlers, 'porthole.image.load' | 'porthole.image.import'>;

/** Images out of archives: those that `docker save` wrote, and those that hold nothing but files. */
export function archiveHandlers({ targets }: { targets: Targets }): ArchiveHandlers {
  return {
    'porthole.image.load': async (item) => {
      const { host, engine } = await targets.connectedEngine(item);
      const file = await askArchive(l10n.t('Load an image onto {0}', host.label), l10n.t('Image archives'));
      if (!file) return;
      const loaded = await withProgress(l10n.t('Loading {0}', file), async (reporter) =>
        followAnswers(
          await host.engine(engine).loadImage(await read(file, reporter), { abortSignal: reporter.signal }),
        ),
      );
      void window.showInformationMessage(loaded || l10n.t('The archive was loaded.'));
    },

    'porthole.image.import': async (item) => {
      const { host, engine } = await targets.connectedEngine(item);
      const title = l10n.t('Import files as an image onto {0}', host.label);
      const here = { label: l10n.t('An archive of this computer'), isHere: true };
      const there = { label: l10n.t('An address that the host downloads'), isHere: false };
      const place = await window.showQuickPick([here, there], { title });
      if (!place) return;
      const source = place.isHere ? await askArchive(title, l10n.t('Archives')) : await askAddress(title);
      if (!source) return;
      const name = await window.showInputBox({
        title: l10n.t('Name of the image on {0}', host.label),
        placeHolder: 'name:tag',
        validateInput: (value) => (isReference(value) ? undefined : l10n.t('A name with an optional :tag')),
      });
      if (!name) return;
      const { repo, tag } = splitReference(name.trim());
      await withProgress(l10n.t('Importing {0}', source), async (reporter) => {
        const options = { repo, tag, message: l10n.t('Imported from {0}', source), abortSignal: reporter.signal };
        const docker = host.engine(engine);
        const answers = place.isHere
          ? await docker.importImage(await read(source, reporter), options)
          : await docker.createImage({ ...options, fromSrc: source });
        await followTransfer(answers, reporter.say);
      });
      void window.showInformationMessage(l10n.t('{0} is there.', `${repo}:${tag}`));
    },
  };
}

async function askArchive(title: string, kind: string): Promise<string | undefined> {
  const files = await window.showOpenDialog({ title, filters: { [kind]: ['tar', 'gz', 'tgz', 'bz2', 'xz', 'zst'] } });
  return files?.[0]?.fsPath;
}

function askAddress(title: string): Thenable<string | undefined> {
  return window.showInputBox({
    title,
    placeHolder: 'https://example.com/files.tar.gz',
    validateInput: (value) => (/^https?:\/\/\S+$/.test(value) ? undefined : l10n.t('An address that begins with http')),
  });
}

/** A file, told about as it goes. */
async function read(file: string, { signal, say }: Reporter): Promise<Readable> {
  const { size } = await stat(file);
  const archive = createReadStream(file, { signal });
  let sent = 0;
  archive.on('data', (chunk) => {
    sent += chunk.length;
    say(`${formatSize(sent)} / ${formatSize(size)}`);
  });
  return archive;
}
