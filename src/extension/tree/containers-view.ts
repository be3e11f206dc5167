import type { TreeDataProvider, TreeItem } from 'vscode';
import { type Disposable, DisposableStore } from '../../base/lifetime.ts';
import {
  type ContainerView,
  type Fleet,
  type FleetChange,
  findContainer,
  hostLabel,
  keyOf,
  type LiveUsage,
  type ObjectRef,
} from '../fleet.ts';
import { usageWords } from './appearance.ts';
import { type ContainerGroup, containerGroupItem } from './container-groups.ts';
import { containerItem } from './container-item.ts';
import type { Filter } from './filter.ts';
import type { Gauges } from './gauges.ts';
import { type Bucket, bucketsOf, type Grouping } from './grouping.ts';
import type { InsideNode } from './inside-nodes.ts';
import type { Insides } from './insides.ts';
import { PacedChanges } from './paced-changes.ts';
import { problemNotes } from './problem-notes.ts';
import { row } from './row.ts';

export interface ContainerNode {
  readonly type: 'container';
  readonly ref: ObjectRef;
}

export type ContainersNode = ContainerGroup | ContainerNode | InsideNode;

export interface ContainersParts {
  readonly fleet: Fleet;
  readonly insides: Insides;
  readonly gauges: Gauges;
}

/** How often live numbers are redrawn, in milliseconds: a tree that flickers faster than this cannot be read. */
const redrawEvery = 1000;

/** Containers, grouped and filtered, each with what is inside it. Live usage is read for the running ones, and only while somebody looks. */
export class ContainersView implements TreeDataProvider<ContainersNode> {
  readonly #fleet: Fleet;
  readonly #insides: Insides;
  readonly #gauges: Gauges;
  readonly #nodes = new Map<string, ContainerNode>();
  readonly #groups = new Map<string, ContainerGroup>();
  /** As they were shown last; groups come and go with the containers in them. */
  #buckets: readonly Bucket[] | undefined;
  /** Keys of the groups in which containers are shown, by the containers' keys. */
  #places = new Map<string, string>();
  readonly #usage = new Map<string, LiveUsage>();
  readonly #watched = new Map<string, Disposable>();
  readonly #dirty = new Set<string>();
  /** Keys of containers, and of their cgroup rows. */
  readonly #unfolded = new Set<string>();
  readonly #changed = new PacedChanges<ContainersNode>();
  readonly #store = new DisposableStore();
  readonly onDidChangeTreeData = this.#changed.event;
  #grouping: Grouping = { by: 'auto' };
  #filter: Filter | undefined;
  #visible = false;
  #timer: NodeJS.Timeout | undefined;

  constructor({ fleet, insides, gauges }: ContainersParts) {
    this.#fleet = fleet;
    this.#insides = insides;
    this.#gauges = gauges;
    this.#store.add(this.#changed);
    this.#store.add(fleet.onDidChange((change) => this.#onChange(change)));
    this.#store.add(insides.onDidChange((section) => this.#changed.fire(section)));
    this.#store.add(gauges.onDidChange((gauge) => this.#changed.fire(gauge)));
    this.#store.add({ dispose: () => this.setVisible(false) });
    this.#arrange();
  }

  get grouping(): Grouping {
    return this.#grouping;
  }

  get filter(): Filter | undefined {
    return this.#filter;
  }

  /** How many containers there are, and how many of them are shown. */
  get counts(): { readonly shown: number; readonly all: number } {
    return { shown: this.#shown().length, all: this.#all().length };
  }

  groupBy(grouping: Grouping): void {
    this.#grouping = grouping;
    this.refresh();
  }

  /** Undefined shows all. */
  filterBy(filter: Filter | undefined): void {
    this.#filter = filter;
    this.refresh();
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
    const key = foldingKey(node);
    if (key === undefined) return;
    if (unfolded) this.#unfolded.add(key);
    else this.#unfolded.delete(key);
    if (node.type === 'container') this.#changed.fire(node);
    this.#watch();
  }

  async getChildren(parent?: ContainersNode): Promise<ContainersNode[]> {
    if (parent === undefined) return this.#top();
    if (parent.type === 'group') return this.#inGroup(parent);
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
    const place = this.#places.get(keyOf(node.ref));
    return place === undefined ? undefined : this.#groups.get(place);
  }

  getTreeItem(node: ContainersNode): TreeItem {
    return row(() => this.#item(node));
  }

  dispose(): void {
    this.#store.dispose();
  }

  /** Reads everything that is unfolded anew. */
  refresh(): void {
    this.#arrange();
    this.#changed.fire(undefined);
  }

  /** What was read of a container is no longer so. */
  readAnew(container: ObjectRef): void {
    const key = keyOf(container);
    this.#insides.forget([key]);
    this.#changed.fire(this.#nodes.get(key));
  }

  #item(node: ContainersNode): TreeItem {
    if (node.type === 'group') {
      const bucket = this.#buckets?.find(({ key }) => key === node.key);
      return containerGroupItem(this.#fleet, {
        grouping: this.#grouping,
        bucket: bucket ?? { key: node.key, value: '', containers: [] },
      });
    }
    if (node.type !== 'container') return this.#insides.item(node);
    const key = keyOf(node.ref);
    const { by } = this.#grouping;
    return containerItem({
      ref: node.ref,
      container: findContainer(this.#fleet, node.ref),
      usage: this.#unfolded.has(key) ? undefined : this.#usage.get(key),
      host: hostLabel(this.#fleet, node.ref.host),
      tellHost: by !== 'auto' && by !== 'host' && by !== 'project' && by !== 'network' && this.#fleet.hosts.length > 1,
    });
  }

  #top(): ContainersNode[] {
    const rows = this.#buckets
      ? this.#buckets.map((bucket) => this.#groupOf(bucket))
      : this.#shown().map((container) => this.nodeOf(container));
    return [...problemNotes(this.#fleet, 'containers'), ...rows];
  }

  #inGroup({ key }: ContainerGroup): ContainersNode[] {
    const bucket = this.#buckets?.find((one) => one.key === key);
    return (bucket?.containers ?? []).map((container) => this.nodeOf(container));
  }

  #groupOf({ key, host, engine }: Bucket): ContainerGroup {
    const known = this.#groups.get(key);
    if (known) return known;
    const made: ContainerGroup = { type: 'group', key, ...(host && { host }), ...(engine && { engine }) };
    this.#groups.set(key, made);
    return made;
  }

  #fits(container: ContainerView): boolean {
    return this.#filter?.container(container) ?? true;
  }

