import { rm, stat, writeFile } from 'node:fs/promises';

/** Room that is kept on the disk: without it a disk that is full could not even be told what to remove. */
export class Reserve {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the room again, if there is any. */
  async take(): Promise<void> {
    const found = await stat(this.#path).catch(() => undefined);
    if (found?.size === size) return;
    await writeFile(this.#path, Buffer.alloc(size, 'reserved '), { mode: 0o600 }).catch(() => this.release());
  }

  async release(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

/** Bytes: enough for an index of a few hundred images. */
const size = 1 << 18;
