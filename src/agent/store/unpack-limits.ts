import { statfs } from 'node:fs/promises';
import { errnoOf } from '../../base/errors.ts';
import { invalidArchive } from './errors.ts';
import { type Bytes, counted, decompressed } from './streams.ts';

export interface UnpackLimitsOptions {
  /** A directory of the disk that everything is unpacked to. */
  readonly directory: string;
  /** Bytes that a layer or an archive may have when it is unpacked. */
  readonly most?: number;
  /** Bytes up to which nobody asks how well they were packed. */
  readonly unsuspected?: number;
}

/**
 * What packed bytes may become. Docker knows no such limit, and a layer of nothing but zeros is legal, so that its size alone
 * says nothing. Refused is what is larger than `most`, and what is packed better than files are and would take the last room of
 * the disk: a bomb ends before it is everybody's full disk, and what fits is never taken for one.
 */
export class UnpackLimits {
  readonly #directory: string;
  readonly #most: number;
  readonly #unsuspected: number;

  constructor({ directory, most = usualMost, unsuspected = usualUnsuspected }: UnpackLimitsOptions) {
    this.#directory = directory;
    this.#most = most;
    this.#unsuspected = unsuspected;
  }

  /**
   * Undoes the compression that the first bytes show; what is not compressed passes through.
   * @param what for the refusal, for example 'layer sha256:...'. @throws invalid for what becomes too much
   */
  async *decompressed(source: Bytes, what: string): Bytes {
    let packed = 0;
    const read = counted(source, (bytes) => {
      packed = bytes;
    });
    yield* this.#bounded(decompressed(read), { what, packed: () => packed });
  }

  /** The same for what is not compressed: the holes of sparse files are zeros in an archive. */
  plain(source: Bytes, what: string): Bytes {
    return this.#bounded(source, { what, packed: () => Number.MAX_SAFE_INTEGER });
  }

  async *#bounded(source: Bytes, { what, packed }: { readonly what: string; packed(): number }): Bytes {
    let unpacked = 0;
    let empty = 0;
    let checkAt = this.#unsuspected;
    for await (const piece of source) {
      unpacked += piece.length;
      if (isZeros(piece)) empty += piece.length;
      if (unpacked > this.#most) throw tooLarge(what, this.#most);
      if (unpacked > checkAt) {
        checkAt = unpacked + checkEvery;
        const content = Math.min(packed(), unpacked - empty);
        if (unpacked > content * bestOfFiles) await this.#checkRoom(what, { content, unpacked });
      }
      yield piece;
    }
  }

  async #checkRoom(what: string, sizes: { readonly content: number; readonly unpacked: number }): Promise<void> {
    const { bavail, blocks, bsize } = await statfs(this.#directory).catch((failure: unknown) => {
      // Nothing is known of the room on a file system that does not say.
      if (errnoOf(failure) === 'ENOSYS') return { bavail: Number.MAX_SAFE_INTEGER, blocks: 0, bsize: 1 };
      throw failure;
    });
    const kept = Math.min(blocks * bsize * keptShare, mostKept);
    if (bavail * bsize < kept) throw bomb(what, { ...sizes, kept: Math.floor(kept) });
  }
}

/** Larger than any layer that a registry takes. */
const usualMost = 100 * 2 ** 30;
const usualUnsuspected = 2 ** 28;
/** Text is packed to a tenth, logs to a fiftieth; deflate ends at 1032, zstd nowhere. */
const bestOfFiles = 100;
const checkEvery = 2 ** 20;
/** Of the disk, for everybody else. */
const keptShare = 0.05;
const mostKept = 2 ** 32;

const zeros = Buffer.alloc(1 << 18);

const isZeros = (piece: Uint8Array): boolean =>
  piece[0] === 0 && piece.length <= zeros.length && zeros.compare(piece, 0, piece.length, 0, piece.length) === 0;

const tooLarge = (what: string, most: number) =>
  invalidArchive(`${what} is too large: it unpacks to more than ${most} bytes (see --max-layer-size)`);

const bomb = (what: string, sizes: { readonly content: number; readonly unpacked: number; readonly kept: number }) =>
  invalidArchive(
    `${what} looks like a bomb: ${sizes.content} bytes became ${sizes.unpacked}, which is not all of it, and less than ` +
      `${sizes.kept} bytes of the disk are free`,
  );
