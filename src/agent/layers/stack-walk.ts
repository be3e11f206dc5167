import { Cursor } from './cursor.ts';
import type { IndexFile } from './index-file.ts';
import { keyOf } from './keys.ts';

/** Why what a lower layer has is not seen: the path or a directory above it is deleted, emptied or replaced. */
export type Hiding = 'deleted' | 'opaque' | 'replaced';

/** A layer hides what the layers below it have under a directory of the present path. */
interface Cover {
  readonly layer: number;
  readonly hiding: Hiding;
  /** Bytes of that directory's key, which the present key begins with. */
  readonly length: number;
}

/**
 * A stack of layers walked path by path, in the order of keys: at each, who has it (`claims`) and what is hidden. Only a
 * block of each index is in memory. Moving answers at once or, where a block has to be read, with a promise.
 *
 * Where a walk leaves paths out (`seek`, `skip`), it must not leave out a directory of a path that it goes to: what that
 * directory hides would not be known.
 */
export class StackWalk {
  /** Cursors that stand at the present path, the topmost layer first. */
  readonly claims: Cursor[] = [];
  /** Those further on, by key, the topmost layer first. */
  readonly #others: Cursor[] = [];
  /** By layer. */
  readonly #cursors: readonly Cursor[];
  readonly #close: () => Promise<void>;
  readonly #pending: Cover[] = [];
  #covers: Cover[] = [];
  /** What the present path's key lies in, and where. */
  #block: Buffer = Buffer.alloc(0);
  #keyStart = 0;
  #keyLength = 0;
  #range: Buffer | undefined;
  #hasBegun = false;
  #hasEnded = false;

  private constructor(cursors: readonly Cursor[], close: () => Promise<void>) {
    this.#cursors = cursors;
    this.claims.push(...cursors);
    this.#close = close;
  }

  /** @param indexes bottom first. Whoever opens a walk closes it. */
  static async open(indexes: readonly IndexFile[]): Promise<StackWalk> {
    const opened = await Promise.allSettled(indexes.map((index) => index.open()));
    const files = opened.flatMap((one) => (one.status === 'fulfilled' && one.value ? [one.value] : []));
    const close = async (): Promise<void> => {
      await Promise.all(files.map((file) => file.close()));
    };
    try {
      const cursors = indexes.map((index, layer) => {
        const one = opened[layer];
        if (one?.status !== 'fulfilled') throw one?.reason;
        return new Cursor(index, one.value, layer);
      });
      return new StackWalk(cursors, close);
    } catch (failure) {
      await close();
      throw failure;
    }
  }

  async close(): Promise<void> {
    await this.#close();
  }

