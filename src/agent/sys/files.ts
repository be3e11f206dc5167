import { readFileSync } from 'node:fs';
import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { errnoOf } from '../../base/errors.ts';

/**
 * A small kernel file's text, undefined when there is none. ENODEV and ESRCH count as "none" too: that is how a read of
 * a cgroup or process that is just going away ends; EOPNOTSUPP is a controller that exists but is switched off.
 */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (failure) {
    if (isGone(failure)) return undefined;
    throw failure;
  }
}

/**
 * As `readIfThere`, at once: for files of /proc that the kernel makes up without waiting for anybody. That is quicker by
 * far than the four round trips to another thread of `readFile`.
 */
export function readNowIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (failure) {
    if (isGone(failure)) return undefined;
    throw failure;
  }
}

/** @param mode what we must be allowed to do with it: `constants.W_OK` and the like. */
export function isThere(path: string, mode?: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

/** Names of the directories in a directory, undefined when there is no such directory. */
export async function directoriesIfThere(path: string): Promise<string[] | undefined> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (failure) {
    if (isGone(failure)) return undefined;
    throw failure;
  }
}

/** Removes an empty directory or one that the kernel empties; false while it is busy, true when it is gone. */
export async function removeDirectoryIfThere(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (failure) {
    if (isGone(failure)) return true;
    if (errnoOf(failure) === 'EBUSY' || errnoOf(failure) === 'ENOTEMPTY') return false;
    throw failure;
  }
}

/** The two numbers of a device from stat(2)'s st_rdev: the layout of dev_t, see makedev(3). */
export function deviceNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  const number = BigInt(rdev);
  return {
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)),
    minor: Number((number & 0xffn) | ((number >> 12n) & ~0xffn)),
  };
}

/** Names in a directory, undefined when there is no such directory. */
export async function namesIfThere(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path);
  } catch (failure) {
    if (isGone(failure)) return undefined;
    throw failure;
  }
}

/** Makes a directory and its parents where they are missing. */
export async function makeDirectories(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
}

/** Writes to a file that the kernel made; false when there is none. Never creates one. */
export async function writeIfThere(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'r+' });
    return true;
  } catch (failure) {
    if (isGone(failure)) return false;
    throw failure;
  }
}

const goneErrors = new Set(['ENOENT', 'ENOTDIR', 'ENODEV', 'ESRCH', 'EOPNOTSUPP', 'ENOTSUP']);

function isGone(failure: unknown): boolean {
  return goneErrors.has(errnoOf(failure) ?? '');
}
