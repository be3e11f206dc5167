import { type FileHandle, open } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { PortholeError } from '../../base/errors.ts';
import { Holes } from '../store/holes.ts';
import { abortable, type Bytes } from '../store/streams.ts';
import { type Piece, readTar, type TarEntry } from '../store/tar.ts';
import { tarFlags } from '../store/tar-header.ts';
import type { UnpackLimits } from '../store/unpack-limits.ts';
import { nameOf } from '../sys/names.ts';
import { headerHash } from './file-hash.ts';
import { type SourceEntry, SourceTree } from './source-tree.ts';

/** The files that a build may take: their bytes in one file that no name leads to, everything else in memory. */
export interface BuildContext {
  readonly tree: SourceTree;
  /** A small file whole; undefined: there is none. */
  text(path: string): Promise<string | undefined>;
}

const largestText = 4 << 20;
/** In memory each takes about two kilobytes as long as the build lasts; more would end the agent, not the build. */
const mostEntries = 500_000;
const noAttributes: ReadonlyMap<string, Buffer> = new Map();

const outside = (name: string) =>
  new PortholeError('invalid', `the build context is invalid: ${JSON.stringify(name)} is outside of it`);

/**
 * Reads a context as it comes, and takes the checksum of every file on the way, so that a build whose steps are all in the
 * cache is over without one file having been unpacked.
 * @param path a new file for its bytes; it has gone again when this resolves.
 */
export async function readContext(
  archive: Readable,
  options: { readonly file: FileHandle; readonly limits: UnpackLimits; readonly signal: AbortSignal },
): Promise<BuildContext> {
  const { file, limits, signal } = options;
  const tree = new SourceTree();
  tree.set('', impliedDirectory(''));
  const spool = new Spool(file);
  let count = 0;
  const sent = limits.decompressed(abortable(archive, { signal, doing: 'build the image' }), 'the build context');
  for await (const entry of readTar(sent)) {
    if (++count > mostEntries) {
      throw new PortholeError('invalid', `the build context has more than ${mostEntries} files`);
    }
    await take(entry, { tree, spool });
  }
  await spool.flush();
  return contextOf(tree);
}

/** A context that is nothing but a Dockerfile. */
export async function textContext(
  dockerfile: Bytes,
  { file, path }: { readonly file: FileHandle; readonly path: string },
): Promise<BuildContext> {
  const tree = new SourceTree();
  tree.set('', impliedDirectory(''));
  const spool = new Spool(file);
  const pieces = await spool.keep(dockerfile, { name: path });
  await spool.flush();
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  const plain = { type: 'file', mode: 0o600, uid: 0, gid: 0, size, mtime: { seconds: 0, nanoseconds: 0 } } as const;
  tree.set(path, {
    ...{ ...plain, link: '', major: 0, minor: 0, xattrs: new Map() },
    hash: async () => path,
    body: () => spool.read(pieces),
  });
  return contextOf(tree);
}

function contextOf(tree: SourceTree): BuildContext {
  return {
    tree,
    text: async (path) => {
      const entry = tree.get(tree.resolve(path));
      if (entry?.type !== 'file') return undefined;
      if (entry.size > largestText) throw new PortholeError('invalid', `${path} is too large`);
      const pieces: Buffer[] = [];
      for await (const piece of entry.body()) pieces.push('hole' in piece ? Buffer.alloc(piece.hole) : piece);
      return nameOf(Buffer.concat(pieces));
    },
  };
}

/** Opens the file for a context's bytes and takes its name away: it goes with the last that has it open. */
export async function openSpool(path: string, unlink: (path: string) => Promise<void>): Promise<FileHandle> {
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    return file;
  } catch (failure) {
    await file.close();
    throw failure;
  }
}

/** Where a part of a file's content is; holes are not stored. */
type Stored = { readonly at: number; readonly length: number } | { readonly hole: number; readonly length: number };

const largestRead = 1 << 18;
const enough = 1 << 20;

