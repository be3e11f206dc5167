import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Suite } from 'mocha';
import { type Header, pack } from 'tar-stream';
import type { OpenedFile } from '../../../src/agent/layers/contract.ts';
import { openVersion } from '../../../src/agent/layers/open-file.ts';
import { createShims } from '../../../src/agent/shim/client.ts';
import type { ImageStore, LoadedImage } from '../../../src/agent/store/contract.ts';
import { openImageStore } from '../../../src/agent/store/disk-store.ts';
import { readTar } from '../../../src/agent/store/tar.ts';
import type { UnpackLimits } from '../../../src/agent/store/unpack-limits.ts';
import type { LayerChange, LayerEntry, LayerIndex } from '../../../src/protocol/layers.ts';
import { requires } from '../../support/tools.ts';
import { changesAt, indexAt, mergedAt } from '../layers/questions.ts';
import { freshShim } from '../shim/rig.ts';

export const moment = new Date('2024-05-06T07:08:09Z');

/** An entry of a tar to be made: a header with the rest filled in, and content. */
export type Item = Partial<Header> & { readonly name: string; readonly content?: string | Buffer };

export const file = (name: string, content: string | Buffer = '', more: Partial<Header> = {}): Item => ({
  name,
  content,
  ...more,
});
export const directory = (name: string, more: Partial<Header> = {}): Item => ({
  name,
  type: 'directory',
  mode: 0o755,
  ...more,
});
export const symlink = (name: string, linkname: string): Item => ({ name, type: 'symlink', linkname });
export const hardlink = (name: string, linkname: string): Item => ({ name, type: 'link', linkname });

export async function tarOf(items: readonly Item[]): Promise<Buffer> {
  const tar = pack();
  const bytes = buffer(tar);
  for (const { content, ...header } of items) {
    const data = Buffer.from(content ?? '');
    if (header.type === undefined || header.type === 'file') tar.entry({ mtime: moment, ...header }, data);
    else tar.entry({ mtime: moment, ...header });
  }
  tar.finalize();
  return await bytes;
}

export const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

export interface ImageParts {
  readonly layers: readonly Buffer[];
  readonly tags?: readonly string[] | null;
  readonly config?: object;
  readonly diffIds?: readonly string[];
}

/** A file of a docker-archive as `docker save` lays it out. */
export async function dockerArchive(images: readonly ImageParts[], more: readonly Item[] = []): Promise<Buffer> {
  const items = new Map<string, Item>();
  const manifest = images.map(({ layers, tags = [], config, diffIds }) => {
    const document = JSON.stringify({
      created: moment.toISOString(),
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['sh'], Env: null },
      ...config,
      rootfs: { type: 'layers', diff_ids: diffIds ?? layers.map((layer) => `sha256:${sha256(layer)}`) },
    });
    const names = layers.map((layer) => `${sha256(layer)}/layer.tar`);
    for (const [position, name] of names.entries()) items.set(name, file(name, layers[position]));
    const Config = `${sha256(document)}.json`;
    items.set(Config, file(Config, document));
    return { Config, RepoTags: tags, Layers: names };
  });
  return await tarOf([...items.values(), file('manifest.json', JSON.stringify(manifest)), ...more]);
}

/** A store in a directory of its own, and what tests do with it. */
export class Rig {
  #directory = '';
  #store: ImageStore | undefined;

  /** For the tests of a suite, each of which finds it with a new store. */
  static forEach(suite: Suite): Rig {
    const rig = new Rig();
    // Making files is slow on a busy machine.
    suite.timeout(120_000);
    suite.beforeAll(function () {
      requires(this, { root: true });
    });
    suite.beforeEach(() => rig.open());
    suite.afterEach(() => rig.close());
    return rig;
  }

  async open(): Promise<void> {
    freshShim();
    this.#directory = await mkdtemp('/tmp/porthole-store-');
    await this.reopen();
  }

  get directory(): string {
    return this.#directory;
  }

