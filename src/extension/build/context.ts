import { lstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import tarFs, { type Pack } from 'tar-fs';
import { ignoreFilesOf, ignoreMatcher } from '../../agent/dockerfile/ignore.ts';
import { errnoOf } from '../../base/errors.ts';

/**
 * The directory of a Dockerfile as the archive that an engine builds from, as `docker build` sends it: without what
 * `.dockerignore` leaves out, links as links, with modes, owned by root.
 */
export async function packContext(dockerfile: string): Promise<Pack> {
  const [directory, name] = [dirname(dockerfile), basename(dockerfile)];
  const patterns = await ignoreText(directory, name);
  const isIgnored = ignoreMatcher(patterns);
  const hasExceptions = /^\s*!/m.test(patterns);
  // The engine reads them; it leaves them out of its context itself when the patterns say so.
  const always = new Set([name, ...ignoreFilesOf(name)]);
  return tarFs.pack(directory, {
    ignore: (path) => {
      const inside = relative(directory, path).split(sep).join('/');
      if (inside === '' || always.has(inside) || !isIgnored(inside)) return false;
      // A later pattern may take something in it back.
      return !(hasExceptions && lstatSync(path).isDirectory());
    },
    map: (header) => ({ ...header, uid: 0, gid: 0 }),
    // There are no such modes on Windows: everything can be executed then, as with docker.
    ...(process.platform === 'win32' && { fmode: 0o755, dmode: 0o755 }),
  });
}

async function ignoreText(directory: string, dockerfile: string): Promise<string> {
  for (const name of ignoreFilesOf(dockerfile)) {
    try {
      return await readFile(join(directory, name), 'utf8');
    } catch (failure) {
      if (errnoOf(failure) !== 'ENOENT') throw failure;
    }
  }
  return '';
}
