import { l10n, window } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import { type Fleet, imageName } from '../fleet.ts';
import { credentialsFor } from '../registry/credentials.ts';
import { pulledName, pullImage } from '../registry/pull.ts';
import { isReference, splitReference } from '../registry/reference.ts';
import { followTransfer } from '../registry/transfer.ts';
import { engineOf } from './engine-of.ts';
import type { Handlers } from './handlers.ts';
import { orLogIn } from './log-in.ts';
import { withProgress } from './progress.ts';
import type { Targets } from './targets.ts';

type RegistryHandlers = Pick<Handlers, 'porthole.image.pull' | 'porthole.image.push'>;

/** Images from registries and to them, with what `docker login` has kept on this computer. */
export function registryHandlers({ fleet, targets }: { fleet: Fleet; targets: Targets }): RegistryHandlers {
  return {
    'porthole.image.pull': async (item) => {
      const { host, engine } = await targets.connectedEngine(item);
      const typed = await window.showInputBox({
        title: l10n.t('Pull an image onto {0}', host.label),
        placeHolder: 'registry.example.com/name:tag',
        prompt: l10n.t('The name of an image; without a registry it is one of Docker Hub.'),
        validateInput: (value) => (isReference(value) ? undefined : l10n.t('A name with an optional :tag')),
      });
      const name = typed?.trim();
      if (!name) return;
      const reference = pulledName(name);
      const said = await withProgress(l10n.t('Pulling {0}', reference), (reporter) =>
        pullImage(host.engine(engine), reference, reporter),
      ).catch(orLogIn(reference));
      void window.showInformationMessage(said || l10n.t('{0} is there.', reference));
    },

    'porthole.image.push': async (item) => {
      const image = await targets.image('porthole.image.push', item);
      if (!image) return;
      if (image.tags.length === 0) {
        throw new PortholeError(
          'invalid',
          l10n.t('{0} has no name: tag it with the name of a registry first.', imageName(image)),
        );
      }
      const [only] = image.tags;
      const reference =
        image.tags.length === 1
          ? only
          : await window.showQuickPick([...image.tags], { title: l10n.t('Under which name shall it be pushed?') });
      if (!reference) return;
      await withProgress(l10n.t('Pushing {0}', reference), async ({ signal, say }) => {
        const authconfig = await credentialsFor(reference, { signal });
        const { tag } = splitReference(reference);
        const handle = engineOf(fleet, image).getImage(reference.slice(0, reference.length - tag.length - 1));
        const stream = await handle.push({ tag, ...(authconfig && { authconfig }), abortSignal: signal });
        return followTransfer(stream, say);
      }).catch(orLogIn(reference));
      void window.showInformationMessage(l10n.t('{0} was pushed.', reference));
    },
  };
}
