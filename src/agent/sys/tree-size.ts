import { lstat, readdir } from 'node:fs/promises';
import { errnoOf } from '../../base/errors.ts';

/** Bytes of the regular files in a directory tree, hard links once. What vanishes meanwhile counts as nothing. */
export async function treeBytes(directory: string): Promise<number> {
  const seen = new Set<string>();
  let bytes = 0;
  const waiting = [directory];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const parent = next;
    const entries = await readdir(parent, { withFileTypes: true }).catch(nothingIfGone);
    const files = (entries ?? []).filter((entry) => {
      if (entry.isDirectory()) waiting.push(`${parent}/${entry.name}`);
      return entry.isFile();
    });
    const found = await Promise.all(files.map((file) => lstat(`${parent}/${file.name}`).catch(nothingIfGone)));
    for (const stat of found) {
      if (stat === undefined) continue;
      const inode = `${stat.dev}:${stat.ino}`;
      if (stat.nlink > 1 && seen.has(inode)) continue;
      if (stat.nlink > 1) seen.add(inode);
      bytes += stat.size;
    }
  }
  return bytes;
}

function nothingIfGone(failure: unknown): undefined {
  if (errnoOf(failure) === 'ENOENT' || errnoOf(failure) === 'ENOTDIR') return undefined;
  throw failure;
}
