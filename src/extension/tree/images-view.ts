import { EventEmitter, l10n, ThemeIcon, type TreeDataProvider, TreeItem, TreeItemCollapsibleState } from 'vscode';
import { DisposableStore } from '../../base/lifetime.ts';
import { formatSize } from '../../base/units.ts';
import {
  type Fleet,
  findEngine,
  findImage,
  type ImageView,
  imageName,
  keyOf,
  type ObjectRef,
  shortId,
} from '../fleet.ts';
import { explain } from '../problems.ts';
import { changeItem } from './change-item.ts';
import { contextValue } from './context-value.ts';
import { type EngineGroup, groupItem, groupsOf } from './groups.ts';
import type { ImageNode, ImagesNode, LayerNode, MessageNode } from './image-nodes.ts';
import { cleanInstruction } from './instruction.ts';
import type { Layers } from './layers.ts';

/** Images as the stacks of changesets that they are: image, layer, what the layer changed. */
export class ImagesView implements TreeDataProvider<ImagesNode> {
  readonly #fleet: Fleet;
  readonly #layers: Layers;
  readonly #nodes = new Map<string, ImageNode>();
  readonly #groups = new Map<string, EngineGroup>();
  readonly #changed = new EventEmitter<ImagesNode | undefined>();
  readonly #store = new DisposableStore();
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(fleet: Fleet, layers: Layers) {
    this.#fleet = fleet;
    this.#layers = layers;
    this.#store.add(this.#changed);
    this.#store.add(
      fleet.onDidChange(({ kind, structure, keys }) => {
        if (kind === 'containers' || kind === 'volumes') return;
        if (structure) this.#changed.fire(undefined);
        else if (kind === 'images') for (const key of keys) this.#changed.fire(this.#nodes.get(key));
      }),
    );
  }

  async getChildren(parent?: ImagesNode): Promise<ImagesNode[]> {
    if (!parent || parent.type === 'group') return this.#top(parent);
    if (parent.type === 'image') return this.#inImage(parent);
    if (parent.type === 'layer') return this.#inLayer(parent);
    if (parent.type === 'file') return parent.node.children.map((node) => ({ ...parent, node }));
    return [];
  }

  getTreeItem(node: ImagesNode): TreeItem {
    switch (node.type) {
      case 'group':
        return groupItem(this.#fleet, node, this.#images(node).length);
      case 'image':
        return this.#imageItem(node);
      case 'layer':
        return layerItem(node);
      case 'file':
        return changeItem(node);
      case 'message':
        return messageItem(node);
    }
  }

  dispose(): void {
    this.#store.dispose();
  }

  #top(parent: EngineGroup | undefined): ImagesNode[] {
    const groups = groupsOf(this.#fleet, this.#groups);
    if (!parent && groups.length > 1) return groups;
    const only = parent ?? groups[0];
    return only ? this.#images(only).map((image) => this.#nodeOf(image)) : [];
  }

  #images(group: EngineGroup): readonly ImageView[] {
    return findEngine(this.#fleet, group)?.images ?? [];
  }

  #nodeOf(ref: ObjectRef): ImageNode {
    const key = keyOf(ref);
    const known = this.#nodes.get(key);
    if (known) return known;
    const made: ImageNode = { type: 'image', ref: { host: ref.host, engine: ref.engine, id: ref.id } };
    this.#nodes.set(key, made);
    return made;
  }

  #inImage({ ref }: ImageNode): Promise<ImagesNode[]> {
    return this.#orMessage(`image:${keyOf(ref)}`, async () => {
      const layers = await this.#layers.of(ref);
      return layers.map((layer) => ({ type: 'layer' as const, image: ref, layer }));
    });
  }

  #inLayer({ image, layer }: LayerNode): Promise<ImagesNode[]> {
    return this.#orMessage(`layer:${keyOf(image)}/${layer.position}`, async () => {
      const nodes = await this.#layers.changes(image, layer);
      return nodes.map((node) => ({ type: 'file' as const, image, layer, node }));
    });
  }

  /** What cannot be read shows as a row that says why; the rest of the tree stays usable. */
  async #orMessage(id: string, read: () => Promise<ImagesNode[]>): Promise<ImagesNode[]> {
    try {
      const nodes = await read();
      if (nodes.length > 0) return nodes;
      return [{ type: 'message', id, text: l10n.t('This layer changes no files'), failed: false }];
    } catch (failure) {
      return [{ type: 'message', id, text: explain(failure), failed: true }];
    }
  }

  #imageItem({ ref }: ImageNode): TreeItem {
    const image = findImage(this.#fleet, ref);
    const item = new TreeItem(
      image ? imageName(image) : shortId(ref.id),
      // Only our own engine knows what is inside its layers.
      ref.engine === 'porthole' ? TreeItemCollapsibleState.Collapsed : TreeItemCollapsibleState.None,
    );
    item.id = `image:${keyOf(ref)}`;
    item.iconPath = new ThemeIcon('package');
    item.contextValue = contextValue('image', image && image.tags.length > 0 ? 'tagged' : 'dangling', ref.engine);
    if (!image) return item;
    item.description = formatSize(image.size);
    item.tooltip = [
      image.tags.join('\n') || l10n.t('no name'),
      image.id,
      formatSize(image.size),
      l10n.t('Created {0}', new Date(image.created * 1000).toLocaleString()),
    ].join('\n');
    return item;
  }
}

function layerItem({ image, layer }: LayerNode): TreeItem {
  const instruction = cleanInstruction(layer.instruction) || layer.comment || l10n.t('Layer {0}', layer.position + 1);
  const item = new TreeItem(instruction, TreeItemCollapsibleState.Collapsed);
  item.id = `layer:${keyOf(image)}/${layer.position}`;
  item.description = formatSize(layer.size);
  item.iconPath = new ThemeIcon('layers');
  item.contextValue = contextValue('layer', 'stored', image.engine);
  item.tooltip = [
    instruction,
    l10n.t('Layer {0}', layer.position + 1),
    layer.diffId,
    l10n.t('{0} in files, {1} stored', formatSize(layer.size), formatSize(layer.blobSize)),
    l10n.t('{0} entries, {1} deletions', layer.counts.entries, layer.counts.whiteouts),
    ...(layer.sharedBy.length > 0 ? [l10n.t('Shared with {0} other images', layer.sharedBy.length)] : []),
  ].join('\n');
  return item;
}

function messageItem({ id, text, failed }: MessageNode): TreeItem {
  const item = new TreeItem(text, TreeItemCollapsibleState.None);
  item.id = `message:${id}`;
  item.iconPath = new ThemeIcon(failed ? 'warning' : 'info');
  item.tooltip = text;
  item.contextValue = contextValue('message', failed ? 'failed' : 'quiet', 'any');
  return item;
}
