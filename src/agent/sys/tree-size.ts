import { HeldDirectory } from './held-directory.ts';

/** A directory that lies deeper is not counted: each level on the way costs a descriptor. */
const deepest = 2048;
/** Files that are asked about at once: a directory may hold millions. */
const width = 256;

/**
 * Bytes of the regular files in a directory tree, hard links once. What vanishes meanwhile counts as nothing. The tree
 * may belong to a running container: no link is followed, also none that takes a directory's place while we look.
 */
export async function treeBytes(directory: string): Promise<number> {
  const root = await HeldDirectory.open(directory);
  return root ? await bytesIn(root, { seen: new Set(), depth: 0 }) : 0;
}

async function bytesIn(directory: HeldDirectory, walk: { seen: Set<string>; depth: number }): Promise<number> {
  const { seen, depth } = walk;
  try {
    const entries = await directory.entries();
    const files = entries.filter((entry) => entry.isFile());
    let bytes = 0;
    for (let at = 0; at < files.length; at += width) {
      const found = await Promise.all(files.slice(at, at + width).map((file) => directory.status(file.name)));
      for (const status of found) {
        if (status === undefined || !status.isFile()) continue;
        const inode = `${status.dev}:${status.ino}`;
        if (status.nlink > 1n && seen.has(inode)) continue;
        if (status.nlink > 1n) seen.add(inode);
        bytes += Number(status.size);
      }
    }
    for (const entry of entries) {
      const child = entry.isDirectory() && depth < deepest ? await directory.child(entry.name) : undefined;
      if (child) bytes += await bytesIn(child, { seen, depth: depth + 1 });
    }
    return bytes;
  } finally {
    await directory.close();
  }
}
