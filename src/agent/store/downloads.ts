import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedLock } from '../../base/async.ts';
import { isKind } from '../../base/errors.ts';
import type { StagedBlob } from './blobs.ts';
import { isFullDisk, shortBlob, wrongBlob } from './errors.ts';
import type { BlobBytes } from './pieces.ts';

/**
 * Blobs on their way in: `downloads/HEX`, named by what they are to become. A part that a crash or a failure left is where the
 * next attempt goes on; what nobody asks for within a day goes at the next start.
 */
export class Downloads {
  readonly #directory: string;
  readonly #locks = new KeyedLock();
  readonly #users = new Map<string, number>();
  /** Digests of those that are known to be right. */
  readonly #whole = new Set<string>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string, now: () => Date = () => new Date()): Promise<Downloads> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const downloads = new Downloads(directory);
    await downloads.clear(now().getTime() - keptFor);
    return downloads;
  }

  /** Removes what nobody is at and nobody wrote to since `before` (milliseconds since the epoch). @returns the bytes of it */
  async clear(before = Number.POSITIVE_INFINITY): Promise<number> {
    let bytes = 0;
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      const found = await stat(path).catch(() => undefined);
      if (!found || this.#users.has(`sha256:${name}`) || found.mtimeMs >= before) continue;
      await rm(path, { recursive: true, force: true });
      bytes += found.size;
    }
    return bytes;
  }

  /** Keeps a blob from being cleared. @returns what undoes it */
  use(digest: string): () => void {
    this.#users.set(digest, (this.#users.get(digest) ?? 0) + 1);
    return () => {
      const count = (this.#users.get(digest) ?? 1) - 1;
      if (count > 0) this.#users.set(digest, count);
      else this.#users.delete(digest);
    };
  }

  pathOf(digest: string): string {
    return join(this.#directory, digest.slice('sha256:'.length));
  }

  /** A blob that was fetched since the start and is still here. */
  async whole(digest: string): Promise<StagedBlob | undefined> {
    const path = this.pathOf(digest);
    const found = this.#whole.has(digest) ? await stat(path).catch(() => undefined) : undefined;
    return found && { path, digest, size: found.size };
  }

  /** Brings what is missing of a blob, unless `isHere` says that nothing is. */
  fetch(
    blob: { readonly digest: string; readonly size: number },
    from: { isHere(): Promise<boolean>; open(from: number): BlobBytes; readonly signal: AbortSignal },
  ): Promise<void> {
    return this.#locks.run(blob.digest, async () => {
      from.signal.throwIfAborted();
      if ((await from.isHere()) || (await this.whole(blob.digest))) return;
      const path = this.pathOf(blob.digest);
      const file = await open(path, 'a+', 0o600);
      try {
        await this.#complete(file, blob, from);
        this.#whole.add(blob.digest);
      } catch (failure) {
        // A lie is no beginning, and a full disk has no room for one.
        if (isKind(failure, 'invalid') || isFullDisk(failure)) await rm(path, { force: true });
        throw failure;
      } finally {
        await file.close();
      }
    });
  }

  async #complete(
    file: FileHandle,
    { digest, size }: { readonly digest: string; readonly size: number },
    from: { open(from: number): BlobBytes; readonly signal: AbortSignal },
  ): Promise<void> {
    let at = (await file.stat()).size;
    if (at > size) {
      await file.truncate(0);
      at = 0;
    }
    const hash = await hashOf(file, at);
    if (at < size) {
      for await (const chunk of await from.open(at)) {
        from.signal.throwIfAborted();
        at += chunk.length;
        if (at > size) throw wrongBlob(digest, `more than the ${size} bytes it should have`);
        hash.update(chunk);
        for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done)).bytesWritten;
      }
    }
    if (at < size) throw shortBlob(digest, { at, size });
    const actual = `sha256:${hash.digest('hex')}`;
    if (actual !== digest) throw wrongBlob(digest, `the digest ${actual}`);
  }
}

/** Milliseconds that a part is worth keeping. */
const keptFor = 24 * 3_600_000;

async function hashOf(file: FileHandle, size: number): Promise<Hash> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read({ buffer, position: at });
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash;
}
