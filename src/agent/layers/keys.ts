import { bytesOf, nameOf } from '../sys/names.ts';

/**
 * The order of every index: by component, components by their bytes. A path's key is its bytes with NUL, which no name
 * holds, for each slash, so that comparing keys as memcmp(3) does gives that order: a directory is followed by everything
 * below it, a tree is one contiguous range, and two trees are merged in one pass.
 */
export function keyOf(path: string): Buffer {
  const key = bytesOf(path);
  for (let at = key.indexOf(slash); at !== -1; at = key.indexOf(slash, at + 1)) key[at] = 0;
  return key;
}

export function pathOf(key: Buffer): string {
  const bytes = Buffer.from(key);
  for (let at = bytes.indexOf(0); at !== -1; at = bytes.indexOf(0, at + 1)) bytes[at] = slash;
  return nameOf(bytes);
}

/** Paths in the order of an index. */
export const comparePaths = (left: string, right: string): number => Buffer.compare(keyOf(left), keyOf(right));

const slash = 0x2f;
