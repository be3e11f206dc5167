import { l10n, ThemeIcon, type TreeDataProvider, TreeItem, TreeItemCollapsibleState } from 'vscode';
import { DisposableStore } from '../../base/lifetime.ts';
import { type Fleet, findEngine, findVolume, keyOf, type ObjectRef, volumeName } from '../fleet.ts';
import { contextValue } from './context-value.ts';
import { type EngineGroup, groupItem, groupsOf } from './groups.ts';
import type { InsideNode } from './inside-nodes.ts';
import type { Insides } from './insides.ts';
import { PacedChanges } from './paced-changes.ts';
import { problemNotes } from './problem-notes.ts';
import { row } from './row.ts';

export interface VolumeNode {
  readonly type: 'volume';
  readonly ref: ObjectRef;
}

export type VolumesNode = EngineGroup | VolumeNode | InsideNode;

/** Volumes with who mounts them; those of our engine unfold into their files. */
export class VolumesView implements TreeDataProvider<VolumesNode> {
  readonly #fleet: Fleet;
  readonly #insides: Insides;
  readonly #nodes = new Map<string, VolumeNode>();
  readonly #groups = new Map<string, EngineGroup>();
  readonly #changed = new PacedChanges<VolumesNode>();
  readonly #store = new DisposableStore();
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(fleet: Fleet, insides: Insides) {
    this.#fleet = fleet;
    this.#insides = insides;
    this.#store.add(this.#changed);
    this.#store.add(
      fleet.onDidChange(({ kind, structure, keys }) => {
        if (kind === 'images' || kind === 'execs') return;
        // Containers that come and go change who mounts what, but no row of this view.
        if (kind === 'containers') for (const node of this.#nodes.values()) this.#changed.fire(node);
        else if (structure || kind === 'problems') this.#changed.fire(undefined);
        else if (kind === 'volumes') for (const key of keys) this.#changed.fire(this.#nodes.get(key));
      }),
    );
  }

  async getChildren(parent?: VolumesNode): Promise<VolumesNode[]> {
    if (parent === undefined) return this.#top();
    if (parent.type === 'group') return this.#inGroup(parent);
    if (parent.type === 'volume') return [...(await this.#insides.entries({ kind: 'volume', ...parent.ref }, '/'))];
    return [...(await this.#insides.children(parent))];
  }

  getTreeItem(node: VolumesNode): TreeItem {
    return row(() => this.#item(node));
  }

  /** Reads everything that is unfolded anew. */
  refresh(): void {
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#store.dispose();
  }

  #item(node: VolumesNode): TreeItem {
    if (node.type === 'group') return groupItem(this.#fleet, node, this.#volumes(node).length);
    return node.type === 'volume' ? this.#volumeItem(node) : this.#insides.item(node);
  }

  #top(): VolumesNode[] {
    const groups = groupsOf(this.#fleet, this.#groups);
    const rows = groups.length > 1 ? groups : groups.flatMap((group) => this.#inGroup(group));
    return [...problemNotes(this.#fleet, 'volumes'), ...rows];
  }

  #inGroup(group: EngineGroup): VolumeNode[] {
    return this.#volumes(group).map((volume) => this.#nodeOf(volume));
  }

  #volumes(group: EngineGroup) {
    return findEngine(this.#fleet, group)?.volumes ?? [];
  }

  #nodeOf({ host, engine, id }: ObjectRef): VolumeNode {
    const ref = { host, engine, id };
    const key = keyOf(ref);
    const node = this.#nodes.get(key) ?? { type: 'volume', ref };
    this.#nodes.set(key, node);
    return node;
  }

  #volumeItem({ ref }: VolumeNode): TreeItem {
    const volume = findVolume(this.#fleet, ref);
    const own = ref.engine === 'porthole';
    const item = new TreeItem(
      volume ? volumeName(volume) : ref.id,
      own ? TreeItemCollapsibleState.Collapsed : TreeItemCollapsibleState.None,
    );
    item.id = `volume:${keyOf(ref)}`;
    const users = (findEngine(this.#fleet, ref)?.containers ?? []).filter(({ volumes }) => volumes.includes(ref.id));
    item.iconPath = new ThemeIcon('database');
    item.contextValue = contextValue('volume', users.length > 0 ? 'used' : 'unused', ref.engine);
    const names = users.map(({ name }) => name).join(', ');
    item.description = users.length > 0 ? l10n.t('mounted by {0}', names) : l10n.t('not used');
    item.tooltip = [
      ref.id,
      ...(volume?.anonymous ? [l10n.t('Without a name of its own')] : []),
      item.description,
      l10n.t('A volume outlives the containers that use it.'),
    ].join('\n');
    item.accessibilityInformation = { label: `${item.label}, ${item.description}` };
    return item;
  }
}
