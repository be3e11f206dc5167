/** Pulls bytes out of a stream in the amounts that a parser asks for, without copying where it can. */
export class ByteSource {
  readonly #source: AsyncIterator<Uint8Array>;
  #current: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Exactly `size` bytes, fewer only at the end of the stream. */
  async take(size: number): Promise<Buffer> {
    if (this.#current.length >= size) return this.#shift(size);
    const parts: Buffer[] = [];
    let missing = size;
    while (missing > 0) {
      const part = await this.some(missing);
      if (part.length === 0) break;
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Between 1 and `limit` bytes as they come; none at the end of the stream. */
  async some(limit: number): Promise<Buffer> {
    while (this.#current.length === 0) {
      const next = await this.#source.next();
      if (next.done) return Buffer.alloc(0);
      this.#current = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    return this.#shift(limit);
  }

  /** Passes over `size` bytes. @returns false when the stream ended before. */
  async skip(size: number): Promise<boolean> {
    let missing = size;
    while (missing > 0) {
      const part = await this.some(missing);
      if (part.length === 0) return false;
      missing -= part.length;
    }
    return true;
  }

  /** Reads to the end of the stream, for the sake of whoever counts or hashes on the way. @returns false when it is not there after `most` bytes */
  async drain(most: number): Promise<boolean> {
    for (let read = 0; read <= most; ) {
      const { length } = await this.some(Number.MAX_SAFE_INTEGER);
      if (length === 0) return true;
      read += length;
    }
    return false;
  }

  /** Lets the stream go before its end, so that whatever it holds open is closed. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  #shift(limit: number): Buffer {
    const taken = this.#current.subarray(0, limit);
    this.#current = this.#current.subarray(taken.length);
    return taken;
  }
}
