import type { LayerEntry } from '../../protocol/layers.ts';
import type { Cursor } from '../layers/cursor.ts';
import type { IndexFile } from '../layers/index-file.ts';
import type { IndexWriter } from '../layers/index-writer.ts';
import { comparePaths, pathOf } from '../layers/keys.ts';
import { StackFinder } from '../layers/stack-finder.ts';
import { StackWalk } from '../layers/stack-walk.ts';

/** What cannot be known of a layer while nothing is known of those below it. */
export interface Unsettled {
  /** Directories that the archive only implies. */
  readonly implied: ReadonlySet<string>;
  /** The layer hides everything below it. */
  readonly isRootOpaque: boolean;
}

/**
 * Writes an index anew as our own store would have made it: a whiteout of nothing goes, a directory that was only implied
 * keeps what it was below, and what empties the root is said name by name.
 */
export async function settleIndex(
  index: IndexFile,
  on: {
    readonly below: readonly IndexFile[];
    readonly unsettled: Unsettled;
    readonly writer: IndexWriter;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { below, unsettled, writer, signal } = on;
  const finder = await StackFinder.open(below);
  const walk = await StackWalk.open([index]);
  try {
    const emptied = unsettled.isRootOpaque ? await finder.names('') : [];
    const pending = (await missingIn(index, emptied)).sort(comparePaths);
    const hides = new Set(emptied);
    let cover: string | undefined;
    let steps = 0;
    for (let more = await walk.next(); more; more = await walk.next()) {
      const [record] = walk.claims;
      if (!record) continue;
      if (++steps % 1024 === 0) signal.throwIfAborted();
      const path = pathOf(record.key);
      for (let next = pending[0]; next !== undefined && comparePaths(next, path) < 0; next = pending[0]) {
        await writer.addWhiteout(next);
        pending.shift();
      }
      const isCovered = cover !== undefined && path.startsWith(`${cover}/`);
      if (record.isWhiteout) {
        if (!isCovered && (await finder.find(path))) await writer.addWhiteout(path);
        continue;
      }
      const entry = await settled(record, { path, finder, unsettled, hides });
      if (entry.opaque && !isCovered) cover = path;
      await writer.add(entry, { linked: record.isLinked });
    }
    for (const path of pending) await writer.addWhiteout(path);
    await writer.finish();
  } finally {
    await walk.close();
    await finder.close();
  }
}

async function settled(
  record: Cursor,
  at: {
    readonly path: string;
    readonly finder: StackFinder;
    readonly unsettled: Unsettled;
    readonly hides: ReadonlySet<string>;
  },
): Promise<LayerEntry> {
  const { path, finder, unsettled, hides } = at;
  const own = record.entry();
  const isImplied = unsettled.implied.has(path) && !hides.has(path);
  const known = isImplied ? (await finder.find(path))?.entry() : undefined;
  const { opaque: _, ...base }: LayerEntry = known?.type === 'directory' ? known : own;
  const isOpaque = path === '' ? false : own.opaque || (own.type === 'directory' && hides.has(path));
  return { ...base, ...(isOpaque && { opaque: true as const }) };
}

/** Names of the root that an index has no entry of. */
async function missingIn(index: IndexFile, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const finder = await StackFinder.open([index]);
  try {
    const own = new Set(await finder.names(''));
    return names.filter((name) => !own.has(name));
  } finally {
    await finder.close();
  }
}
