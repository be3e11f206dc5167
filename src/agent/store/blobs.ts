import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../sys/durable.ts';
import { damagedStore } from './errors.ts';
import type { Bytes } from './streams.ts';

/** A file that is to become a blob. */
export interface StagedBlob {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
}

/** The content-addressed files of the OCI image layout: `blobs/sha256/...`. */
export class BlobStore {
  readonly #directory: string;
  /** Digests that are ours to remove: another program may be putting blobs of its own here, see `collect`. */
  readonly #known = new Set<string>();
  readonly #pins = new Map<string, number>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(layout: string): Promise<BlobStore> {
    const directory = join(layout, 'blobs', 'sha256');
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new BlobStore(directory);
  }

  /** A staged file becomes a blob by rename; one that is there already stays. */
  async adopt(blob: StagedBlob): Promise<void> {
    this.#known.add(blob.digest);
    if ((await this.sizeOf(blob.digest)) === blob.size) return;
    await rename(blob.path, this.pathOf(blob.digest));
  }

  async sizeOf(digest: string): Promise<number | undefined> {
    return await stat(this.pathOf(digest)).then(
      ({ size }) => size,
      () => undefined,
    );
  }

  /** A small blob (a config, a manifest) whole, with its digest checked. */
  async read(digest: string): Promise<Buffer> {
    const data = await readFile(this.pathOf(digest));
    const actual = `sha256:${createHash('sha256').update(data).digest('hex')}`;
    if (actual !== digest) throw damagedStore(`blob ${digest} has the digest ${actual}`);
    return data;
  }

  stream(digest: string): Bytes {
    return readBytes(this.pathOf(digest));
  }

  /** Makes the names of adopted blobs last. */
  sync(): Promise<void> {
    return syncDirectory(this.#directory);
  }

  /** Keeps a blob from being collected, whether it is there already or comes. @returns what undoes it. */
  pin(digest: string): () => void {
    this.#pins.set(digest, (this.#pins.get(digest) ?? 0) + 1);
    return () => {
      const count = (this.#pins.get(digest) ?? 1) - 1;
      if (count > 0) this.#pins.set(digest, count);
      else this.#pins.delete(digest);
    };
  }

  /**
   * Removes the blobs of ours that `keep` does not name and nobody pinned: those that this store put here or has kept before.
   * What `skopeo copy` is just putting here is nobody's business until the index names it.
   */
  async collect(keep: ReadonlySet<string>): Promise<void> {
    for (const digest of keep) this.#known.add(digest);
    for (const digest of this.#known) {
      if (keep.has(digest) || this.#pins.has(digest)) continue;
      await rm(this.pathOf(digest), { force: true });
      this.#known.delete(digest);
    }
  }

  /** Whatever is here becomes the store's to remove: at the start, when what a crash left cannot be told from anything else. */
  async claimAll(): Promise<void> {
    for (const name of await readdir(this.#directory)) this.#known.add(`sha256:${name}`);
  }

  pathOf(digest: string): string {
    return join(this.#directory, digest.slice('sha256:'.length));
  }
}

/** A whole file in large pieces. */
export const readBytes = (path: string): Bytes => createReadStream(path, { highWaterMark: 1 << 18 });

/** Writes bytes to a new file and takes their digest on the way. */
export async function stageBlob(
  path: string,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<StagedBlob> {
  const hash = createHash('sha256');
  let size = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of source) {
      hash.update(chunk);
      size += chunk.length;
      for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
    }
  } finally {
    await file.close();
  }
  return { path, digest: `sha256:${hash.digest('hex')}`, size };
}
