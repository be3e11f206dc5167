import type { TreeDataProvider, TreeItem } from 'vscode';
import { DisposableStore } from '../../base/lifetime.ts';
import { type Fleet, findEngine, type ImageView, keyOf, type ObjectRef } from '../fleet.ts';
import type { Filter } from './filter.ts';
import { type EngineGroup, groupItem, groupsOf } from './groups.ts';
import type { ImageInsides } from './image-insides.ts';
import { imageItem, inImageItem } from './image-items.ts';
import type { ImageNode, ImagesNode } from './image-nodes.ts';
import { noteItem } from './note-item.ts';
import { PacedChanges } from './paced-changes.ts';
import { problemNotes } from './problem-notes.ts';
import { row } from './row.ts';

/** Images as the stacks of changesets that they are: image, layer, what the layer changed; and what they are together. */
export class ImagesView implements TreeDataProvider<ImagesNode> {
  readonly #fleet: Fleet;
  readonly #insides: ImageInsides;
  readonly #nodes = new Map<string, ImageNode>();
  /** Rows that were unfolded, with the containers that were made from each as they were shown. */
  readonly #unfolded = new Map<ImageNode, string>();
  readonly #groups = new Map<string, EngineGroup>();
  readonly #changed = new PacedChanges<ImagesNode>();
  readonly #store = new DisposableStore();
  readonly onDidChangeTreeData = this.#changed.event;
  #filter: Filter | undefined;

  constructor(fleet: Fleet, insides: ImageInsides) {
    this.#fleet = fleet;
    this.#insides = insides;
    this.#store.add(this.#changed);
    this.#store.add(
      fleet.onDidChange(({ kind, structure, keys }) => {
        if (kind === 'volumes' || kind === 'execs') return;
        if (kind === 'containers') this.#containersChanged();
        else if (structure || kind === 'problems') this.#changed.fire(undefined);
        else if (kind === 'images') for (const key of keys) this.#changed.fire(this.#nodes.get(key));
      }),
    );
  }

  async getChildren(parent?: ImagesNode): Promise<ImagesNode[]> {
    if (!parent) return this.#top();
    if (parent.type === 'group') return this.#inGroup(parent);
    if (parent.type === 'note') return [];
    if (parent.type === 'image') this.#unfolded.set(parent, this.#madeOf(parent));
    return this.#insides.below(parent);
  }

  get filter(): Filter | undefined {
    return this.#filter;
  }

  /** How many images there are, and how many of them are shown. */
  get counts(): { readonly shown: number; readonly all: number } {
    const groups = groupsOf(this.#fleet, this.#groups);
    const sum = (count: (group: EngineGroup) => number) => groups.reduce((so, group) => so + count(group), 0);
    return {
      shown: sum((group) => this.#images(group).length),
      all: sum((group) => findEngine(this.#fleet, group)?.images.length ?? 0),
    };
  }

  /** Undefined shows all. */
  filterBy(filter: Filter | undefined): void {
    this.#filter = filter;
    this.#changed.fire(undefined);
  }

  /** Reads everything that is unfolded anew. */
  refresh(): void {
    this.#changed.fire(undefined);
  }

  getTreeItem(node: ImagesNode): TreeItem {
    return row(() => this.#item(node));
  }

  #item(node: ImagesNode): TreeItem {
    if (node.type === 'group') return groupItem(this.#fleet, node, this.#images(node).length);
    if (node.type === 'image') return imageItem(this.#fleet, node);
    if (node.type === 'note') return noteItem(node);
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

  #top(): ImagesNode[] {
    const groups = groupsOf(this.#fleet, this.#groups);
    const shown = this.#filter ? groups.filter((group) => this.#images(group).length > 0) : groups;
    const rows = groups.length > 1 ? shown : groups.flatMap((group) => this.#inGroup(group));
    return [...problemNotes(this.#fleet, 'images'), ...rows];
  }

  #inGroup(group: EngineGroup): ImageNode[] {
    return this.#images(group).map((image) => this.#nodeOf(image));
  }

  #images(group: EngineGroup): readonly ImageView[] {
    const all = findEngine(this.#fleet, group)?.images ?? [];
    return this.#filter ? all.filter((image) => this.#filter?.image(image) ?? true) : all;
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
