import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { readBytes, type StagedBlob, stageBlob } from './blobs.ts';
import { invalidArchive } from './errors.ts';
import type { Bytes } from './streams.ts';
import { type Piece, readTar } from './tar.ts';
import type { UnpackLimits } from './unpack-limits.ts';

/**
 * The files of an image archive, each written once to a staging directory: the manifest that explains them comes last in
 * most archives. File names in there are numbers; what the archive calls a file is only a key.
 */
export class SpooledArchive {
  readonly #files: ReadonlyMap<string, StagedBlob>;
  readonly #links: ReadonlyMap<string, string>;
  readonly #directory: string;
  readonly #limits: UnpackLimits;
  #added = 0;

  constructor(parts: {
    files: ReadonlyMap<string, StagedBlob>;
    links: ReadonlyMap<string, string>;
    directory: string;
    limits: UnpackLimits;
  }) {
    this.#files = parts.files;
    this.#links = parts.links;
    this.#directory = parts.directory;
    this.#limits = parts.limits;
  }

  /** A document that the archive has not, beside its files. */
  async add(data: Buffer): Promise<StagedBlob> {
    this.#added += 1;
    return await stageBlob(join(this.#directory, `added-${this.#added}`), [data]);
  }

  has(name: string): boolean {
    return this.#resolve(name) !== undefined;
  }

  /** @throws invalid when the archive has no such file. */
  file(name: string): StagedBlob {
    const found = this.#resolve(name);
    if (!found) throw invalidArchive(`it has no file '${name}'`);
    return found;
  }

  /** What a file holds without its compression. */
  unpacked(name: string): Bytes {
    return this.#limits.decompressed(readBytes(this.file(name).path), `'${name}'`);
  }

  /** A document, whole. */
  async document(name: string): Promise<Buffer> {
    const { path, size } = this.file(name);
    if (size > largestDocument) throw invalidArchive(`'${name}' is too large`);
    return await readFile(path);
  }

  /** Old archives link a layer that several images share. */
  #resolve(name: string): StagedBlob | undefined {
    let path = clean(name);
    for (let hops = 0; hops < mostHops; hops++) {
      const link = this.#links.get(path);
      if (link === undefined) return this.#files.get(path);
      path = clean(posix.resolve('/', posix.dirname(path), link));
    }
    return undefined;
  }
}

const mostFiles = 20_000;
const mostHops = 10;
/** Bytes of a document that is read whole. */
export const largestDocument = 1 << 24;

export async function spool(
  archive: Bytes,
  { directory, limits }: { readonly directory: string; readonly limits: UnpackLimits },
): Promise<SpooledArchive> {
  const files = new Map<string, StagedBlob>();
  const links = new Map<string, string>();
  let count = 0;
  for await (const entry of readTar(limits.decompressed(archive, 'the whole'))) {
    if (++count > mostFiles) throw invalidArchive(`it has more than ${mostFiles} files`);
    const name = clean(entry.name);
    if (entry.type === 'file') {
      links.delete(name);
      files.set(name, await stageBlob(join(directory, `${count}`), dataOf(entry.body())));
    } else if (entry.type === 'symlink' || entry.type === 'link') {
      links.set(name, entry.type === 'link' ? `/${entry.link}` : entry.link);
    }
  }
  return new SpooledArchive({ files, links, directory, limits });
}

/** A path inside the archive as a key: without '.', '..' and doubled slashes. */
const clean = (name: string): string => posix.resolve('/', name).slice(1);

async function* dataOf(pieces: AsyncIterable<Piece>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    if ('hole' in piece) throw invalidArchive('one of its files is sparse');
    yield piece;
  }
}
