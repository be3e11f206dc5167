import type Dockerode from 'dockerode';
import { l10n, Uri, window, workspace } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import { AdvisedFailure } from '../advice.ts';
import { uriParts } from '../editors/uris.ts';
import { type ContainerView, type Fleet, findEngine, hostLabel, type ImageView, imageName } from '../fleet.ts';
import type { Panels } from '../panels/panels.ts';
import { engineOf } from './engine-of.ts';
import type { Handlers } from './handlers.ts';
import { removeThese } from './not-as-it-is.ts';
import { withProgress } from './progress.ts';
import type { Targets } from './targets.ts';

type ImageHandlers = Pick<Handlers, `porthole.image.${'inspect' | 'history' | 'remove'}`>;

export interface ImageParts {
  readonly fleet: Fleet;
  readonly targets: Targets;
  readonly panels: Panels;
}

export function imageHandlers({ fleet, targets, panels }: ImageParts): ImageHandlers {
  /** The containers that are made of it: an engine refuses to remove it while they are there. */
  const usersOf = (image: ImageView): readonly ContainerView[] =>
    (findEngine(fleet, image)?.containers ?? []).filter(({ imageId }) => imageId === image.id);

  return {
    'porthole.image.inspect': async (item) => {
      const image = await targets.image('porthole.image.inspect', item);
      if (!image) return;
      const { host, engine, id } = image;
      panels.show('inspect', { host, engine, id, name: imageName(image), object: 'image' });
    },

    'porthole.image.history': async (item) => {
      const image = await targets.image('porthole.image.history', item);
      if (!image) return;
      const { host, engine, id } = image;
      const name = imageName(image).replaceAll(/[/:@]/g, '-');
      const uri = Uri.from(uriParts(`/${name}.history.txt`, { kind: 'history', host, engine, id }));
      await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
    },

    'porthole.image.remove': async (item, items) => {
      const chosen = await targets.images('porthole.image.remove', item, items);
      const first = chosen[0];
      if (!first) return;
      const question =
        chosen.length === 1
          ? l10n.t('Remove the image {0} from {1}?', imageName(first), hostLabel(fleet, first.host))
          : l10n.t(
              'Remove {0} images ({1})?',
              chosen.length,
              chosen.map((one) => `${imageName(one)} @ ${hostLabel(fleet, one.host)}`).join(', '),
            );
      const inUse = chosen.find((image) => usersOf(image).length > 0);
      if (inUse) {
        const users = usersOf(inUse);
        const names = users.map(({ name }) => name).join(', ');
        throw new AdvisedFailure(
          new PortholeError(
            'conflict',
            l10n.t('The image {0} is used by {1}. Remove these containers first.', imageName(inUse), names),
          ),
          [removeThese(users)],
        );
      }
      const more = chosen.flatMap(({ tags }) => tags.slice(1));
      const detail = more.length > 0 ? l10n.t('These names go too: {0}', more.join(', ')) : '';
      const remove = l10n.t('Remove');
      if ((await window.showWarningMessage(question, { modal: true, detail }, remove)) !== remove) return;
      await withProgress(l10n.t('Removing {0}', chosen.map(imageName).join(', ')), async () => {
        for (const image of chosen) await removeByEveryName(engineOf(fleet, image), image);
      });
    },
  };
}

/** An image goes with its last name; one without a name goes by its id. */
async function removeByEveryName(engine: Dockerode, image: ImageView): Promise<void> {
  if (image.tags.length === 0) await engine.getImage(image.id).remove();
  for (const name of image.tags) await engine.getImage(name).remove();
}