/** Writes what comes one after another, in large pieces, to one file. */
export class Spool {
  readonly #file: FileHandle;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #size = 0;
  readonly #holes = new Holes();

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @param hash gets everything, holes as zeros. @param name of the file, for a refusal */
  async keep(
    source: AsyncIterable<Uint8Array | Piece>,
    { hash, name }: { readonly hash?: { update(data: Uint8Array): unknown }; readonly name: string },
  ): Promise<Stored[]> {
    const stored: Stored[] = [];
    for await (const piece of source) {
      if ('hole' in piece) {
        stored.push({ hole: piece.hole, length: piece.hole });
        if (hash) await this.#holes.hash(hash, piece.hole, name);
        continue;
      }
      hash?.update(piece);
      const last = stored.at(-1);
      if (last && 'at' in last && last.at + last.length === this.#size) {
        stored[stored.length - 1] = { at: last.at, length: last.length + piece.length };
      } else stored.push({ at: this.#size, length: piece.length });
      this.#size += piece.length;
      this.#waiting.push(piece);
      this.#waitingBytes += piece.length;
      if (this.#waitingBytes >= enough) await this.flush();
    }
    return stored;
  }

  read(stored: readonly Stored[]): AsyncGenerator<Piece> {
    return bodyOf(this.#file, stored);
  }

  async flush(): Promise<void> {
    const data = Buffer.concat(this.#waiting);
    this.#waiting = [];
    let at = this.#size - this.#waitingBytes;
    this.#waitingBytes = 0;
    for (let done = 0; done < data.length; ) {
      const { bytesWritten } = await this.#file.write(data, done, data.length - done, at);
      done += bytesWritten;
      at += bytesWritten;
    }
  }
}

async function* bodyOf(file: FileHandle, stored: readonly Stored[]): AsyncGenerator<Piece> {
  for (const part of stored) {
    if ('hole' in part) {
      yield { hole: part.hole };
      continue;
    }
    for (let done = 0; done < part.length; ) {
      const wanted = Math.min(largestRead, part.length - done);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(wanted), 0, wanted, part.at + done);
      if (bytesRead === 0) throw new PortholeError('internal', 'the build context has become shorter');
      done += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }
}

async function take(entry: TarEntry, { tree, spool }: { tree: SourceTree; spool: Spool }): Promise<void> {
  const path = cleaned(entry.name);
  if (path === '') return;
  implyParents(tree, path);
  const { type, rawMode, uid, gid, link, major, minor, xattrs } = entry;
  const flag = tarFlags[type];
  const hash = headerHash({
    ...{ name: entry.name, mode: rawMode, uid, gid, size: entry.size, flag, link, major, minor, xattrs },
  });
  const stored = type === 'file' ? await spool.keep(entry.body(), { hash, name: path }) : [];
  const digest = hash.digest('hex');
  const own = { mode: entry.mode, uid, gid, size: entry.size, mtime: entry.mtime, link, major, minor };
  if (type !== 'link') {
    const kept = xattrs.size === 0 ? noAttributes : xattrs;
    tree.set(path, { ...own, xattrs: kept, type, hash: async () => digest, body: () => spool.read(stored) });
    return;
  }
  const target = tree.get(cleaned(link));
  if (!target) throw new PortholeError('invalid', `the build context is invalid: ${path} is a link to nothing`);
  tree.set(path, { ...target, hash: async () => digest });
}

function cleaned(name: string): string {
  const clean = posix.normalize(name);
  if (clean === '..' || clean.startsWith('../')) throw outside(name);
  return posix.resolve('/', clean).slice(1);
}

/** Directories that the archive does not name; dockerd has no checksum of such and takes their path. */
function implyParents(tree: SourceTree, path: string): void {
  const parent = posix.dirname(path);
  if (parent === '.' || tree.get(parent)?.type === 'directory') return;
  implyParents(tree, parent);
  tree.set(parent, impliedDirectory(parent));
}

function impliedDirectory(path: string): SourceEntry {
  return {
    ...{ type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, link: '', major: 0, minor: 0, xattrs: new Map() },
    mtime: { seconds: Math.floor(Date.now() / 1000), nanoseconds: 0 },
    hash: async () => path,
    async *body() {},
  };
}
