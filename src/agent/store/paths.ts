import { bytesOf } from '../sys/names.ts';

/**
 * Order of paths by component: a directory is followed by everything below it, so that a tree is a contiguous range and
 * two trees are merged in one pass. Components compare by their bytes.
 */
export function comparePaths(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a === b) continue;
    if (a === slash) return -1;
    if (b === slash) return 1;
    // From here on UTF-16 sorts otherwise than UTF-8, and bytes that are none are surrogates.
    if (a >= firstSurrogate || b >= firstSurrogate) return Buffer.compare(keyOf(left), keyOf(right));
    return a - b;
  }
  return left.length - right.length;
}

/** Directory of a path; '' for a name in the root. The root has none: undefined. */
export function parentOf(path: string): string | undefined {
  if (path === '') return undefined;
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** What every path below `path` begins with. */
export const below = (path: string): string => (path === '' ? '' : `${path}/`);

/** Position of `path` in a list of `length` paths sorted by `comparePaths`, or -1. */
export function findPath(length: number, pathAt: (position: number) => string | undefined, path: string): number {
  let low = 0;
  let high = length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = comparePaths(pathAt(middle) ?? '', path);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

const slash = 0x2f;
const firstSurrogate = 0xd800;
const keyOf = (path: string): Buffer => Buffer.from(bytesOf(path).map((byte) => (byte === slash ? 0 : byte)));
