import { createHash } from 'node:crypto';
import { join, posix } from 'node:path';
import type { LayerEntry } from '../../protocol/layers.ts';
import { IndexWriter } from '../layers/index-writer.ts';
import type { ImageConfig } from '../oci/image.ts';
import { parseDockerManifest, parseImageConfig } from '../store/documents.ts';
import { invalidArchive } from '../store/errors.ts';
import type { Lower } from '../store/layer-index.ts';
import type { LayerFiles } from '../store/layer-writer.ts';
import { largestDocument } from '../store/spool.ts';
import { type Bytes, decompressed } from '../store/streams.ts';
import { type Piece, readTar, type TarEntry } from '../store/tar.ts';
import { unpack } from '../store/unpack.ts';
import type { Unsettled } from './settle-index.ts';

/** A layer of an archive that passed by, described as far as that goes without the layers below it. */
export interface PassedLayer {
  /** Its file in the archive. */
  readonly file: string;
  /** The index, a file of the directory that was given. */
  readonly raw: string;
  readonly size: number;
  readonly unsettled: Unsettled;
}

export interface PassedImage {
  readonly config: ImageConfig;
  /** The config as it is written. */
  readonly document: Buffer;
  /** By diff id. */
  readonly layers: ReadonlyMap<string, PassedLayer>;
}

/**
 * Describes the layers of an image out of the archive that `docker save` makes, while it passes by: a layer may come before
 * what it lies on, and what names it comes last. Nothing of the content is kept.
 *
 * @throws invalid for an archive that is none of this image
 */
export async function describeArchive(
  archive: Bytes,
  at: { readonly directory: string; readonly id: string; readonly signal: AbortSignal },
): Promise<PassedImage> {
  const documents = new Documents();
  const layers = new Map<string, PassedLayer>();
  let count = 0;
  for await (const entry of readTar(decompressed(archive))) {
    at.signal.throwIfAborted();
    if (entry.type !== 'file' || entry.size === 0 || posix.basename(entry.name) === 'VERSION') continue;
    const small = entry.size <= largestDocument ? await wholeOf(entry) : undefined;
    if (small && isJson(small)) {
      documents.add(entry.name, small);
      continue;
    }
    count += 1;
    const raw = join(at.directory, `raw-${count}`);
    const { diffId, ...layer } = await describeLayer(small ? [small] : bytesOf(entry), { raw, signal: at.signal });
    layers.set(diffId, { ...layer, file: entry.name, raw });
  }
  const document = documents.configOf(at.id);
  return { config: parseImageConfig(document, at.id), document, layers };
}

/**
 * The content of a file, out of such an archive.
 * @param range both included
 */
export async function* contentInArchive(
  archive: () => Promise<Bytes>,
  at: {
    readonly file: string;
    readonly entry: LayerEntry;
    readonly range: { readonly start: number; readonly end: number };
  },
): AsyncGenerator<Buffer> {
  let path = at.entry.path;
  // The name that a hard link leads to lies before it in the archive, where we have passed by.
  for (let hops = 0; hops < mostHops; hops++) {
    const end = yield* search(await archive(), { ...at, path });
    if (end === 'done') return;
    if (end === 'missing') break;
    path = end.link;
  }
  throw invalidArchive(`it has no file '${at.entry.path}' in '${at.file}'`);
}

const mostHops = 3;

async function* search(
  archive: Bytes,
  at: Parameters<typeof contentInArchive>[1] & { readonly path: string },
): AsyncGenerator<Buffer, 'done' | 'missing' | { readonly link: string }> {
  for await (const outer of readTar(decompressed(archive))) {
    if (outer.name !== at.file) continue;
    for await (const found of readTar(decompressed(bytesOf(outer)))) {
      if (componentsOf(found.name) !== at.path) continue;
      if (found.type === 'link') return { link: componentsOf(found.link) };
      if (found.type !== 'file' || found.size !== at.entry.size) continue;
      yield* partOf(found.body(), at.range);
      return 'done';
    }
  }
  return 'missing';
}

/** As indexes have it. */
const componentsOf = (name: string): string =>
  name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');

async function* partOf(
  pieces: AsyncIterable<Piece>,
  range: { readonly start: number; readonly end: number },
): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const piece of pieces) {
    const length = 'hole' in piece ? piece.hole : piece.length;
    const [from, to] = [Math.max(0, range.start - at), Math.min(length, range.end + 1 - at)];
    at += length;
    if (to <= from) continue;
    if (!('hole' in piece)) yield piece.subarray(from, to);
    else for (let left = to - from; left > 0; left -= zeros.length) yield zeros.subarray(0, left);
    if (at > range.end) return;
  }
}

const zeros = Buffer.alloc(1 << 16);

const isJson = (data: Buffer): boolean => data[0] === 0x7b || data[0] === 0x5b;

async function wholeOf(entry: TarEntry): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytesOf(entry)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* bytesOf(entry: TarEntry): Bytes {
  for await (const piece of entry.body()) {
    if ('hole' in piece) throw invalidArchive('one of its files is sparse');
    yield piece;
  }
}

async function describeLayer(
  source: Bytes | Iterable<Uint8Array>,
  { raw, signal }: { readonly raw: string; readonly signal: AbortSignal },
): Promise<Omit<PassedLayer, 'file' | 'raw'> & { readonly diffId: string }> {
  const hash = createHash('sha256');
  async function* hashed(): Bytes {
    for await (const piece of decompressed(streamed(source))) {
      signal.throwIfAborted();
      hash.update(piece);
      yield piece;
    }
  }
  const lower = new UnknownLower();
  const { size } = await IndexWriter.write(raw, async (index) => {
    const unpacked = await unpack(hashed(), { writer: noFiles, lower, sink: index, spill: `${raw}-spill` });
    await index.finish();
    return unpacked;
  });
  return { diffId: `sha256:${hash.digest('hex')}`, size, unsettled: lower };
}

async function* streamed(source: Bytes | Iterable<Uint8Array>): Bytes {
  yield* source;
}

/** Below a layer lies what is not known yet: every whiteout hides something, and what is only implied is remembered. */
class UnknownLower implements Lower, Unsettled {
  readonly implied = new Set<string>();
  isRootOpaque = false;

  async lookup(path: string): Promise<LayerEntry> {
    this.implied.add(path);
    return { path, type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtime: 0 };
  }

  async names(): Promise<string[]> {
    this.isRootOpaque = true;
    return [];
  }
}

const nothing = async (): Promise<void> => undefined;

/** Only the index is wanted. */
const noFiles: LayerFiles = {
  directory: nothing,
  remove: nothing,
  removeTree: nothing,
  link: nothing,
  file: nothing,
  content: nothing,
  node: nothing,
  attributes: nothing,
  whiteout: nothing,
  opaque: nothing,
  finish: nothing,
};

/** What an archive says of its image, small. */
class Documents {
  readonly #found = new Map<string, Buffer>();
  #bytes = 0;

  add(name: string, data: Buffer): void {
    this.#bytes += data.length;
    if (this.#bytes > mostDocuments) throw invalidArchive('its documents are too large together');
    this.#found.set(name, data);
  }

  configOf(id: string): Buffer {
    const named = this.#found.get('manifest.json');
    const [manifest] = named ? parseDockerManifest(named, 'manifest.json') : [];
    const byName = manifest && this.#found.get(manifest.Config);
    const config = byName ?? [...this.#found.values()].find((data) => digestOf(data) === id);
    if (!config) throw invalidArchive(`it has no config of ${id}`);
    return config;
  }
}

const mostDocuments = 4 * largestDocument;
const digestOf = (data: Buffer): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;
