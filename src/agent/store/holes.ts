import { setImmediate as others } from 'node:timers/promises';
import { invalidArchive } from './errors.ts';

/** Holes of all files of one archive together, in bytes: one that only claims to be huge is refused. */
const largest = 2 ** 36;
const zeros = Buffer.alloc(1 << 20);
/** Zeros that are hashed at a stretch, about 30 ms: then it is others' turn. */
const stretch = 32 << 20;

/**
 * The content digests of an archive's sparse files: a hole counts as zeros and takes a second per gigabyte, in which the agent
 * goes on with everything else.
 */
export class Holes {
  #left = largest;

  /** @throws invalid, naming the file, when the archive's holes are too large */
  async hash(hash: { update(data: Buffer): unknown }, length: number, name: string): Promise<void> {
    this.#left -= length;
    if (this.#left < 0) throw invalidArchive(`with '${name}' its files have holes of more than ${largest} bytes`);
    for (let at = 0; at < length; at += zeros.length) {
      hash.update(zeros.subarray(0, Math.min(length - at, zeros.length)));
      if (at % stretch === 0) await others();
    }
  }
}
