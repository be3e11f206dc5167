import { commands, l10n, Uri, workspace } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import { uriParts } from '../editors/uris.ts';
import { type Fleet, findContainer, volumeName } from '../fleet.ts';
import { type FilesOf, filesUriParts } from '../fs/uris.ts';
import type { Layers } from '../layers/layers.ts';
import type { DifferenceNode } from '../tree/inside-nodes.ts';
import type { Handlers } from './handlers.ts';
import type { Targets } from './targets.ts';

type FileHandlers = Pick<
  Handlers,
  'porthole.container.files' | 'porthole.volume.files' | 'porthole.difference.compare'
>;

export interface FileParts {
  readonly fleet: Fleet;
  readonly targets: Targets;
  readonly layers: Layers;
}

/** Files of containers and volumes: in the explorer as a folder like any other, and beside the image's. */
export function fileHandlers({ fleet, targets, layers }: FileParts): FileHandlers {
  return {
    'porthole.container.files': async (item) => {
      const container = await targets.container('porthole.container.files', item);
      if (container) addFolder({ kind: 'container', ...container }, container.name);
    },

    'porthole.volume.files': async (item) => {
      const volume = await targets.volume('porthole.volume.files', item);
      if (volume) addFolder({ kind: 'volume', ...volume }, volumeName(volume));
    },

    'porthole.difference.compare': async (item) => {
      const node = isDifference(item) ? item : undefined;
      const container = node && findContainer(fleet, node.container);
      if (!node || !container) throw new PortholeError('not-found', l10n.t('That is no longer there.'));
      const { host, engine, imageId } = container;
      const position = (await layers.of({ host, engine, id: imageId })).length - 1;
      const none = Uri.from(uriParts(node.path, { kind: 'text', text: '' }));
      const path = node.path.slice(1);
      // The size is asked for when the file is read; an editor does not need it before.
      const at = { host, engine, image: imageId, position, from: 'merged', path } as const;
      const file = { kind: 'file', ...at, size: 0, mtime: 0 } as const;
      const below = node.kind === 'added' ? none : Uri.from(uriParts(node.path, file));
      const here =
        node.kind === 'deleted' ? none : Uri.from(filesUriParts({ kind: 'container', ...node.container }, node.path));
      const title = l10n.t('{0}: image and {1}', node.path.split('/').at(-1) ?? node.path, container.name);
      await commands.executeCommand('vscode.diff', below, here, title, { preview: true });
    },
  };
}

/** Behind the folders that are there: the first folder of a window cannot change without a restart of its extensions. */
function addFolder(of: FilesOf, name: string): void {
  const uri = Uri.from(filesUriParts(of, '/'));
  const folders = workspace.workspaceFolders ?? [];
  if (folders.some((folder) => folder.uri.toString() === uri.toString())) {
    void commands.executeCommand('workbench.view.explorer');
    return;
  }
  workspace.updateWorkspaceFolders(folders.length, 0, { uri, name });
  void commands.executeCommand('workbench.view.explorer');
}

/** Commands can be called by anyone: what is passed is looked at. */
function isDifference(item: unknown): item is DifferenceNode {
  return typeof item === 'object' && item !== null && 'type' in item && item.type === 'difference';
}