  /** Puts every container into its group, for the rows that are asked for next. */
  #arrange(): void {
    const fits = (container: ContainerView) => this.#fits(container);
    const buckets = bucketsOf(this.#fleet.hosts, { grouping: this.#grouping, fits });
    this.#buckets = this.#filter ? buckets?.filter(({ containers }) => containers.length > 0) : buckets;
    const rows = this.#buckets ?? [{ key: '', containers: this.#shown() }];
    this.#places = new Map(rows.flatMap(({ key, containers }) => containers.map((one) => [keyOf(one), key] as const)));
  }

  #shown(): readonly ContainerView[] {
    return this.#all().filter((container) => this.#fits(container));
  }

  #all(): readonly ContainerView[] {
    return this.#fleet.hosts.flatMap(({ engines }) => engines.flatMap(({ containers }) => containers));
  }

  #onChange({ kind, structure, keys }: FleetChange): void {
    if (kind === 'images' || kind === 'volumes') return;
    if (kind === 'execs') {
      this.#insides.execsChanged(keys);
      return;
    }
    if (kind === 'containers') this.#insides.forget(keys);
    if (structure || kind === 'problems') this.refresh();
    else if (kind === 'containers') this.#containersChanged(keys);
    this.#watch();
  }

  /** A container that belongs elsewhere now is drawn with the groups that it leaves and joins; the others stay as they are. */
  #containersChanged(keys: readonly string[]): void {
    const [before, groupsBefore] = [this.#places, new Set(this.#buckets?.map(({ key }) => key))];
    if (this.#filter || this.#buckets) this.#arrange();
    const moved = keys.filter((key) => before.get(key) !== this.#places.get(key));
    const sameGroups =
      groupsBefore.size === (this.#buckets?.length ?? 0) &&
      (this.#buckets ?? []).every(({ key }) => groupsBefore.has(key));
    if (moved.length > 0 && (!sameGroups || !this.#buckets)) {
      this.#changed.fire(undefined);
      return;
    }
    const touched = new Set(moved.flatMap((key) => [before.get(key), this.#places.get(key)]));
    for (const place of touched) if (place !== undefined) this.#changed.fire(this.#groups.get(place));
    for (const key of keys) if (!moved.includes(key)) this.#changed.fire(this.#nodes.get(key));
  }

  #showsGauges(container: ContainerView): boolean {
    const key = keyOf(container);
    const lives = container.state === 'running' || container.state === 'paused';
    return lives && this.#unfolded.has(key) && this.#unfolded.has(`${key}/cgroup`);
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
    const shown = this.#visible ? this.#shown() : [];
    for (const container of shown) if (container.state === 'running') wanted.set(keyOf(container), container);
    for (const [key, watch] of this.#watched) {
      if (wanted.has(key)) continue;
      watch.dispose();
      this.#watched.delete(key);
      this.#usage.delete(key);
    }
    for (const [key, container] of wanted) {
      if (this.#watched.has(key)) continue;
      const watch = this.#fleet.watchUsage(container, (usage) => {
        const before = this.#usage.get(key);
        this.#usage.set(key, usage);
        // What sleeps is drawn once.
        if (!before || usageWords(before) !== usageWords(usage)) this.#dirty.add(key);
      });
      this.#watched.set(key, watch);
    }
    this.#gauges.follow(shown.filter((container) => this.#showsGauges(container)));
  }
}

/** Undefined for rows whose folding changes nothing. */
function foldingKey(node: ContainersNode): string | undefined {
  if (node.type === 'container') return keyOf(node.ref);
  return node.type === 'section' && node.section === 'cgroup' ? `${keyOf(node.container)}/cgroup` : undefined;
}
