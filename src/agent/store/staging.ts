import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Executor, Shims } from '../shim/contract.ts';

/**
 * Where things are made before they appear by rename: one directory on the same file system. Whatever is there when the
 * store opens was left by a crash.
 */
export class Staging {
  readonly #directory: string;
  readonly #shims: Shims;

  private constructor(directory: string, shims: Shims) {
    this.#directory = directory;
    this.#shims = shims;
  }

  static async open(directory: string, shims: Shims): Promise<Staging> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const staging = new Staging(directory, shims);
    for (const name of await readdir(directory)) await staging.remove(join(directory, name));
    return staging;
  }

  /** A new empty directory. */
  make(prefix: string): Promise<string> {
    return mkdtemp(join(this.#directory, `${prefix}-`));
  }

  /** Removes a tree however deep it is and whatever it holds. What is not there is fine. */
  async remove(path: string): Promise<void> {
    await this.run([
      { op: 'rmtree', path, tolerate: ['ENOENT'], why: 'Removes what the image store no longer needs.' },
    ]);
  }

  /** Makes everything written to the file system so far last. */
  async sync(): Promise<void> {
    await this.run([
      { op: 'syncfs', path: this.#directory, why: 'Brings a loaded image to the disk before it is named.' },
    ]);
  }

  async run(operations: Parameters<ReturnType<Shims['execute']>['send']>[0]): Promise<void> {
    const executor = this.#shims.execute();
    try {
      await executor.run({ operations });
      await executor.close();
    } catch (failure) {
      await giveUp(executor);
      throw failure;
    }
  }
}

/** Ends an executor and waits for it: until it is gone it may still be writing. */
export async function giveUp(executor: Executor): Promise<void> {
  executor.abort();
  await executor.close().catch(() => undefined);
}
