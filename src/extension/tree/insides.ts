import { posix } from 'node:path';
import * as v from 'valibot';
import { EventEmitter, l10n, type TreeItem, Uri } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import { phrase } from '../../base/phrases.ts';
import type { NamespaceDifference, ProcessView } from '../../protocol/namespaces.ts';
import { checked } from '../checked.ts';
import { type ContainerView, type Fleet, findContainer, findHost, keyOf, type ObjectRef } from '../fleet.ts';
import type { RemoteFiles } from '../fs/remote-files.ts';
import { type FilesOf, filesUriParts } from '../fs/uris.ts';
import type { Host } from '../hosts/contract.ts';
import { explain } from '../problems.ts';
import type { Gauges } from './gauges.ts';
import { insideItem } from './inside-items.ts';
import {
  type EntryNode,
  type InsideNode,
  isFolder,
  type ProcessNode,
  type SectionName,
  type SectionNode,
} from './inside-nodes.ts';
import { mountsOf, networksOf, sessionsOf } from './inspected.ts';

/** How long processes are believed, in milliseconds: they come and go without a word. */
const processesLast = 2_000;
/** As long as no event says otherwise. */
const eventsTell = Number.POSITIVE_INFINITY;
/** How many unfolded rows' children are kept. */
const keep = 400;
/** More rows than this below one of them help nobody; the rest is counted. */
const most = 1_000;

