import type Dockerode from 'dockerode';
import { l10n, ThemeIcon, Uri, window, workspace } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import { uriParts } from '../editors/uris.ts';
import { type Fleet, findEngine, hostLabel, type ImageView, imageName } from '../fleet.ts';
import type { Panels } from '../panels/panels.ts';
import { EngineTerminal } from '../terminal/engine-terminal.ts';
import { containerProgram } from '../terminal/programs.ts';
import { engineOf } from './engine-of.ts';
import type { Handlers } from './handlers.ts';
import { withProgress } from './progress.ts';
import type { Targets } from './targets.ts';
import { splitWords } from './words.ts';

type ImageHandlers = Pick<Handlers, `porthole.image.${'run' | 'runInteractive' | 'inspect' | 'history' | 'remove'}`>;

export interface ImageParts {
  readonly fleet: Fleet;
  readonly targets: Targets;
  readonly panels: Panels;
}

export function imageHandlers({ fleet, targets, panels }: ImageParts): ImageHandlers {
  /** Names of the containers that are made of it: an engine refuses to remove it while they are there. */
  const usersOf = (image: ImageView): readonly string[] => {
    const containers = findEngine(fleet, image)?.containers ?? [];
    return containers.filter(({ imageId }) => imageId === image.id).map(({ name }) => name);
  };

  return {
    'porthole.image.run': async (item) => {
      const image = await targets.image('porthole.image.run', item);
      if (!image) return;
      await withProgress(l10n.t('Running {0}', imageName(image)), async ({ signal }) => {
        const container = await engineOf(fleet, image).createContainer({
          Image: reference(image),
          abortSignal: signal,
        });
        await container.start();
      });
    },

    'porthole.image.runInteractive': async (item) => {
      const image = await targets.image('porthole.image.runInteractive', item);
      if (!image) return;
      const line = await window.showInputBox({
        title: l10n.t('Run {0} in a terminal', imageName(image)),
        prompt: l10n.t(
          'The program with its arguments; empty for what the image names. Words in quotes stay together.',
        ),
      });
      if (line === undefined) return;
      const words = splitWords(line);
      const container = await engineOf(fleet, image).createContainer({
        Image: reference(image),
        Tty: true,
        OpenStdin: true,
        StdinOnce: true,
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        ...(words.length > 0 ? { Cmd: words } : {}),
      });
      window
        .createTerminal({
          name: imageName(image),
          iconPath: new ThemeIcon('terminal'),
          pty: new EngineTerminal(containerProgram(container)),
        })
        .show();
    },

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
        throw new PortholeError(
          'conflict',
          l10n.t(
            'The image {0} is used by {1}. Remove these containers first.',
            imageName(inUse),
            usersOf(inUse).join(', '),
          ),
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

/** By name where it has one, so that the container says which image it is of in the user's words. */
const reference = (image: ImageView): string => image.tags[0] ?? image.id;

/** An image goes with its last name; one without a name goes by its id. */
async function removeByEveryName(engine: Dockerode, image: ImageView): Promise<void> {
  if (image.tags.length === 0) await engine.getImage(image.id).remove();
  for (const name of image.tags) await engine.getImage(name).remove();
}
