import { stat } from 'node:fs/promises';
import { errnoOf } from '../../base/errors.ts';

/**
 * What a path in a process's root is right now, as a text that changes with the file behind it or its content.
 * Links are followed by our own rules, so the answer is good for comparing, never for reading: another file, also one of
 * the host's that a link of the container leads to, has another identity. undefined: it is not there.
 */
export async function identityInside(pid: number, path: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(`/proc/${pid}/root${path}`, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (failure) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ESRCH'].includes(errnoOf(failure) ?? '')) return undefined;
    throw failure;
  }
}