  get store(): ImageStore {
    if (!this.#store) throw new Error('the store is not open');
    return this.#store;
  }

  get root(): string {
    return join(this.directory, 'root');
  }

  /** As a new agent would open it. */
  async reopen(): Promise<void> {
    this.#store = await openAt(this.root);
  }

  async close(): Promise<void> {
    if (this.directory !== '') await rm(this.directory, { recursive: true, force: true });
  }

  load(archive: Buffer | string, signal = new AbortController().signal): Promise<LoadedImage[]> {
    const stream = typeof archive === 'string' ? createReadStream(archive) : Readable.from(inPieces(archive));
    return this.store.load(stream, { signal });
  }

  /** Loads an image of these layers and returns its id. */
  async image(...layers: (readonly Item[] | Buffer)[]): Promise<string> {
    const tars = await Promise.all(layers.map(async (layer) => (Buffer.isBuffer(layer) ? layer : tarOf(layer))));
    const [loaded] = await this.load(await dockerArchive([{ layers: tars }]));
    if (!loaded) throw new Error('nothing was loaded');
    return loaded.id;
  }

  index(id: string, position: number): Promise<LayerIndex> {
    return indexAt(this.store.layered(id), position);
  }

  changes(id: string, position: number): Promise<LayerChange[]> {
    return changesAt(this.store.layered(id), position);
  }

  merged(id: string, position?: number): Promise<LayerEntry[]> {
    return mergedAt(this.store.layered(id), position);
  }

  openFile(id: string, at: { position: number; path: string; from: 'layer' | 'merged' }): Promise<OpenedFile> {
    return openVersion(this.store.layered(id), { ...at, signal: new AbortController().signal });
  }

  /** Directory of an unpacked layer. */
  content(imageId: string, position: number): string {
    const { base, lowers } = this.store.rootfs(imageId);
    return join(base, lowers.at(-1 - position) ?? '');
  }

  /** Paths below the root, directories of the stores themselves left out: what a failed operation must not change. */
  async files(): Promise<string[]> {
    return (await readdir(this.root, { recursive: true })).sort();
  }
}

export function openAt(root: string, { limits }: { readonly limits?: UnpackLimits } = {}): Promise<ImageStore> {
  return openImageStore({
    root,
    ...(limits && { limits }),
    shims: createShims({ path: freshShim() }),
    platform: { os: 'linux', architecture: 'amd64' },
    report: (problem) => {
      throw new Error(problem);
    },
  });
}

/** Odd sizes, so that nothing depends on how a stream is cut. */
export function* inPieces(data: Buffer, size = 100_003): Generator<Buffer> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

/** What is in a real directory, as GNU tar sees it: entries like those of an index, without hard link names. */
export async function treeOf(directory: string): Promise<Map<string, LayerEntry>> {
  const tar = execFileSync(
    'tar',
    ['--format=posix', '--xattrs', '--xattrs-include=*', '--sort=name', '-C', directory, '-cf', '-', '.'],
    { maxBuffer: 1 << 30 },
  );
  return await treeInTar(streamOf(tar));
}

/** As `treeOf`, of what an archive holds. */
export async function treeInTar(tar: AsyncIterable<Uint8Array>): Promise<Map<string, LayerEntry>> {
  const found = new Map<string, LayerEntry>();
  for await (const entry of readTar(tar)) {
    const path = entry.name.replace(/^\.(\/|$)/, '').replace(/\/$/, '');
    if (entry.type === 'link') {
      const target = found.get(entry.link.replace(/^(\.\/|\/)/, ''));
      if (target) found.set(path, { ...target, path });
      continue;
    }
    const hash = createHash('sha256');
    for await (const piece of entry.body()) hash.update('hole' in piece ? Buffer.alloc(piece.hole) : piece);
    const { type, mode, uid, gid, size, mtime, link, major, minor, xattrs } = entry;
    found.set(path, {
      path,
      type,
      mode,
      uid,
      gid,
      size,
      mtime: mtime.seconds,
      ...(mtime.nanoseconds ? { mtimeNs: mtime.nanoseconds } : {}),
      ...(type === 'file' ? { digest: `sha256:${hash.digest('hex')}` } : {}),
      ...(type === 'symlink' ? { link } : {}),
      ...(type === 'char' || type === 'block' ? { device: { major, minor } } : {}),
      ...(xattrs.size > 0
        ? { xattrs: Object.fromEntries([...xattrs].map(([name, value]) => [name, value.toString('base64')])) }
        : {}),
    });
  }
  return found;
}

/** Entries of an index as `treeOf` gives them. */
export function plain(entries: readonly LayerEntry[]): Map<string, LayerEntry> {
  return new Map(
    entries.map(({ hardlink: _hardlink, opaque: _opaque, holes: _holes, ...entry }) => [entry.path, entry] as const),
  );
}

/** The layers of an image as overlayfs shows them. */
export async function overlayTree(rig: Rig, imageId: string): Promise<Map<string, LayerEntry>> {
  const { base, lowers } = rig.store.rootfs(imageId);
  const target = await mkdtemp(join(rig.directory, 'mount-'));
  // An empty layer below: overlayfs wants two.
  const options = `lowerdir=${[...lowers, 'empty/fs'].join(':')}`;
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, target], { cwd: base });
  try {
    return await treeOf(target);
  } finally {
    execFileSync('umount', [target]);
  }
}

export const streamOf = (data: Buffer): Readable => Readable.from(inPieces(data));
