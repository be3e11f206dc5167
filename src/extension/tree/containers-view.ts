import { EventEmitter, l10n, ThemeIcon, type TreeDataProvider, TreeItem, TreeItemCollapsibleState } from 'vscode';
import { type Disposable, DisposableStore } from '../../base/lifetime.ts';
import {
  type ContainerView,
  type Fleet,
  type FleetChange,
  findContainer,
  findEngine,
  keyOf,
  type LiveUsage,
  type ObjectRef,
  shortId,
} from '../fleet.ts';
import { containerDescription, containerLook, exitHint } from './appearance.ts';
import { contextValue } from './context-value.ts';
import { type EngineGroup, groupItem, groupsOf } from './groups.ts';
import { insideItem } from './inside-items.ts';
import type { InsideNode } from './inside-nodes.ts';
import type { Insides } from './insides.ts';

export interface ContainerNode {
  readonly type: 'container';
  readonly ref: ObjectRef;
}

export type ContainersNode = EngineGroup | ContainerNode | InsideNode;

/** How often live numbers are redrawn, in milliseconds: a tree that flickers faster than this cannot be read. */
const redrawEvery = 1000;

/** Containers by host and engine, each with what is inside it. Live usage is read for the running ones, and only while somebody looks. */
export class ContainersView implements TreeDataProvider<ContainersNode> {
  readonly #fleet: Fleet;
  readonly #insides: Insides;
  readonly #nodes = new Map<string, ContainerNode>();
  readonly #groups = new Map<string, EngineGroup>();
  readonly #usage = new Map<string, LiveUsage>();
  readonly #watched = new Map<string, Disposable>();
  readonly #dirty = new Set<string>();
  readonly #unfolded = new Set<string>();
  readonly #changed = new EventEmitter<ContainersNode | undefined>();
  readonly #store = new DisposableStore();
  readonly onDidChangeTreeData = this.#changed.event;
  #visible = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(fleet: Fleet, insides: Insides) {
    this.#fleet = fleet;
    this.#insides = insides;
    this.#store.add(this.#changed);
    this.#store.add(fleet.onDidChange((change) => this.#onChange(change)));
    this.#store.add(insides.onDidChange((section) => this.#changed.fire(section)));
    this.#store.add({ dispose: () => this.setVisible(false) });
  }

  /** Told by the tree view: nobody pays for numbers that nobody sees. */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    if (!visible) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else if (!this.#timer) {
      this.#timer = setInterval(() => this.#redraw(), redrawEvery);
    }
    this.#watch();
  }

  /**
   * Told by the tree view. VS Code forgets the rows below one that is drawn anew until it has asked for them again, and a
   * command of their menus finds nothing meanwhile: a container that is unfolded shows no live numbers.
   */
  setUnfolded(node: ContainersNode, unfolded: boolean): void {
    if (node.type !== 'container') return;
    const key = keyOf(node.ref);
    if (unfolded) this.#unfolded.add(key);
    else this.#unfolded.delete(key);
    this.#changed.fire(node);
  }

  async getChildren(parent?: ContainersNode): Promise<ContainersNode[]> {
    if (parent === undefined || parent.type === 'group') return this.#top(parent);
    if (parent.type !== 'container') return [...(await this.#insides.children(parent))];
    const container = findContainer(this.#fleet, parent.ref);
    return container ? [...this.#insides.sections(container)] : [];
  }

  /** The row of an object, made when VS Code has not asked for it yet. */
  nodeOf(ref: ObjectRef): ContainerNode {
    const key = keyOf(ref);
    const known = this.#nodes.get(key);
    if (known) return known;
    const made: ContainerNode = { type: 'container', ref: { host: ref.host, engine: ref.engine, id: ref.id } };
    this.#nodes.set(key, made);
    return made;
  }

  getParent(node: ContainersNode): ContainersNode | undefined {
    if (node.type === 'section') return this.nodeOf(node.container);
    if (node.type !== 'container') return undefined;
    const groups = groupsOf(this.#fleet, this.#groups);
    if (groups.length <= 1) return undefined;
    return groups.find((group) => group.host === node.ref.host && group.engine === node.ref.engine);
  }

  getTreeItem(node: ContainersNode): TreeItem {
    if (node.type === 'group') return groupItem(this.#fleet, node, this.#containers(node).length);
    if (node.type !== 'container') return insideItem(node);
    const key = keyOf(node.ref);
    const container = findContainer(this.#fleet, node.ref);
    const item = new TreeItem(container?.name ?? shortId(node.ref.id), TreeItemCollapsibleState.Collapsed);
    item.id = `container:${key}`;
    if (!container) {
      item.iconPath = new ThemeIcon('loading~spin');
      return item;
    }
    const { icon, words } = containerLook(container);
    item.iconPath = icon;
    item.description = containerDescription(container, this.#unfolded.has(key) ? undefined : this.#usage.get(key));
    item.tooltip = [
      container.name,
      words,
      exitHint(container),
      l10n.t('Image: {0}', container.image),
      l10n.t('Command: {0}', container.command),
      shortId(container.id),
    ]
      .filter(Boolean)
      .join('\n');
    item.contextValue = contextValue('container', container.state, container.engine);
    item.accessibilityInformation = { label: `${container.name}, ${words}, ${container.image}` };
    return item;
  }

  dispose(): void {
    this.#store.dispose();
  }

  /** Reads everything that is unfolded anew. */
  refresh(): void {
    this.#changed.fire(undefined);
  }

  #top(parent: EngineGroup | undefined): ContainersNode[] {
    const groups = groupsOf(this.#fleet, this.#groups);
    if (!parent && groups.length > 1) return groups;
    const only = parent ?? groups[0];
    return only ? this.#containers(only).map((container) => this.nodeOf(container)) : [];
  }

  #containers(group: EngineGroup): readonly ContainerView[] {
    return findEngine(this.#fleet, group)?.containers ?? [];
  }

  #onChange({ kind, structure, keys }: FleetChange): void {
    if (kind === 'images' || kind === 'volumes') return;
    if (kind === 'containers') this.#insides.forget(keys);
    if (structure) this.#changed.fire(undefined);
    else if (kind === 'containers') for (const key of keys) this.#changed.fire(this.#nodes.get(key));
    this.#watch();
  }

  #redraw(): void {
    for (const key of this.#dirty) {
      const node = this.#nodes.get(key);
      if (node && !this.#unfolded.has(key) && findContainer(this.#fleet, node.ref)) this.#changed.fire(node);
    }
    this.#dirty.clear();
  }

  #watch(): void {
    const wanted = new Map<string, ContainerView>();
    if (this.#visible) for (const container of this.#running()) wanted.set(keyOf(container), container);
    for (const [key, watch] of this.#watched) {
      if (wanted.has(key)) continue;
      watch.dispose();
      this.#watched.delete(key);
      this.#usage.delete(key);
    }
    for (const [key, container] of wanted) {
      if (this.#watched.has(key)) continue;
      const watch = this.#fleet.watchUsage(container, (usage) => {
        this.#usage.set(key, usage);
        this.#dirty.add(key);
      });
      this.#watched.set(key, watch);
    }
  }

  #running(): ContainerView[] {
    const engines = this.#fleet.hosts.flatMap((entry) => entry.engines);
    return engines.flatMap((view) => view.containers.filter((container) => container.state === 'running'));
  }
}