const reference = v.object({
  engine: v.picklist(['porthole', 'docker', 'podman', 'containerd', 'other']),
  id: v.string(),
  name: v.exactOptional(v.string()),
});
const processes: v.GenericSchema<unknown, readonly ProcessView[]> = v.array(
  v.object({
    pid: v.number(),
    command: v.string(),
    parent: v.number(),
    uid: v.number(),
    pids: v.array(v.number()),
    cgroup: v.string(),
  }),
);
const namespaces: v.GenericSchema<unknown, readonly NamespaceDifference[]> = v.array(
  v.object({
    kind: v.picklist(['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'user', 'time']),
    inode: v.number(),
    host: v.boolean(),
    standing: v.picklist(['host', 'own', 'shared']),
    sharedWith: v.array(reference),
    words: v.string(),
  }),
);
const changeKinds = { 0: 'modified', 1: 'added', 2: 'deleted' } as const;
const changes = v.nullable(v.array(v.object({ Path: v.string(), Kind: v.picklist([0, 1, 2]) })));

interface Kept {
  readonly nodes: Promise<readonly InsideNode[]>;
  until: number;
}

interface Reading {
  /** Names what is read; begins with the key of its container or volume and a slash. */
  readonly id: string;
  /** What stands there when there is nothing. */
  readonly empty: string;
  /** What may change without a word: how long it is believed, in milliseconds, and the row that it belongs to. */
  readonly live?: { readonly lasts: number; readonly row: SectionNode };
}

/**
 * Reads what is inside containers and volumes, when somebody unfolds it. What was read is kept, because a row is drawn anew,
 * with everything unfolded below it, whenever a number in it changes; what has become old is read again behind the rows that
 * are there, so that a tree that nobody touches stays still.
 */
export class Insides {
  readonly #fleet: Fleet;
  readonly #files: RemoteFiles;
  readonly #gauges: Gauges;
  readonly #kept = new Map<string, Kept>();
  /** VS Code tells rows apart by their objects. */
  readonly #sections = new Map<string, SectionNode>();
  readonly #changed = new EventEmitter<SectionNode>();
  /** Told when what is below a row is no longer what was there. */
  readonly onDidChange = this.#changed.event;

  constructor({ fleet, files, gauges }: { fleet: Fleet; files: RemoteFiles; gauges: Gauges }) {
    this.#fleet = fleet;
    this.#files = files;
    this.#gauges = gauges;
  }

  /** What there is to unfold: a container that does not run has no processes, and only our engine shows files of others' hands. */
  sections(container: ContainerView): readonly SectionNode[] {
    const lives = container.state === 'running' || container.state === 'paused';
    const own = container.engine === 'porthole';
    const names: readonly SectionName[] = [
      ...(lives ? (['processes', 'execs', 'cgroup'] as const) : []),
      ...(lives && own ? (['namespaces'] as const) : []),
      'networks',
      'mounts',
      'changes',
      ...(own ? (['files'] as const) : []),
    ];
    const { host, engine, id } = container;
    return names.map((section) => this.#sectionOf({ host, engine, id }, section));
  }

  dispose(): void {
    this.#changed.dispose();
  }

  /** What was read of these objects, or of all, is read anew when it is asked for. */
  forget(keys?: readonly string[]): void {
    if (keys === undefined) {
      this.#kept.clear();
      this.#sections.clear();
    } else for (const id of this.#kept.keys()) if (keys.some((key) => id.startsWith(`${key}/`))) this.#kept.delete(id);
  }

  /** Commands began or ended in these: what was read of them is asked for again. */
  execsChanged(keys: readonly string[]): void {
    for (const key of keys) {
      for (const section of ['execs', 'processes'] as const) {
        const kept = this.#kept.get(`${key}//${section}`);
        const row = this.#sections.get(`${key}/${section}`);
        if (!kept || !row) continue;
        kept.until = 0;
        this.#changed.fire(row);
      }
    }
  }

  item(node: InsideNode): TreeItem {
    return insideItem(node, this.#gauges);
  }

  async children(node: InsideNode): Promise<readonly InsideNode[]> {
    switch (node.type) {
      case 'section':
        return this.#section(node);
      case 'process':
        return node.children;
      case 'entry':
        return this.entries(node.of, node.path);
      default:
        return [];
    }
  }

  /** What lies directly in a directory: directories first, then by name. */
  entries(of: FilesOf, path: string): Promise<readonly InsideNode[]> {
    const id = `${keyOf(of)}${path}`;
    return this.#read({ id, empty: l10n.t('This directory is empty') }, async () => {
      const entries = await this.#files.list(Uri.from(filesUriParts(of, path)));
      const nodes = entries.map(
        (entry): EntryNode => ({ type: 'entry', of, path: posix.join(path, entry.name), entry }),
      );
      return nodes.sort((a, b) => Number(isFolder(b)) - Number(isFolder(a)));
    });
  }

  #section(row: SectionNode): Promise<readonly InsideNode[]> {
    const { container, section } = row;
    // Two slashes: no path has them, and a container may have a directory /mounts.
    const id = `${keyOf(container)}//${section}`;
    switch (section) {
      case 'processes':
        return this.#read({ id, empty: l10n.t('No process runs'), live: { lasts: processesLast, row } }, () =>
          this.#processes(container),
        );
      case 'execs':
        return this.#read({ id, empty: l10n.t('No command runs beside it'), live: { lasts: eventsTell, row } }, () =>
          sessionsOf(this.#docker(container), container),
        );
      case 'cgroup':
        return Promise.resolve(this.#gauges.nodesOf(container));
      case 'networks':
        return this.#read({ id, empty: l10n.t('It is in no network') }, () =>
          networksOf(this.#docker(container), container),
        );
      case 'namespaces':
        return this.#read({ id, empty: l10n.t('It has none of its own') }, async () => {
          const answer = await this.#host(container).porthole(`/containers/${container.id}/namespaces`);
          return checked(namespaces, answer).map((difference) => ({ type: 'namespace', container, difference }));
        });
      case 'mounts':
        return this.#read({ id, empty: l10n.t('Nothing is mounted') }, () =>
          mountsOf(this.#docker(container), container),
        );
      case 'changes':
        return this.#read({ id, empty: l10n.t('It is as its image'), live: { lasts: processesLast, row } }, () =>
          this.#changes(container),
        );
      case 'files':
        return this.entries({ kind: 'container', ...container }, '/');
    }
  }

  #sectionOf(container: ObjectRef, section: SectionName): SectionNode {
    const key = `${keyOf(container)}/${section}`;
    const node = this.#sections.get(key) ?? { type: 'section', container, section };
    this.#sections.set(key, node);
    return node;
  }

  #read(reading: Reading, read: () => Promise<readonly InsideNode[]>): Promise<readonly InsideNode[]> {
    const kept = this.#kept.get(reading.id);
    if (kept && kept.until > Date.now()) return kept.nodes;
    const nodes = orNote(reading, read);
    if (!kept || !reading.live) return this.#keep(reading, nodes);
    this.#keep(reading, kept.nodes);
    void this.#replace(reading, { before: kept.nodes, nodes, row: reading.live.row });
    return kept.nodes;
  }

  async #replace(
    reading: Reading,
    { before, nodes, row }: { before: Kept['nodes']; nodes: Kept['nodes']; row: SectionNode },
  ): Promise<void> {
    const [old, now] = await Promise.all([before, nodes]);
    if (JSON.stringify(old) === JSON.stringify(now) || !this.#kept.has(reading.id)) return;
    this.#keep(reading, nodes);
    this.#changed.fire(row);
  }

  #keep({ id, live }: Reading, nodes: Kept['nodes']): Kept['nodes'] {
    this.#kept.delete(id);
    this.#kept.set(id, { nodes, until: live ? Date.now() + live.lasts : Number.POSITIVE_INFINITY });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= keep) break;
      this.#kept.delete(oldest);
    }
    return nodes;
  }

  async #processes(container: ObjectRef): Promise<readonly InsideNode[]> {
    const answer = await this.#host(container).porthole(`/processes?container=${container.id}`);
    return processTree(container, checked(processes, answer));
  }

  async #changes(container: ObjectRef): Promise<readonly InsideNode[]> {
    const answer: unknown = await this.#docker(container).getContainer(container.id).changes();
    const found = checked(changes, answer) ?? [];
    // Every directory on the way to a change is told as modified: rows for them would bury the others.
    const parents = new Set(found.map(({ Path }) => posix.dirname(Path)));
    return found
      .filter(({ Path, Kind }) => Kind !== 0 || !parents.has(Path))
      .map(({ Path, Kind }) => ({ type: 'difference', container, path: Path, kind: changeKinds[Kind] }));
  }

  #docker(ref: ObjectRef) {
    return this.#host(ref).engine(ref.engine);
  }

  #host(ref: ObjectRef): Host {
    const entry = findHost(this.#fleet, ref.host);
    if (!entry || !findContainer(this.#fleet, ref)) {
      throw new PortholeError('not-found', phrase('That is no longer there.'));
    }
    return entry.host;
  }
}

