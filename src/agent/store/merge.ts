import type { LayerChange, LayerEntry, LayerIndex } from '../../protocol/layers.ts';
import { below, comparePaths } from './paths.ts';

/** The tree that is visible when `layer` lies on `lower`. Both are sorted by path, so is the result. */
export function stack(lower: readonly LayerEntry[], layer: LayerIndex): LayerEntry[] {
  const visible: LayerEntry[] = [];
  walk(lower, layer, ({ before, after, hidden }) => {
    const entry = after ?? (hidden ? undefined : before);
    if (entry) visible.push(entry);
  });
  return visible;
}

/**
 * What `layer` changed against the tree below it, sorted by path. A directory that only got another time is no change:
 * it got that because of a change inside it.
 */
export function changesOf(lower: readonly LayerEntry[], layer: LayerIndex): LayerChange[] {
  const changes: LayerChange[] = [];
  walk(lower, layer, ({ before, after, hidden }) => {
    if (before && after) {
      const differs = differences(before, after);
      if (differs.length > 0) changes.push({ path: after.path, kind: 'modified', differs, before, after });
    } else if (after) {
      // The root itself is always there.
      if (after.path !== '') changes.push({ path: after.path, kind: 'added', after });
    } else if (before && hidden) {
      changes.push({ path: before.path, kind: 'deleted', before });
    }
  });
  return changes;
}

interface Visit {
  readonly before?: LayerEntry | undefined;
  readonly after?: LayerEntry | undefined;
  /** The layer hides what `before` says. */
  readonly hidden: boolean;
}

/** Visits every path of either side once, in order. */
function walk(lower: readonly LayerEntry[], layer: LayerIndex, visit: (step: Visit) => void): void {
  const { entries, whiteouts } = layer;
  let i = 0;
  let j = 0;
  let w = 0;
  /** Everything of `lower` that begins with it is hidden. */
  let cover: string | undefined;
  for (;;) {
    const path = least(lower[i]?.path, entries[j]?.path, whiteouts[w]);
    if (path === undefined) return;
    if (cover !== undefined && !path.startsWith(cover)) cover = undefined;
    const before = lower[i]?.path === path ? lower[i++] : undefined;
    const after = entries[j]?.path === path ? entries[j++] : undefined;
    const whiteout = whiteouts[w] === path;
    if (whiteout) w++;
    if (before || after) visit({ before, after, hidden: whiteout || cover !== undefined });
    const covers = whiteout || (after !== undefined && (after.type !== 'directory' || after.opaque === true));
    if (covers) cover ??= below(path);
  }
}

function least(...paths: (string | undefined)[]): string | undefined {
  let first: string | undefined;
  for (const path of paths) {
    if (path !== undefined && (first === undefined || comparePaths(path, first) < 0)) first = path;
  }
  return first;
}

type Difference = NonNullable<LayerChange['differs']>[number];

function differences(before: LayerEntry, after: LayerEntry): Difference[] {
  const found: Difference[] = [];
  if (before.type !== after.type) found.push('type');
  if (before.type === after.type && (before.digest !== after.digest || before.size !== after.size)) {
    found.push('content');
  }
  if (before.mode !== after.mode) found.push('mode');
  if (before.uid !== after.uid || before.gid !== after.gid) found.push('owner');
  if (before.link !== after.link) found.push('link');
  if (!sameXattrs(before.xattrs, after.xattrs)) found.push('xattrs');
  if (before.device?.major !== after.device?.major || before.device?.minor !== after.device?.minor) {
    found.push('device');
  }
  const sameTime = before.mtime === after.mtime && (before.mtimeNs ?? 0) === (after.mtimeNs ?? 0);
  if (!sameTime && (found.length > 0 || after.type !== 'directory')) found.push('time');
  return found;
}

function sameXattrs(left: LayerEntry['xattrs'] = {}, right: LayerEntry['xattrs'] = {}): boolean {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => left[name] === right[name]);
}
