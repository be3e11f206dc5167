import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '../../base/errors.ts';
import { namesIfThere } from '../sys/files.ts';

/** One file of a log. The numbers of files grow; a file keeps its own when it is renamed. */
export interface LogFile {
  readonly handle: FileHandle;
  readonly number: number;
  readonly inode: number;
}

/**
 * The files of one log: at PATH the one that is written, beside it PATH.1, PATH.2 and so on, the full ones. The shim renames,
 * makes and removes them at any time, so a file is known by its inode and what is held open stays readable.
 */
export class LogFiles {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Numbers of the full files, ascending. */
  async numbers(): Promise<number[]> {
    const prefix = `${basename(this.#path)}.`;
    const names = (await namesIfThere(dirname(this.#path))) ?? [];
    return names
      .filter((name) => name.startsWith(prefix) && /^[1-9]\d{0,9}$/.test(name.slice(prefix.length)))
      .map((name) => Number(name.slice(prefix.length)))
      .sort((a, b) => a - b);
  }

  /** The oldest file; undefined: nothing was ever logged. */
  oldest(): Promise<LogFile | undefined> {
    return this.after({ number: 0, inode: 0 });
  }

  /** The file that is written now. */
  async newest(): Promise<LogFile | undefined> {
    for (let tries = 0; ; tries++) {
      const handle = await openIfThere(this.#path);
      if (handle) {
        const { ino } = await handle.stat();
        const number = await this.#numberOf(ino);
        if (number !== undefined) return { handle, inode: ino, number };
        // Full and removed since it was opened: there is a newer one.
        await handle.close();
        continue;
      }
      // Between a file's renaming and the next one's making there is none for a moment.
      if (tries === 20 || (await this.numbers()).length === 0) return undefined;
      await delay(1);
    }
  }

  /** The file that was begun when this one was full; undefined while this one is written. */
  async after(file: Pick<LogFile, 'number' | 'inode'>): Promise<LogFile | undefined> {
    for (let tries = 0; ; tries++) {
      if (file.inode !== 0 && (await inodeOf(this.#path)) === file.inode) return undefined;
      const next = (await this.numbers()).find((number) => number > file.number);
      if (next !== undefined) {
        const handle = await openIfThere(this.#numbered(next));
        if (!handle) continue;
        const { ino } = await handle.stat();
        if (ino !== file.inode) return { handle, number: next, inode: ino };
        // What is held got another number than was thought.
        await handle.close();
        return this.after({ number: next, inode: ino });
      }
      const newest = await this.newest();
      if (!newest) return undefined;
      const isNext = newest.inode !== file.inode && (newest.number <= file.number + 1 || tries > 0);
      if (isNext) return { ...newest, number: Math.max(newest.number, file.number + 1) };
      await newest.handle.close();
      if (newest.inode === file.inode) return undefined;
    }
  }

  /** The file before this one; undefined: there is none any more. */
  async before(file: LogFile): Promise<LogFile | undefined> {
    for (;;) {
      const number = (await this.numbers()).findLast((each) => each < file.number);
      if (number === undefined) return undefined;
      const handle = await openIfThere(this.#numbered(number));
      if (handle) return { handle, number, inode: (await handle.stat()).ino };
    }
  }

  /** Undefined: it has been removed. */
  async #numberOf(inode: number): Promise<number | undefined> {
    const numbers = await this.numbers();
    // Still the one that is written, so nothing was renamed since the names were read.
    if ((await inodeOf(this.#path)) === inode) return (numbers.at(-1) ?? 0) + 1;
    for (const number of (await this.numbers()).reverse()) {
      if ((await inodeOf(this.#numbered(number))) === inode) return number;
    }
    return undefined;
  }

  #numbered(number: number): string {
    return join(dirname(this.#path), `${basename(this.#path)}.${number}`);
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT') return undefined;
    throw failure;
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT') return undefined;
    throw failure;
  }
}
