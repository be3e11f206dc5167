import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import * as v from 'valibot';
import { readJsonFile, removeStaleTemporaries, writeDurable } from '../sys/durable.ts';
import type { SentBlob } from './uploads.ts';

/** A layer as gzip makes it. */
export interface CompressedBlob {
  readonly digest: string;
  readonly size: number;
  open(): Readable;
  remove(): Promise<void>;
}

const Known = v.array(v.tuple([v.string(), v.object({ digest: v.string(), size: v.number() })]));
const mostKnown = 2000;

/**
 * Layers that are here as plain tars go to a registry compressed. What each becomes is remembered, so that a registry that
 * has it is not sent it again.
 */
export class CompressedBlobs {
  readonly #directory: string;
  readonly #known: Map<string, { readonly digest: string; readonly size: number }>;
  #made = 0;

  private constructor(directory: string, known: v.InferOutput<typeof Known>) {
    this.#directory = directory;
    this.#known = new Map(known);
  }

  /** @param directory made when it is not there; what a crash left in it goes. */
  static async open(directory: string): Promise<CompressedBlobs> {
    await rm(join(directory, 'made'), { recursive: true, force: true });
    await mkdir(join(directory, 'made'), { recursive: true, mode: 0o700 });
    await removeStaleTemporaries(directory);
    // Only time is lost with it.
    const read = v.safeParse(Known, await readJsonFile(join(directory, 'compressed.json')).catch(() => undefined));
    return new CompressedBlobs(directory, read.success ? read.output : []);
  }

  /** What the blob of this digest became when it was last compressed. */
  known(digest: string): { readonly digest: string; readonly size: number } | undefined {
    return this.#known.get(digest);
  }

  async make(plain: SentBlob, signal: AbortSignal): Promise<CompressedBlob> {
    this.#made += 1;
    const path = join(this.#directory, 'made', String(this.#made));
    const hash = createHash('sha256');
    let size = 0;
    try {
      await pipeline(
        plain.open(),
        createGzip({ chunkSize: 1 << 18 }),
        async function* (source: AsyncIterable<Buffer>) {
          for await (const chunk of source) {
            hash.update(chunk);
            size += chunk.length;
            yield chunk;
          }
        },
        createWriteStream(path, { mode: 0o600 }),
        { signal },
      );
    } catch (failure) {
      await rm(path, { force: true });
      throw failure;
    }
    const digest = `sha256:${hash.digest('hex')}`;
    await this.#remember(plain.digest, { digest, size });
    return {
      digest,
      size,
      open: () => createReadStream(path, { highWaterMark: 1 << 18 }),
      remove: () => rm(path, { force: true }),
    };
  }

  async #remember(plain: string, made: { readonly digest: string; readonly size: number }): Promise<void> {
    this.#known.delete(plain);
    this.#known.set(plain, made);
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest);
    await writeDurable(join(this.#directory, 'compressed.json'), JSON.stringify([...this.#known]), { mode: 0o600 });
  }
}
