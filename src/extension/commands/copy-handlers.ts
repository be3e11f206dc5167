import { homedir } from 'node:os';
import { join, posix } from 'node:path';
import { l10n, Uri, window } from 'vscode';
import { formatSize } from '../../base/units.ts';
import { type ContainerView, type Fleet, imageName } from '../fleet.ts';
import { engineOf } from './engine-of.ts';
import type { Handlers } from './handlers.ts';
import { withProgress } from './progress.ts';
import type { Targets } from './targets.ts';
import { copyInto, copyOut, saveStream } from './transfer.ts';

type CopyHandlers = Pick<
  Handlers,
  'porthole.container.copyIn' | 'porthole.container.copyOut' | 'porthole.container.export' | 'porthole.image.save'
>;

/** Files between this computer and a host: into containers, out of them, images as archives. */
export function copyHandlers({ fleet, targets }: { fleet: Fleet; targets: Targets }): CopyHandlers {
  const handleOf = (container: ContainerView) => engineOf(fleet, container).getContainer(container.id);

  return {
    'porthole.container.copyIn': async (item) => {
      const container = await targets.container('porthole.container.copyIn', item);
      if (!container) return;
      const chosen = await window.showOpenDialog({
        title: l10n.t('Files and folders for {0}', container.name),
        canSelectFiles: true,
        canSelectFolders: true,
        canSelectMany: true,
        openLabel: l10n.t('Copy'),
      });
      if (!chosen || chosen.length === 0) return;
      const directory = await askPath(l10n.t('Into which directory of {0}?', container.name));
      if (directory === undefined) return;
      const sources = chosen.map(({ fsPath }) => fsPath);
      await withProgress(l10n.t('Copying into {0}', container.name), ({ signal }) =>
        copyInto(handleOf(container), { sources, directory, signal }),
      );
    },

    'porthole.container.copyOut': async (item) => {
      const container = await targets.container('porthole.container.copyOut', item);
      if (!container) return;
      const path = await askPath(l10n.t('Which file or directory of {0}?', container.name));
      if (path === undefined) return;
      const chosen = await window.showOpenDialog({
        title: l10n.t('Where to copy {0}', path),
        canSelectFiles: false,
        canSelectFolders: true,
        openLabel: l10n.t('Copy'),
      });
      const directory = chosen?.[0]?.fsPath;
      if (!directory) return;
      await withProgress(l10n.t('Copying {0}', path), ({ signal }) =>
        copyOut(handleOf(container), { path, directory, signal }),
      );
      void window.showInformationMessage(l10n.t('{0} is in {1}.', posix.basename(path) || '/', directory));
    },

    'porthole.container.export': async (item) => {
      const container = await targets.container('porthole.container.export', item);
      if (!container) return;
      const file = await askFile(l10n.t('Export the files of {0}', container.name), `${container.name}.tar`);
      if (!file) return;
      await withProgress(l10n.t('Exporting {0}', container.name), async ({ signal, say }) =>
        saveStream(await handleOf(container).export({ abortSignal: signal }), {
          file,
          signal,
          say: (bytes) => say(formatSize(bytes)),
        }),
      );
      void window.showInformationMessage(l10n.t('Written: {0}', file));
    },

    'porthole.image.save': async (item) => {
      const image = await targets.image('porthole.image.save', item);
      if (!image) return;
      const name = imageName(image);
      const file = await askFile(l10n.t('Save {0} to an archive', name), `${name.replaceAll(/[/:@]/g, '-')}.tar`);
      if (!file) return;
      // By a name where it has one: the archive gives it back when it is loaded.
      const docker = engineOf(fleet, image);
      await withProgress(l10n.t('Saving {0}', name), async ({ signal, say }) =>
        saveStream(await docker.getImage(image.tags[0] ?? image.id).get(), {
          file,
          signal,
          say: (bytes) => say(formatSize(bytes)),
        }),
      );
      void window.showInformationMessage(l10n.t('Written: {0}', file));
    },
  };
}

async function askPath(title: string): Promise<string | undefined> {
  return window.showInputBox({
    title,
    value: '/',
    validateInput: (value) => (value.startsWith('/') ? undefined : l10n.t('A path that begins with /')),
  });
}

async function askFile(title: string, name: string): Promise<string | undefined> {
  const uri = await window.showSaveDialog({
    title,
    defaultUri: Uri.file(join(homedir(), name)),
    filters: { [l10n.t('Archives')]: ['tar'] },
  });
  return uri?.fsPath;
}
