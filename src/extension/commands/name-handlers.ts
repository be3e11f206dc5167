import { env, l10n, window } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import { type ContainerView, type Fleet, hostLabel, imageName } from '../fleet.ts';
import { isReference, splitReference } from '../registry/reference.ts';
import { engineOf } from './engine-of.ts';
import type { Handlers } from './handlers.ts';
import { withProgress } from './progress.ts';
import type { Targets } from './targets.ts';

type NameHandlers = Pick<
  Handlers,
  | `porthole.image.${'tag' | 'untag' | 'copyId' | 'copyName' | 'copyDigest'}`
  | `porthole.container.${'copyId' | 'copyName'}`
>;

/** Names, ids and digests: given, taken, and into the clipboard. */
export function nameHandlers({ fleet, targets }: { fleet: Fleet; targets: Targets }): NameHandlers {
  const copyOf =
    (id: 'porthole.container.copyId' | 'porthole.container.copyName', text: (one: ContainerView) => string) =>
    async (item?: unknown, items?: unknown) => {
      const chosen = await targets.containers(id, item, items);
      if (chosen.length > 0) await env.clipboard.writeText(chosen.map(text).join('\n'));
    };

  return {
    'porthole.container.copyId': copyOf('porthole.container.copyId', ({ id }) => id),
    'porthole.container.copyName': copyOf('porthole.container.copyName', ({ name }) => name),

    'porthole.image.copyId': async (item, items) => {
      const chosen = await targets.images('porthole.image.copyId', item, items);
      if (chosen.length > 0) await env.clipboard.writeText(chosen.map(({ id }) => id).join('\n'));
    },

    'porthole.image.copyName': async (item) => {
      const image = await targets.image('porthole.image.copyName', item);
      const name = image && (await chooseName(image.tags, l10n.t('Which name?')));
      if (name) await env.clipboard.writeText(name);
    },

    'porthole.image.copyDigest': async (item) => {
      const image = await targets.image('porthole.image.copyDigest', item);
      if (!image) return;
      const { RepoDigests } = await engineOf(fleet, image).getImage(image.id).inspect();
      const digests = RepoDigests ?? [];
      if (digests.length === 0) {
        throw new PortholeError(
          'not-found',
          l10n.t('{0} has no digest: it was neither pulled from a registry nor pushed to one.', imageName(image)),
        );
      }
      const digest = await chooseName(digests, l10n.t('Which digest?'));
      if (digest) await env.clipboard.writeText(digest);
    },

    'porthole.image.tag': async (item) => {
      const image = await targets.image('porthole.image.tag', item);
      if (!image) return;
      const name = await window.showInputBox({
        title: l10n.t('Another name for {0}', imageName(image)),
        placeHolder: 'name:tag',
        validateInput: (value) => (isReference(value) ? undefined : l10n.t('A name with an optional :tag')),
      });
      if (!name) return;
      const { repo, tag } = splitReference(name.trim());
      await withProgress(l10n.t('Tagging {0}', imageName(image)), ({ signal }) =>
        engineOf(fleet, image).getImage(image.id).tag({ repo, tag, abortSignal: signal }),
      );
    },

    'porthole.image.untag': async (item) => {
      const image = await targets.image('porthole.image.untag', item);
      if (!image) return;
      const name = await chooseName(image.tags, l10n.t('Which name of the image shall go?'));
      if (!name) return;
      if (image.tags.length === 1) {
        const remove = l10n.t('Remove');
        const question = l10n.t('Remove the image {0} from {1}?', name, hostLabel(fleet, image.host));
        const detail = l10n.t('This is its only name: the image goes with it.');
        if ((await window.showWarningMessage(question, { modal: true, detail }, remove)) !== remove) return;
      }
      await withProgress(l10n.t('Removing {0}', name), ({ signal }) =>
        engineOf(fleet, image).getImage(name).remove({ abortSignal: signal }),
      );
    },
  };
}

/** The only one, or one of several. */
async function chooseName(names: readonly string[], title: string): Promise<string | undefined> {
  return names.length <= 1 ? names[0] : window.showQuickPick([...names], { title });
}