  /** Goes to a path and stays in what lies at and below it. @returns whether anything is there */
  async enter(path: string): Promise<boolean> {
    const key = keyOf(path);
    this.#range = key;
    if (!this.#hasBegun) await this.seek(key.subarray(0, 0));
    // A directory that the present path lies in is passed already; where there is none, nothing lies below.
    for (let end = key.indexOf(0, this.#commonWith(key)); end !== -1; end = key.indexOf(0, end + 1)) {
      const directory = key.subarray(0, end);
      await this.seek(directory);
      if (!this.key.equals(directory)) return false;
    }
    return await this.seek(key);
  }

  /** Goes to the next path. False: there is none. */
  next(): boolean | Promise<boolean> {
    this.#rememberCovers();
    let late: Cursor[] | undefined;
    for (const cursor of this.claims) {
      if (cursor.next()) continue;
      late ??= [];
      late.push(cursor);
    }
    return late ? this.#afterLoading(late) : this.#settle();
  }

  /** Goes on to the first path whose key is not below `key`. False: there is none. */
  seek(key: Uint8Array): boolean | Promise<boolean> {
    this.#rememberCovers();
    while (this.#others[0] && this.#isBelow(this.#others[0], key)) {
      const cursor = this.#others.shift();
      if (cursor) this.claims.push(cursor);
    }
    let late: Cursor[] | undefined;
    for (const cursor of this.claims) {
      if (cursor.seek(key)) continue;
      late ??= [];
      late.push(cursor);
    }
    return late ? this.#afterLoading(late) : this.#settle();
  }

  /** Goes to the next path that does not lie below the present one. */
  skip(): boolean | Promise<boolean> {
    return this.seek(Buffer.concat([this.key, afterSubtree]));
  }

  /** Goes on to where a layer stands, which must not be behind the present path. */
  catchUp(layer: number): boolean | Promise<boolean> {
    const cursor = this.#cursors[layer];
    if (!cursor || cursor.done) return false;
    return this.seek(cursor.block.subarray(cursor.keyStart, cursor.keyEnd));
  }

  /** The present path comes after `key`, or nothing comes any more. */
  isBeyond(key: Buffer): boolean {
    return this.#hasEnded || this.key.compare(key) > 0;
  }

  /** The present path. Valid until the walk moves. */
  get key(): Buffer {
    return this.#block.subarray(this.#keyStart, this.#keyStart + this.#keyLength);
  }

  /** What the layers below `limit` show at the present path. */
  visible(limit = Number.POSITIVE_INFINITY): Cursor | undefined {
    for (const claim of this.claims) {
      if (claim.layer >= limit) continue;
      return claim.isWhiteout || this.#isCovered(claim.layer, limit) ? undefined : claim;
    }
    return undefined;
  }

  /** A directory above the present path says that `layer` hides what the layers below it have here. */
  isCoveredBy(layer: number): boolean {
    for (const cover of this.#covers) if (cover.layer === layer) return true;
    return false;
  }

  /** The lowest layer above `layer` that hides what that one has at the present path, and how. */
  hider(layer: number): { readonly layer: number; readonly hiding: Hiding; readonly by?: Cursor } | undefined {
    let found: { layer: number; hiding: Hiding; by?: Cursor } | undefined;
    for (const cover of this.#covers) {
      if (cover.layer > layer && cover.layer < (found?.layer ?? Number.POSITIVE_INFINITY)) found = cover;
    }
    for (const claim of this.claims) {
      if (claim.layer <= layer || claim.layer > (found?.layer ?? Number.POSITIVE_INFINITY)) continue;
      found = { layer: claim.layer, hiding: claim.isWhiteout ? 'deleted' : 'replaced', by: claim };
    }
    return found;
  }

  #commonWith(key: Buffer): number {
    return this.#commonIn(key, 0, key.length);
  }

  /** How many bytes the present key begins with as other ones do. */
  #commonIn(bytes: Buffer, start: number, length: number): number {
    const [block, from] = [this.#block, this.#keyStart];
    const most = Math.min(length, this.#keyLength);
    let common = 0;
    while (common < most && block[from + common] === bytes[start + common]) common += 1;
    return common;
  }

  #isCovered(layer: number, limit: number): boolean {
    for (const cover of this.#covers) if (cover.layer > layer && cover.layer < limit) return true;
    return false;
  }

  #isBelow(cursor: Cursor, key: Uint8Array): boolean {
    return cursor.block.compare(key, 0, key.length, cursor.keyStart, cursor.keyEnd) < 0;
  }

  /** What the claims of the present path mean for what lies below it; asked for before any of them moves. */
  #rememberCovers(): void {
    if (this.#pending.length > 0) this.#pending.length = 0;
    // What no layer has cannot be hidden.
    if (this.claims.length === 1 && !this.#liesBelow(this.#others[0])) return;
    for (const claim of this.claims) {
      if (claim.layer === 0 || claim.keyEnd === 0) continue;
      const hiding = hidingOf(claim);
      if (hiding) this.#pending.push({ layer: claim.layer, hiding, length: this.#keyLength });
    }
  }

  #liesBelow(cursor: Cursor | undefined): boolean {
    if (!cursor) return false;
    const { block, keyStart, keyEnd } = cursor;
    const length = this.#keyLength;
    if (keyEnd - keyStart <= length || (length > 0 && block[keyStart + length] !== 0)) return false;
    return this.#commonIn(block, keyStart, length) === length;
  }

  async #afterLoading(late: readonly Cursor[]): Promise<boolean> {
    for (const cursor of late) await cursor.load();
    return this.#settle();
  }

  /** Finds the least path after some of the cursors, all of them in `claims`, have moved. */
  #settle(): boolean {
    const [only, nearest] = [this.claims[0], this.#others[0]];
    // Most paths are those of one layer, before and after: nothing changes places.
    if (this.claims.length === 1 && only?.done === false && this.#hasBegun && (!nearest || only.compare(nearest) < 0)) {
      this.#take(only);
      return this.#isInRange();
    }
    for (const cursor of this.claims) if (!cursor.done) this.#insert(cursor);
    this.claims.length = 0;
    const first = this.#others[0];
    this.#hasBegun = true;
    this.#hasEnded = first === undefined;
    if (!first) return false;
    let count = 1;
    for (let other = this.#others[1]; other && first.compare(other) === 0; other = this.#others[count]) count += 1;
    for (let position = 0; position < count; position++) {
      const claim = this.#others[position];
      if (claim) this.claims.push(claim);
    }
    if (count === 1) this.#others.shift();
    else this.#others.splice(0, count);
    this.#take(first);
    return this.#isInRange();
  }

  #insert(cursor: Cursor): void {
    let position = 0;
    for (let other = this.#others[0]; other; other = this.#others[position]) {
      const order = cursor.compare(other);
      if (order < 0 || (order === 0 && cursor.layer > other.layer)) break;
      position += 1;
    }
    if (position === 0) this.#others.unshift(cursor);
    else this.#others.splice(position, 0, cursor);
  }

  /** Makes the cursor's path the present one. What still covers it, covers a directory that both paths begin with. */
  #take({ block, keyStart, keyEnd }: Cursor): void {
    const length = keyEnd - keyStart;
    if (this.#covers.length > 0 || this.#pending.length > 0) {
      const common = this.#commonIn(block, keyStart, length);
      // The root's key is empty: everything lies below it.
      this.#covers = this.#covers.filter((cover) => cover.length < Math.max(1, common));
      const isBelow = common === this.#keyLength && (common === 0 ? length > 0 : block[keyStart + common] === 0);
      if (isBelow && length > common) this.#covers.push(...this.#pending);
    }
    this.#block = block;
    this.#keyStart = keyStart;
    this.#keyLength = length;
  }

  #isInRange(): boolean {
    const range = this.#range;
    if (range === undefined || range.length === 0) return true;
    if (this.#commonIn(range, 0, range.length) < range.length) return false;
    return this.#keyLength === range.length || this.#block[this.#keyStart + range.length] === 0;
  }
}

function hidingOf(claim: Cursor): Hiding | undefined {
  if (claim.isWhiteout) return 'deleted';
  if (!claim.isDirectory) return 'replaced';
  return claim.isOpaque ? 'opaque' : undefined;
}

/** Every key below a path has NUL where this has 1. */
const afterSubtree = Buffer.from([1]);
