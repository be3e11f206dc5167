import { type FileHandle, open } from 'node:fs/promises';
import type { LayerEntry } from '../../protocol/layers.ts';
import { outOfOrder } from './errors.ts';
import { at, entryRecord, headSize, kinds, type RecordOptions, whiteoutRecord } from './records.ts';

/** What is known of an index as a whole. */
export interface IndexTotals {
  readonly entries: number;
  readonly whiteouts: number;
  /** Bytes of the regular files as they are stored: an inode once, holes not at all. */
  readonly bytes: number;
}

/**
 * Writes the index of a layer, record by record in the order of keys, in memory that does not grow with it but for 40
 * bytes and a key per block.
 *
 *   16 bytes   'porthole index 2'
 *   blocks     whole records, about 32 KiB each
 *   places     per block: f64 offset, u32 bytes, u16 bytes of its first key, the key
 *   footer     f64 offset of the places, f64 blocks, f64 entries, f64 whiteouts, f64 bytes, then the first 16 bytes again
 */
export class IndexWriter {
  readonly #file: FileHandle;
  readonly #places: Buffer[] = [];
  #block: Buffer[] = [];
  #blockBytes = 0;
  #offset = magic.length;
  #last: Buffer | undefined;
  #entries = 0;
  #whiteouts = 0;
  #bytes = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @param path of a file that is not there yet. */
  static async create(path: string): Promise<IndexWriter> {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(magic);
      return new IndexWriter(file);
    } catch (failure) {
      await file.close();
      throw failure;
    }
  }

  /** Opens one for as long as it takes to fill; `fill` finishes it. */
  static async write<T>(path: string, fill: (index: IndexWriter) => Promise<T>): Promise<T> {
    const index = await IndexWriter.create(path);
    try {
      return await fill(index);
    } finally {
      await index.close();
    }
  }

  /** @throws internal when it does not follow what was added last. */
  async add(entry: LayerEntry, options?: RecordOptions): Promise<void> {
    this.#entries += 1;
    await this.#append(entryRecord(entry, options));
  }

  async addWhiteout(path: string): Promise<void> {
    this.#whiteouts += 1;
    await this.#append(whiteoutRecord(path));
  }

  /** Writes the end: without it nobody takes the file for an index. */
  async finish(): Promise<IndexTotals> {
    await this.#flush();
    const totals = { entries: this.#entries, whiteouts: this.#whiteouts, bytes: this.#bytes };
    const footer = Buffer.alloc(footerSize);
    const numbers = [this.#offset, this.#places.length, totals.entries, totals.whiteouts, totals.bytes];
    for (const [position, number] of numbers.entries()) footer.writeDoubleLE(number, 8 * position);
    magic.copy(footer, footerSize - magic.length);
    await this.#file.writeFile(Buffer.concat([...this.#places, footer]));
    return totals;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #append(record: Buffer): Promise<void> {
    const key = keyIn(record);
    if (this.#last && Buffer.compare(this.#last, key) >= 0) throw outOfOrder(key);
    this.#last = key;
    if (record[at.kind] !== kinds.whiteout) this.#bytes += record.readDoubleLE(at.bytes);
    this.#block.push(record);
    this.#blockBytes += record.length;
    if (this.#blockBytes >= blockSize) await this.#flush();
  }

  async #flush(): Promise<void> {
    const [first] = this.#block;
    if (!first) return;
    const block = Buffer.concat(this.#block);
    const key = keyIn(first);
    const place = Buffer.alloc(placeSize + key.length);
    place.writeDoubleLE(this.#offset, 0);
    place.writeUInt32LE(block.length, 8);
    place.writeUInt16LE(key.length, 12);
    key.copy(place, placeSize);
    this.#places.push(place);
    // Where it stands, and all of it: a disk that is nearly full takes a part of a write and says nothing.
    await this.#file.writeFile(block);
    this.#offset += block.length;
    this.#block = [];
    this.#blockBytes = 0;
  }
}

export const magic = Buffer.from('porthole index 2');
export const footerSize = 5 * 8 + magic.length;
/** Of a place, before its key. */
export const placeSize = 14;
const blockSize = 1 << 15;

const keyIn = (record: Buffer): Buffer => record.subarray(headSize, headSize + record.readUInt16LE(at.keyLength));
