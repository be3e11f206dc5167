import type { LayerChange } from '../../protocol/layers.ts';

/** One row below a layer: a directory with what changed below it, or a changed path. */
export interface ChangeNode {
  /** The last component, or several for a chain of directories that each hold only the next: 'usr/share/doc'. */
  readonly name: string;
  /** Full path without a leading slash. */
  readonly path: string;
  /** Undefined: the layer did nothing to the directory itself, only below it. */
  readonly change?: LayerChange;
  /** Directories first, then by name. */
  readonly children: readonly ChangeNode[];
  /** Changes in this node and below. */
  readonly counts: ChangeCounts;
}

export interface ChangeCounts {
  readonly added: number;
  readonly modified: number;
  readonly deleted: number;
}

interface Draft {
  name: string;
  path: string;
  change?: LayerChange;
  children: Map<string, Draft>;
}

/** Arranges a layer's flat list of changes as directories. O(entries), so a layer with 100,000 files unfolds at once. */
export function changeTree(changes: readonly LayerChange[]): readonly ChangeNode[] {
  const root: Draft = { name: '', path: '', children: new Map() };
  for (const change of changes) {
    if (change.path === '' || isOnlyTouched(change)) continue;
    place(root, change);
  }
  return finish(root).children;
}

/**
 * A directory whose time alone differs: every file made in it does that, and a row for each would bury the others.
 */
export function isOnlyTouched(change: LayerChange): boolean {
  return (
    change.kind === 'modified' &&
    change.after?.type === 'directory' &&
    (change.differs ?? []).every((aspect) => aspect === 'time')
  );
}

export function isDirectory(node: ChangeNode): boolean {
  const entry = node.change?.after ?? node.change?.before;
  return node.children.length > 0 || entry === undefined || entry.type === 'directory';
}

function place(root: Draft, change: LayerChange): void {
  let at = root;
  let end = -1;
  while (end < change.path.length) {
    const start = end + 1;
    const slash = change.path.indexOf('/', start);
    end = slash < 0 ? change.path.length : slash;
    const name = change.path.slice(start, end);
    let next = at.children.get(name);
    if (!next) {
      next = { name, path: change.path.slice(0, end), children: new Map() };
      at.children.set(name, next);
    }
    at = next;
  }
  at.change = change;
}

function finish(draft: Draft): ChangeNode {
  const children = [...draft.children.values()].map(finish).map(compact).sort(byKindThenName);
  const own = draft.change?.kind;
  const counts = { added: 0, modified: 0, deleted: 0 };
  if (own) counts[own] += 1;
  for (const child of children) {
    counts.added += child.counts.added;
    counts.modified += child.counts.modified;
    counts.deleted += child.counts.deleted;
  }
  return {
    name: draft.name,
    path: draft.path,
    ...(draft.change ? { change: draft.change } : {}),
    children,
    counts,
  };
}

function compact(node: ChangeNode): ChangeNode {
  const only = node.children.length === 1 ? node.children[0] : undefined;
  if (node.change || !only || only.children.length === 0) return node;
  return { ...only, name: `${node.name}/${only.name}` };
}

function byKindThenName(a: ChangeNode, b: ChangeNode): number {
  const kinds = Number(isDirectory(b)) - Number(isDirectory(a));
  if (kinds !== 0) return kinds;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
