import { EventEmitter, type TreeDataProvider, type TreeItem } from 'vscode';
import { DisposableStore } from '../../base/lifetime.ts';
import { type Fleet, findEngine, type ImageView, keyOf, type ObjectRef } from '../fleet.ts';
import { type EngineGroup, groupItem, groupsOf } from './groups.ts';
import type { ImageInsides } from './image-insides.ts';
import { imageItem, inImageItem } from './image-items.ts';
import type { ImageNode, ImagesNode } from './image-nodes.ts';

/** Images as the stacks of changesets that they are: image, layer, what the layer changed; and what they are together. */
export class ImagesView implements TreeDataProvider<ImagesNode> {
  readonly #fleet: Fleet;
  readonly #insides: ImageInsides;
  readonly #nodes = new Map<string, ImageNode>();
  /** Rows that were unfolded, with the containers that were made from each as they were shown. */
  readonly #unfolded = new Map<ImageNode, string>();
  readonly #groups = new Map<string, EngineGroup>();
  readonly #changed = new EventEmitter<ImagesNode | undefined>();
  readonly #store = new DisposableStore();
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(fleet: Fleet, insides: ImageInsides) {
    this.#fleet = fleet;
    this.#insides = insides;
    this.#store.add(this.#changed);
    this.#store.add(
      fleet.onDidChange(({ kind, structure, keys }) => {
        if (kind === 'volumes') return;
        if (kind === 'containers') this.#containersChanged();
        else if (structure) this.#changed.fire(undefined);
        else if (kind === 'images') for (const key of keys) this.#changed.fire(this.#nodes.get(key));
      }),
    );
  }

  async getChildren(parent?: ImagesNode): Promise<ImagesNode[]> {
    if (!parent || parent.type === 'group') return this.#top(parent);
    if (parent.type === 'image') this.#unfolded.set(parent, this.#madeOf(parent));
    return this.#insides.below(parent);
  }

  getTreeItem(node: ImagesNode): TreeItem {
    if (node.type === 'group') return groupItem(this.#fleet, node, this.#images(node).length);
    if (node.type === 'image') return imageItem(this.#fleet, node);
    return inImageItem(this.#fleet, node);
  }

  dispose(): void {
    this.#store.dispose();
  }

  /** Only rows that show other containers than before: events come by the dozen. */
  #containersChanged(): void {
    for (const [node, before] of this.#unfolded) {
      const now = this.#madeOf(node);
      if (now === before) continue;
      this.#unfolded.set(node, now);
      this.#changed.fire(node);
    }
  }

  #madeOf({ ref }: ImageNode): string {
    const containers = findEngine(this.#fleet, ref)?.containers ?? [];
    return containers.flatMap(({ id, imageId, state }) => (imageId === ref.id ? [`${id} ${state}`] : [])).join();
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
}
