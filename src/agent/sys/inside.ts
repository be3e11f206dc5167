import { lstat } from 'node:fs/promises';
import { posix } from 'node:path';
import { errnoOf } from '../../base/errors.ts';

/**
 * What a path in a process's root is right now, as a text that changes with the file behind it or its content. The answer
 * is good for comparing, never for reading. undefined: nobody here can tell, because there is a symbolic link on the way:
 * we would follow it to a file of the host.
 *
 * @param path absolute, normal.
 */
export async function identityInside(pid: number, path: string): Promise<string | undefined> {
  const parents = [];
  for (let parent = posix.dirname(path); parent !== '/'; parent = posix.dirname(parent)) parents.unshift(parent);
  try {
    for (const parent of parents) {
      if (!(await lstat(`/proc/${pid}/root${parent}`)).isDirectory()) return undefined;
    }
    const status = await lstat(`/proc/${pid}/root${path}`, { bigint: true });
    if (!status.isFile()) return undefined;
    const { dev, ino, size, mtimeNs, ctimeNs } = status;
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT') return 'absent';
    if (['ENOTDIR', 'EACCES', 'ELOOP', 'ESRCH'].includes(errnoOf(failure) ?? '')) return undefined;
    throw failure;
  }
}
