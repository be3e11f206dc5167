import type { Matrix, MemberView, NamespaceView, RowView } from '../../protocol/namespace-page.ts';
import { mostMembers } from '../../protocol/namespace-page.ts';
import type { ContainerReference, NamespaceEntry, NamespaceSurvey } from '../../protocol/namespaces.ts';

/** In the order of namespaces(7)' importance to people: what is seen, then what is counted. */
export const kinds = ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const;

export interface Look {
  /** How a container is called in the UI. */
  nameOf(container: ContainerReference): string;
  /** Id of the container that the page is about; '' for none. */
  readonly chosen: string;
  /** Containers that do not run. */
  readonly resting: number;
}

/** Containers and the namespaces that they are in: those that share one stand next to each other, the chosen one first. Pure. */
export function matrixOf({ namespaces, unreadable }: NamespaceSurvey, look: Look): Matrix {
  const rows = together(rowsOf(namespaces, look));
  const shown = new Set(rows.flatMap(({ cells }) => cells.flat()));
  const marks = marksOf(rows, namespaces);
  return {
    kinds: [...kinds],
    rows,
    namespaces: namespaces
      .filter(({ inode, host }) => host || shown.has(inode))
      .map((entry) => viewOf(entry, marks.get(entry.inode) ?? '', look)),
    unreadable: unreadable.length,
    resting: look.resting,
  };
}

/** Who is in a namespace, by pid, and how many there are. */
export function membersOf(
  { namespaces }: NamespaceSurvey,
  inode: number,
  look: Pick<Look, 'nameOf'>,
): { readonly members: readonly MemberView[]; readonly total: number } {
  const members = namespaces.find((entry) => entry.inode === inode)?.members ?? [];
  return {
    members: members.slice(0, mostMembers).map(({ pid, command, container }) => ({
      pid,
      command,
      container: container ? look.nameOf(container) : '',
    })),
    total: members.length,
  };
}

function rowsOf(namespaces: readonly NamespaceEntry[], look: Look): readonly RowView[] {
  const containers = new Map(namespaces.flatMap((entry) => entry.containers).map((one) => [one.id, one]));
  const rows = [...containers.values()].map((container) => ({
    engine: container.engine,
    id: container.id,
    name: look.nameOf(container),
    chosen: container.id === look.chosen,
    cells: kinds.map((kind) =>
      namespaces
        .filter((entry) => entry.kind === kind && entry.containers.some(({ id }) => id === container.id))
        // The one that most of it is in comes first.
        .toSorted((a, b) => share(b, container.id) - share(a, container.id))
        .map(({ inode }) => inode),
    ),
  }));
  return rows.toSorted((a, b) => Number(b.chosen) - Number(a.chosen) || a.name.localeCompare(b.name));
}

const share = ({ members }: NamespaceEntry, id: string): number =>
  members.filter(({ container }) => container?.id === id).length;

/** Rows that share a namespace follow each other; the order is otherwise kept. */
function together(rows: readonly RowView[]): readonly RowView[] {
  const common = sharedInodes(rows);
  const left = new Set(rows);
  const sorted: RowView[] = [];
  for (const first of rows) {
    const waiting = [first];
    for (let row = waiting.shift(); row; row = waiting.shift()) {
      if (!left.delete(row)) continue;
      sorted.push(row);
      const own = new Set(row.cells.flat().filter((inode) => common.has(inode)));
      waiting.push(...[...left].filter(({ cells }) => cells.flat().some((inode) => own.has(inode))));
    }
  }
  return sorted;
}

/** Those of several rows, but not of all of them: what all are in joins nobody. */
function sharedInodes(rows: readonly RowView[]): ReadonlySet<number> {
  const counts = new Map<number, number>();
  for (const inode of rows.flatMap(({ cells }) => cells.flat())) counts.set(inode, (counts.get(inode) ?? 0) + 1);
  return new Set([...counts].filter(([, count]) => count > 1 && count < rows.length).map(([inode]) => inode));
}

/** A letter for each namespace of several containers, from A on in every column. */
function marksOf(rows: readonly RowView[], namespaces: readonly NamespaceEntry[]): ReadonlyMap<number, string> {
  const byInode = new Map(namespaces.map((entry) => [entry.inode, entry]));
  const marks = new Map<number, string>();
  for (const column of kinds.keys()) {
    const inodes = new Set(rows.flatMap(({ cells }) => cells[column] ?? []));
    const shared = [...inodes].filter((inode) => {
      const entry = byInode.get(inode);
      return entry !== undefined && !entry.host && entry.containers.length > 1;
    });
    for (const [at, inode] of shared.entries()) marks.set(inode, letter(at));
  }
  return marks;
}

/** 0 -> 'A', 25 -> 'Z', 26 -> 'AA'. */
function letter(at: number): string {
  const last = String.fromCharCode(65 + (at % 26));
  return at < 26 ? last : `${letter(Math.floor(at / 26) - 1)}${last}`;
}

function viewOf(entry: NamespaceEntry, mark: string, { nameOf }: Look): NamespaceView {
  const { kind, inode, host, members, containers, owner, parent, keptBy } = entry;
  return {
    kind,
    inode,
    host,
    mark,
    containers: containers.map(nameOf).toSorted((a, b) => a.localeCompare(b)),
    members: members.length,
    ...(owner && { owner }),
    ...(parent !== undefined && { parent }),
    keptBy,
  };
}
