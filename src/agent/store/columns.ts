/** A list of 32-bit numbers that grows without being copied. What was never set is 0. */
export class Column {
  readonly #chunks: Uint32Array[] = [];

  get(at: number): number {
    return this.#chunks[at >>> chunkBits]?.[at & chunkMask] ?? 0;
  }

  set(at: number, value: number): void {
    let chunk = this.#chunks[at >>> chunkBits];
    if (!chunk) {
      chunk = new Uint32Array(1 << chunkBits);
      this.#chunks[at >>> chunkBits] = chunk;
    }
    chunk[at & chunkMask] = value;
  }
}

const chunkBits = 13;
const chunkMask = (1 << chunkBits) - 1;

/** Byte strings one after the other, found again by the number that `add` gave; never 0. */
export class Heap {
  readonly #chunks: Buffer[] = [];
  #used = heapChunk;

  /** Bytes that it takes up. */
  get size(): number {
    return this.#chunks.length * heapChunk;
  }

  /** @param bytes at most 64 KiB - 1. */
  add(bytes: Uint8Array): number {
    const size = bytes.length + lengthSize;
    if (this.#used + size > heapChunk) {
      this.#chunks.push(Buffer.allocUnsafe(heapChunk));
      this.#used = 0;
    }
    const chunk = this.#chunks.at(-1) ?? nothing;
    chunk.writeUInt16LE(bytes.length, this.#used);
    chunk.set(bytes, this.#used + lengthSize);
    const handle = (this.#chunks.length << heapBits) + this.#used;
    this.#used += size;
    return handle >>> 0;
  }

  /** A view, valid as long as the heap. */
  get(handle: number): Buffer {
    const chunk = this.#chunkOf(handle);
    const at = handle & (heapChunk - 1);
    return chunk.subarray(at + lengthSize, at + lengthSize + chunk.readUInt16LE(at));
  }

  /** Below zero: the bytes of `left` come before those of `right`. */
  compare(left: number, right: number): number {
    const [a, b] = [this.#chunkOf(left), this.#chunkOf(right)];
    const [i, j] = [left & (heapChunk - 1), right & (heapChunk - 1)];
    const [m, n] = [a.readUInt16LE(i), b.readUInt16LE(j)];
    for (let at = lengthSize; at < Math.min(m, n) + lengthSize; at++) {
      const difference = (a[i + at] ?? 0) - (b[j + at] ?? 0);
      if (difference !== 0) return difference;
    }
    return m - n;
  }

  /** As `get(handle).equals(bytes.subarray(0, length))`, without making anything. */
  equals(handle: number, bytes: Uint8Array, length: number): boolean {
    const chunk = this.#chunkOf(handle);
    const at = handle & (heapChunk - 1);
    if (chunk.readUInt16LE(at) !== length) return false;
    for (let position = 0; position < length; position++) {
      if (chunk[at + lengthSize + position] !== bytes[position]) return false;
    }
    return true;
  }

  #chunkOf(handle: number): Buffer {
    return this.#chunks[(handle >>> heapBits) - 1] ?? nothing;
  }
}

const nothing = Buffer.alloc(2);
const lengthSize = 2;
const heapBits = 17;
const heapChunk = 1 << heapBits;
