import { type BigIntStats, constants, type Dirent } from 'node:fs';
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises';
import { errnoOf } from '../../base/errors.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

/** Names are bytes on Linux: one that is not UTF-8 has to be found again by its bytes. */
export type Name = Buffer;

/**
 * A directory of a tree that somebody hostile may be changing: held open, so that a directory that turns into a symbolic
 * link while we walk leads nowhere, and so that no path grows with the depth. Whatever vanished reads as absent.
 */
export class HeldDirectory {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Undefined: there is none, or something else lies there. */
  static async open(path: string | Buffer): Promise<HeldDirectory | undefined> {
    const handle = await unlessGone(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return handle && new HeldDirectory(handle);
  }

  child(name: Name): Promise<HeldDirectory | undefined> {
    return HeldDirectory.open(this.#pathOf(name));
  }

  async entries(): Promise<Dirent<Buffer>[]> {
    return (await unlessGone(readdir(this.#own, { encoding: 'buffer', withFileTypes: true }))) ?? [];
  }

  status(name: Name): Promise<BigIntStats | undefined> {
    return unlessGone(lstat(this.#pathOf(name), { bigint: true }));
  }

  /** A path of this very directory for another process, as long as it is held. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.#handle.fd}/.`;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  get #own(): string {
    return `/proc/self/fd/${this.#handle.fd}`;
  }

  #pathOf(name: Name): Buffer {
    return Buffer.concat([Buffer.from(`${this.#own}/`), name]);
  }
}

async function unlessGone<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (failure) {
    // ELOOP: it is a symbolic link by now.
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(failure) ?? '')) return undefined;
    throw failure;
  }
}
