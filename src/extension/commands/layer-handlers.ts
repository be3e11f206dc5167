import { l10n } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import { imageName } from '../fleet.ts';
import type { LayerViewer, Sight } from '../layers/viewer.ts';
import type { Panels } from '../panels/panels.ts';
import type { FileNode, LayerNode, MergedNode } from '../tree/image-nodes.ts';
import type { Handlers } from './handlers.ts';
import type { Targets } from './targets.ts';

type LayerHandlers = Pick<
  Handlers,
  | 'porthole.image.layers'
  | 'porthole.container.layers'
  | 'porthole.layer.changes'
  | `porthole.file.${'compare' | 'compareAbove' | 'compareImage' | 'compareContainer' | 'open'}`
>;

export interface LayerParts {
  readonly targets: Targets;
  readonly panels: Panels;
  readonly viewer: LayerViewer;
}

/** Images as stacks of changesets, and their files beside each other. */
export function layerHandlers({ targets, panels, viewer }: LayerParts): LayerHandlers {
  const show = (beside: Sight['beside']) => async (item: unknown) => {
    if (!isFile(item)) throw noFile();
    const { image } = item;
    if (item.type === 'merged') await viewer.open({ image, path: item.entry.path, position: item.entry.layer, beside });
    else await viewer.open({ image, path: item.row.path, position: item.layer.position, beside });
  };

  return {
    'porthole.image.layers': async (item) => {
      const image = await targets.image('porthole.image.layers', item);
      if (!image) return;
      const { host, engine, id } = image;
      panels.show('layers', { host, engine, id, name: imageName(image) });
    },

    'porthole.container.layers': async (item) => {
      const container = await targets.container('porthole.container.layers', item);
      if (!container) return;
      const { host, engine, id, name } = container;
      panels.show('layers', { host, engine, id, name, object: 'container' });
    },

    'porthole.layer.changes': async (item) => {
      if (!isLayer(item)) throw noFile();
      await viewer.openChanges(item.image, item.layer.position);
    },

    'porthole.file.compare': show('below'),
    'porthole.file.compareAbove': show('above'),
    'porthole.file.compareImage': show('image'),
    'porthole.file.compareContainer': show('container'),
    'porthole.file.open': show('nothing'),
  };
}

/** Rows come from our own tree, but commands can be called by anyone: what is passed is looked at. */
function isFile(item: unknown): item is FileNode | MergedNode {
  if (typeof item !== 'object' || item === null || !('type' in item)) return false;
  return (item.type === 'file' && 'row' in item) || (item.type === 'merged' && 'entry' in item);
}

function isLayer(item: unknown): item is LayerNode {
  return typeof item === 'object' && item !== null && 'type' in item && item.type === 'layer' && 'layer' in item;
}

const noFile = () => new PortholeError('invalid', l10n.t('This command acts on a row of the Images view.'));
