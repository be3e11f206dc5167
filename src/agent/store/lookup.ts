import type { LayerEntry, LayerIndex } from '../../protocol/layers.ts';
import { findPath, parentOf } from './paths.ts';

/** What one layer says about a path: it has it, it hides what lies below, or it says nothing. */
export type Verdict = { readonly entry: LayerEntry } | 'hidden' | 'silent';

/**
 * Asks one layer for a path with a few binary searches; the layers of an image are asked from the top down until one
 * is not silent.
 */
export function askLayer(index: LayerIndex, path: string): Verdict {
  const entry = entryAt(index, path);
  if (entry) return { entry };
  if (isWhiteout(index, path)) return 'hidden';
  for (let above = parentOf(path); above !== undefined; above = parentOf(above)) {
    const ancestor = entryAt(index, above);
    if (ancestor && (ancestor.type !== 'directory' || ancestor.opaque)) return 'hidden';
    if (isWhiteout(index, above)) return 'hidden';
  }
  return 'silent';
}

/** The entry that a layer itself has at a path. */
export function entryAt({ entries }: LayerIndex, path: string): LayerEntry | undefined {
  return entries[findPath(entries.length, (position) => entries[position]?.path, path)];
}

function isWhiteout({ whiteouts }: LayerIndex, path: string): boolean {
  return findPath(whiteouts.length, (position) => whiteouts[position], path) !== -1;
}
