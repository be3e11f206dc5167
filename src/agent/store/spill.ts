import { type FileHandle, open, unlink } from 'node:fs/promises';

/** Texts that need not stay in memory: once there are many, they go to a file that has no name any more. */
export class Spill {
  readonly #path: string;
  #file: FileHandle | undefined;
  /** Bytes that are in the file. */
  #written = 0;
  #tail = Buffer.allocUnsafe(tailSize);
  #used = 0;
  readonly #blocks = new Map<number, Buffer>();

  /** @param path a name that is free, for a moment. */
  constructor(path: string) {
    this.#path = path;
  }

  /** @returns its number for `get`, below 2^32 */
  async add(text: string): Promise<number> {
    const at = this.#written + this.#used;
    const size = lengthSize + Buffer.byteLength(text);
    if (this.#used + size > this.#tail.length) await this.#flush(size);
    const start = at - this.#written;
    this.#tail.writeUInt32LE(size - lengthSize, start);
    this.#tail.write(text, start + lengthSize);
    this.#used += size;
    return at;
  }

  async get(at: number): Promise<string> {
    const length = (await this.#bytes(at, lengthSize)).readUInt32LE();
    return (await this.#bytes(at + lengthSize, length)).toString('utf8');
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #flush(next: number): Promise<void> {
    if (!this.#file) {
      this.#file = await open(this.#path, 'wx+', 0o600);
      await unlink(this.#path);
    }
    for (let done = 0; done < this.#used; ) {
      const { bytesWritten } = await this.#file.write(this.#tail, done, this.#used - done, this.#written + done);
      done += bytesWritten;
    }
    this.#written += this.#used;
    this.#used = 0;
    if (next > this.#tail.length) this.#tail = Buffer.allocUnsafe(next);
  }

  async #bytes(at: number, length: number): Promise<Buffer> {
    if (at >= this.#written) return this.#tail.subarray(at - this.#written, at - this.#written + length);
    const first = Math.floor(at / blockSize);
    const from = at - first * blockSize;
    const block = this.#blocks.get(first) ?? (await this.#read(first));
    if (from + length <= block.length) return block.subarray(from, from + length);
    const head = block.subarray(from);
    return Buffer.concat([head, await this.#bytes(at + head.length, length - head.length)]);
  }

  /** Archives are sorted more or less: what is asked for next lies near. */
  async #read(number: number): Promise<Buffer> {
    const start = number * blockSize;
    const block = Buffer.allocUnsafe(Math.min(blockSize, this.#written - start));
    for (let done = 0; done < block.length; ) {
      const { bytesRead } = (await this.#file?.read(block, done, block.length - done, start + done)) ?? {
        bytesRead: 0,
      };
      if (bytesRead === 0) throw new Error('a temporary file was cut short');
      done += bytesRead;
    }
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size >= mostBlocks && oldest !== undefined) this.#blocks.delete(oldest);
    this.#blocks.set(number, block);
    return block;
  }
}

const lengthSize = 4;
const tailSize = 1 << 18;
const blockSize = 1 << 16;
const mostBlocks = 64;
