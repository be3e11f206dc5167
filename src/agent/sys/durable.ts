import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf, PortholeError } from '../../base/errors.ts';
import { namesIfThere } from './files.ts';

const unreadable = (path: string, cause: unknown) =>
  new PortholeError('internal', `${path} does not hold valid JSON`, { cause });

/**
 * Writes a whole file so that a crash leaves either the old or the new content, never a part: a temporary name beside
 * it, fsync, rename, fsync of the directory (rename(2) is atomic, but only the directory's fsync makes it last).
 *
 * @param options.mode permission bits of the file, whatever the umask says.
 */
export async function writeDurable(
  path: string,
  data: string | Uint8Array,
  options: { readonly mode: number },
): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `${temporaryPrefix}${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', options.mode);
    try {
      await file.chmod(options.mode);
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (failure) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw failure;
  }
  await syncDirectory(directory);
}

/**
 * Writes a file that is not there yet into a directory that nobody looks into before it has got its name. The file's name
 * lasts once the directory is synced.
 */
export async function writeNew(
  path: string,
  data: string | Uint8Array,
  options: { readonly mode: number },
): Promise<void> {
  const file = await open(path, 'wx', options.mode);
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in a directory last: created, renamed and removed entries. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Removes what a crash in the middle of `writeDurable` left in a directory. A missing directory has nothing to remove. */
export async function removeStaleTemporaries(directory: string): Promise<void> {
  for (const name of (await namesIfThere(directory)) ?? []) {
    if (name.startsWith(temporaryPrefix)) await rm(join(directory, name), { force: true });
  }
}

/**
 * The parsed content of a JSON file, undefined when there is no such file.
 * @throws internal when it is not JSON: the caller decides whether that loses anything.
 */
export async function readJsonFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT') return undefined;
    throw failure;
  }
  try {
    return JSON.parse(text);
  } catch (failure) {
    throw unreadable(path, failure);
  }
}

const temporaryPrefix = '.tmp-';
