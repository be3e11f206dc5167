import { type FileHandle, open } from 'node:fs/promises';
import { damagedIndex } from './errors.ts';
import { footerSize, type IndexTotals, magic, placeSize } from './index-writer.ts';

/** Where a block lies in its file, and the key of its first record. */
export interface Place {
  readonly offset: number;
  readonly length: number;
  readonly key: Buffer;
}

/** Indexes of at most so many bytes stay in memory as they are: most layers are small, and look-ups are many. */
const smallIndex = 1 << 21;

/** An index on disk. Of a large one only the places of its blocks are in memory: about a thousandth of it. */
export class IndexFile {
  readonly path: string;
  readonly totals: IndexTotals;
  readonly places: readonly Place[];
  /** The whole file, of a small one. */
  readonly #bytes: Buffer | undefined;

  private constructor(
    path: string,
    parts: { readonly totals: IndexTotals; readonly places: readonly Place[]; readonly bytes: Buffer | undefined },
  ) {
    this.path = path;
    this.totals = parts.totals;
    this.places = parts.places;
    this.#bytes = parts.bytes;
  }

  /** @throws internal when the file is not what `IndexWriter` wrote; ENOENT as the system says it. */
  static async read(path: string): Promise<IndexFile> {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const footer = await piece(file, { path, offset: Math.max(0, size - footerSize), length: footerSize });
      if (!footer.subarray(-magic.length).equals(magic)) throw damagedIndex(path, 'it has no end, or another version');
      const [offset = 0, blocks = 0, entries = 0, whiteouts = 0, bytes = 0] = [0, 1, 2, 3, 4].map((number) =>
        footer.readDoubleLE(8 * number),
      );
      const length = size - footerSize - offset;
      if (!(offset >= magic.length && length >= 0)) throw damagedIndex(path, 'its blocks have no place');
      const places = placesIn(await piece(file, { path, offset, length }), { path, blocks });
      return new IndexFile(path, {
        totals: { entries, whiteouts, bytes },
        places,
        bytes: size <= smallIndex ? await piece(file, { path, offset: 0, length: size }) : undefined,
      });
    } finally {
      await file.close();
    }
  }

  /** Bytes that it takes up in memory. */
  get weight(): number {
    return this.#bytes?.length ?? this.places.length * 128;
  }

  /**
   * For a walk; whoever opens it closes it. What was opened stays whole when the layer is removed. Undefined: it is in
   * memory.
   */
  async open(): Promise<FileHandle | undefined> {
    return this.#bytes ? undefined : await open(this.path);
  }

  /** Position of the last block whose first key is not above `key`: the only one that may have it. */
  blockOf(key: Uint8Array): number {
    let low = 0;
    let high = this.places.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (Buffer.compare(this.places[middle]?.key ?? key, key) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The bytes of some blocks. @throws internal for a file that is cut short. */
  async blocks(file: FileHandle, first: number, count: number): Promise<Buffer> {
    const { offset, length } = this.#span(first, count);
    return await piece(file, { path: this.path, offset, length });
  }

  /** As `blocks`, without waiting; undefined when they have to be read. */
  blocksInMemory(first: number, count: number): Buffer | undefined {
    const { offset, length } = this.#span(first, count);
    return this.#bytes?.subarray(offset, offset + length);
  }

  #span(first: number, count: number): { readonly offset: number; readonly length: number } {
    const [from, to] = [this.places[first], this.places[first + count - 1]];
    if (!from || !to) throw damagedIndex(this.path, 'a block is missing');
    return { offset: from.offset, length: to.offset + to.length - from.offset };
  }
}

async function piece(file: FileHandle, at: { path: string; offset: number; length: number }): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(at.length);
  const { bytesRead } = await file.read(buffer, 0, at.length, at.offset);
  if (bytesRead < at.length) throw damagedIndex(at.path, 'it is cut short');
  return buffer;
}

function placesIn(bytes: Buffer, { path, blocks }: { readonly path: string; readonly blocks: number }): Place[] {
  const places: Place[] = [];
  try {
    for (let at = 0; at < bytes.length; ) {
      const end = at + placeSize + bytes.readUInt16LE(at + 12);
      const key = bytes.subarray(at + placeSize, end);
      places.push({ offset: bytes.readDoubleLE(at), length: bytes.readUInt32LE(at + 8), key });
      at = end;
    }
  } catch (cause) {
    throw damagedIndex(path, 'its places are cut short', { cause });
  }
  if (places.length !== blocks) throw damagedIndex(path, 'blocks are missing');
  return places;
}