/** Those whose parent is not among them are at the top: the initial process, and what was exec'd. */
export function processTree(container: ObjectRef, found: readonly ProcessView[]): readonly ProcessNode[] {
  const byParent = new Map<number, ProcessView[]>();
  const known = new Set(found.map(({ pid }) => pid));
  for (const process of found) {
    const parent = known.has(process.parent) ? process.parent : 0;
    byParent.set(parent, [...(byParent.get(parent) ?? []), process]);
  }
  const below = (parent: number): readonly ProcessNode[] =>
    (byParent.get(parent) ?? [])
      .sort((a, b) => a.pid - b.pid)
      .map((process) => ({ type: 'process', container, process, children: below(process.pid) }));
  return below(0);
}

/** What cannot be read shows as a row that says why; the rest of the tree stays usable. */
async function orNote(
  { id, empty }: { readonly id: string; readonly empty: string },
  read: () => Promise<readonly InsideNode[]>,
): Promise<readonly InsideNode[]> {
  try {
    const nodes = await read();
    if (nodes.length === 0) return [{ type: 'note', id, text: empty, failed: false }];
    if (nodes.length <= most) return nodes;
    const rest = l10n.t('{0} more are not shown', nodes.length - most);
    return [...nodes.slice(0, most), { type: 'note', id, text: rest, failed: false }];
  } catch (failure) {
    return [{ type: 'note', id, text: explain(failure), failed: true }];
  }
}
