import type { FileHandle } from 'node:fs/promises';
import type { LayerEntry } from '../../protocol/layers.ts';
import { damagedIndex } from './errors.ts';
import type { IndexFile } from './index-file.ts';
import { at, flags, headSize, kinds } from './records.ts';

/**
 * A place in an index that moves forward. `next` and `seek` answer at once where they can; where they say false, `load`
 * has to be awaited: waiting once per record would cost more than all the rest.
 */
export class Cursor {
  readonly index: IndexFile;
  /** Position of the layer in its stack, 0 the lowest. */
  readonly layer: number;
  /** Bytes that the present record lies in. */
  block: Buffer = Buffer.alloc(0);
  /** Where it begins, and where its key lies. */
  start = 0;
  keyStart = 0;
  keyEnd = 0;
  /** There is no record any more. */
  done = false;
  readonly #file: FileHandle | undefined;
  #end = 0;
  /** Number of the first block that was not read yet. */
  #nextBlock = 0;
  /** Blocks to be read at once: one after a seek, more and more while the walk goes on. */
  #ahead = 1;
  #target: Uint8Array | undefined;

  /** @param file undefined for an index that is in memory. */
  constructor(index: IndexFile, file: FileHandle | undefined, layer: number) {
    this.index = index;
    this.layer = layer;
    this.#file = file;
  }

  /** Goes to the next record. False: `load` brings it. */
  next(): boolean {
    if (this.done) return true;
    const start = this.#end;
    if (start < this.block.length) return this.#stand(start);
    if (this.#nextBlock >= this.index.places.length) {
      this.done = true;
      return true;
    }
    this.#target = undefined;
    return this.#loadNow();
  }

  /** Goes on to the first record whose key is not below `key`. False: `load` brings it. */
  seek(key: Uint8Array): boolean {
    while (!this.done) {
      if (this.keyEnd > 0 && this.#compareTo(key) >= 0) return true;
      const following = this.index.places[this.#nextBlock];
      const isFurther = following !== undefined && Buffer.compare(following.key, key) <= 0;
      if (isFurther || this.#end >= this.block.length) {
        if (following === undefined) {
          this.done = true;
          return true;
        }
        if (isFurther) {
          const block = this.index.blockOf(key);
          if (block !== this.#nextBlock) this.#ahead = 1;
          this.#nextBlock = block;
        }
        this.#target = key;
        if (!this.#loadNow()) return false;
        continue;
      }
      this.#stand(this.#end);
    }
    return true;
  }

  async load(): Promise<void> {
    const target = this.#target;
    for (;;) {
      const count = this.#count();
      if (!this.#file) throw damagedIndex(this.index.path, 'it is not open');
      this.#take(await this.index.blocks(this.#file, this.#nextBlock, count), count);
      if (target === undefined || this.seek(target)) return;
    }
  }

  #loadNow(): boolean {
    const count = this.#count();
    const blocks = this.index.blocksInMemory(this.#nextBlock, count);
    if (blocks) this.#take(blocks, count);
    return blocks !== undefined;
  }

  /** Of the blocks to be read now. */
  #count(): number {
    return Math.min(this.#ahead, this.index.places.length - this.#nextBlock);
  }

  #take(blocks: Buffer, count: number): void {
    this.block = blocks;
    this.#nextBlock += count;
    this.#ahead = Math.min(mostAhead, this.#ahead * 2);
    this.#stand(0);
  }

  get kind(): number {
    return this.block[this.start + at.kind] ?? kinds.whiteout;
  }

  get isWhiteout(): boolean {
    return this.kind === kinds.whiteout;
  }

  get isDirectory(): boolean {
    return this.kind === kinds.directory;
  }

  get isFile(): boolean {
    return this.kind === kinds.file;
  }

  get isOpaque(): boolean {
    return this.#has(flags.opaque);
  }

  /** The inode has other names. */
  get isLinked(): boolean {
    return this.#has(flags.linked);
  }

  /** Another name of an inode that an earlier record described. */
  get isFurtherName(): boolean {
    return this.#has(flags.further);
  }

  /** Bytes that the record adds to what is stored. */
  get bytes(): number {
    return this.block.readDoubleLE(this.start + at.bytes);
  }

  /** The entry as JSON text: `{"path":...}`. Valid until the cursor moves. */
  get text(): Buffer {
    return this.block.subarray(this.keyEnd, this.#end);
  }

  /** The path as JSON text. */
  get pathText(): Buffer {
    const from = this.keyEnd + pathPrefix.length;
    return this.block.subarray(from, from + this.block.readUInt32LE(this.start + at.pathText));
  }

  /** A copy of the key. */
  get key(): Buffer {
    return Buffer.from(this.block.subarray(this.keyStart, this.keyEnd));
  }

  entry(): LayerEntry {
    return JSON.parse(this.text.toString('utf8'));
  }

  /** Below zero: this one's key comes before that of the other. */
  compare(other: Cursor): number {
    const length = Math.min(this.keyEnd - this.keyStart, other.keyEnd - other.keyStart);
    const [left, right] = [this.block, other.block];
    for (let position = 0; position < length; position++) {
      const difference = (left[this.keyStart + position] ?? 0) - (right[other.keyStart + position] ?? 0);
      if (difference !== 0) return difference;
    }
    return this.keyEnd - this.keyStart - (other.keyEnd - other.keyStart);
  }

  #compareTo(key: Uint8Array): number {
    return this.block.compare(key, 0, key.length, this.keyStart, this.keyEnd);
  }

  #has(flag: number): boolean {
    return ((this.block[this.start + at.flags] ?? 0) & flag) !== 0;
  }

  #stand(start: number): true {
    const { block } = this;
    const length = block.length - start < headSize ? 0 : block.readUInt32LE(start);
    this.start = start;
    this.keyStart = start + headSize;
    this.keyEnd = this.keyStart + (length === 0 ? 0 : block.readUInt16LE(start + at.keyLength));
    this.#end = start + length;
    if (this.keyEnd > this.#end || this.#end > block.length)
      throw damagedIndex(this.index.path, 'a record is too long');
    return true;
  }
}

const pathPrefix = '{"path":';
/** Half a megabyte at a time. */
const mostAhead = 16;
