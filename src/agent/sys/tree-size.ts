import type { BigIntStats, Dirent } from 'node:fs';
import { HeldDirectory } from './held-directory.ts';

/** A directory that lies deeper is not counted: each level on the way costs a descriptor. */
const deepest = 2048;
/** Files that are asked about at once: a directory may hold millions. */
const width = 256;

interface Walk {
  readonly seen: Set<string>;
  readonly depth: number;
  isCounted(entry: Dirent<Buffer>): boolean;
  count(status: BigIntStats): void;
}

/**
 * Bytes of the regular files in a directory tree, hard links once. What vanishes meanwhile counts as nothing. The tree
 * may belong to a running container: no link is followed, also none that takes a directory's place while we look.
 */
export async function treeBytes(directory: string): Promise<number> {
  let bytes = 0;
  await walkTree(directory, {
    isCounted: (entry) => entry.isFile(),
    count: (status) => {
      if (status.isFile()) bytes += Number(status.size);
    },
  });
  return bytes;
}

/** The same for everything but directories, as Docker measures volumes: bytes as files say, and as they take up on the disk. */
export async function treeSizes(directory: string): Promise<{ apparent: number; disk: number }> {
  const sizes = { apparent: 0, disk: 0 };
  await walkTree(directory, {
    isCounted: (entry) => !entry.isDirectory(),
    count: (status) => {
      sizes.apparent += Number(status.size);
      sizes.disk += Number(status.blocks) * 512;
    },
  });
  return sizes;
}

async function walkTree(directory: string, walk: Pick<Walk, 'isCounted' | 'count'>): Promise<void> {
  const root = await HeldDirectory.open(directory);
  if (root) await walkIn(root, { ...walk, seen: new Set(), depth: 0 });
}

async function walkIn(directory: HeldDirectory, walk: Walk): Promise<void> {
  const { seen, depth } = walk;
  try {
    const entries = await directory.entries();
    const files = entries.filter(walk.isCounted);
    for (let at = 0; at < files.length; at += width) {
      const found = await Promise.all(files.slice(at, at + width).map((file) => directory.status(file.name)));
      for (const status of found) {
        if (status === undefined || status.isDirectory()) continue;
        const inode = `${status.dev}:${status.ino}`;
        if (status.nlink > 1n && seen.has(inode)) continue;
        if (status.nlink > 1n) seen.add(inode);
        walk.count(status);
      }
    }
    for (const entry of entries) {
      const child = entry.isDirectory() && depth < deepest ? await directory.child(entry.name) : undefined;
      if (child) await walkIn(child, { ...walk, depth: depth + 1 });
    }
  } finally {
    await directory.close();
  }
}
