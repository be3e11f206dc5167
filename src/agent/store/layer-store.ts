import { createHash } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { KeyedLock } from '../../base/async.ts';
import { isKind } from '../../base/errors.ts';
import type { LayerEntry } from '../../protocol/layers.ts';
import { IndexFile } from '../layers/index-file.ts';
import { IndexWriter } from '../layers/index-writer.ts';
import { readIndex } from '../layers/read-index.ts';
import { StackFinder } from '../layers/stack-finder.ts';
import type { Shims } from '../shim/contract.ts';
import { readJsonFile, syncDirectory, writeDurable } from '../sys/durable.ts';
import { WeightedCache } from './cache.ts';
import { damagedStore } from './errors.ts';
import { convertIndex } from './index-version-1.ts';
import { initDiffId, initLayer } from './init-layer.ts';
import type { LayerTotals, Lower } from './layer-index.ts';
import { LayerWriter } from './layer-writer.ts';
import { giveUp, type Staging } from './staging.ts';
import { type Bytes, verified } from './streams.ts';
import { unpack } from './unpack.ts';
import type { UnpackLimits } from './unpack-limits.ts';

/** An unpacked layer: `layers/NAME/{fs/,index,layer.json}`, where `layer.json` holds this. */
export interface StoredLayer {
  readonly version: 1;
  readonly chainId: string;
  readonly diffId: string;
  /** Chain id of the layer below. */
  readonly parent?: string;
  /** Bytes of its files and symbolic links, hard links once, as dockerd counts. */
  readonly size: number;
  readonly entries: number;
  readonly whiteouts: number;
}

export interface NewLayer {
  readonly diffId: string;
  readonly parent?: string | undefined;
  /** The digest is known to be right already. */
  readonly isVerified?: boolean;
  /** The tar, compressed or not. */
  open(): Bytes;
}

/** A layer in messages. */
export const layerNamed = (diffId: string): string => `layer ${diffId}`;

/** The chain id of a layer: itself at the bottom, else the digest of the one below and itself (OCI image specification). */
export function chainIdOf(parent: string | undefined, diffId: string): string {
  if (parent === undefined) return diffId;
  return `sha256:${createHash('sha256').update(`${parent} ${diffId}`).digest('hex')}`;
}

/** Directory name of a layer, short because the options of an overlay mount are. */
const layerName = (chainId: string): string => chainId.slice('sha256:'.length, 'sha256:'.length + 16);

interface LayerStoreParts {
  readonly shims: Shims;
  readonly staging: Staging;
  readonly limits: UnpackLimits;
  readonly rootless: boolean;
}

/** The unpacked layers, each once however many images have it. A layer appears and goes by rename. */
export class LayerStore {
  readonly directory: string;
  readonly #shims: Shims;
  readonly #staging: Staging;
  readonly #limits: UnpackLimits;
  readonly #rootless: boolean;
  readonly #layers = new Map<string, StoredLayer>();
  readonly #pins = new Map<string, number>();
  readonly #locks = new KeyedLock();
  readonly #indexes = new WeightedCache<IndexFile>(cachedBytes, ({ weight }) => weight);

  private constructor(directory: string, parts: LayerStoreParts) {
    this.directory = directory;
    this.#shims = parts.shims;
    this.#staging = parts.staging;
    this.#limits = parts.limits;
    this.#rootless = parts.rootless;
  }

  static async open(directory: string, parts: LayerStoreParts): Promise<LayerStore> {
    // Docker's mode for the same: nobody but root looks into layers.
    await mkdir(join(directory, emptyLayer, 'fs'), { recursive: true, mode: 0o755 });
    const store = new LayerStore(directory, parts);
    for (const name of await readdir(directory)) {
      if (name === emptyLayer) continue;
      const layer = await readLayer(join(directory, name, 'layer.json'));
      if (layer && layerName(layer.chainId) === name) {
        await convertIndex(join(directory, name));
        store.#layers.set(layer.chainId, layer);
      } else await parts.staging.remove(join(directory, name));
    }
    return store;
  }

  get(chainId: string): StoredLayer {
    const layer = this.#layers.get(chainId);
    if (!layer) throw damagedStore(`layer ${chainId} is missing`);
    return layer;
  }

  has(chainId: string): boolean {
    return this.#layers.has(chainId);
  }

  /** Directory that overlayfs stacks, relative to `directory`. */
  contentOf(chainId: string | undefined): string {
    return `${chainId === undefined ? emptyLayer : layerName(chainId)}/fs`;
  }

  /** Keeps a layer from being collected, whether it is there already or comes. @returns what undoes it. */
  pin(chainId: string): () => void {
    this.#pins.set(chainId, (this.#pins.get(chainId) ?? 0) + 1);
    return () => {
      const count = (this.#pins.get(chainId) ?? 1) - 1;
      if (count > 0) this.#pins.set(chainId, count);
      else this.#pins.delete(chainId);
    };
  }

  /** Unpacks a layer unless it is there. Two that want the same one wait for each other. */
  ensure(wanted: NewLayer): Promise<StoredLayer> {
    const chainId = chainIdOf(wanted.parent, wanted.diffId);
    return this.#locks.run(chainId, async () => this.#layers.get(chainId) ?? (await this.#unpack(wanted, chainId)));
  }

  /** The engine's own layer on top of another; it stays as long as that one does, and is made for the first who needs it. */
  ensureInit(parent: string | undefined): Promise<StoredLayer> {
    return this.ensure({ diffId: initDiffId, parent, isVerified: true, open: () => this.#initLayer(parent) });
  }

  /** Removes every layer that `keep` does not name and nobody pinned. @returns their chain ids. */
  async collect(keep: ReadonlySet<string>): Promise<string[]> {
    const removed: string[] = [];
    for (const [chainId, { diffId, parent }] of [...this.#layers]) {
      if (keep.has(chainId) || (diffId === initDiffId && (parent === undefined || keep.has(parent)))) continue;
      await this.#locks.run(chainId, async () => {
        if (this.#pins.has(chainId) || !this.#layers.has(chainId)) return;
        this.#indexes.delete(chainId);
        const grave = await this.#staging.make('removed');
        await rename(join(this.directory, layerName(chainId)), join(grave, 'layer'));
        this.#layers.delete(chainId);
        await this.#staging.remove(grave);
        removed.push(chainId);
      });
    }
    return removed;
  }

  /** A layer with everything below it, topmost first. */
  stackOf(chainId: string | undefined): StoredLayer[] {
    const found: StoredLayer[] = [];
    for (let next = chainId; next !== undefined; ) {
      const layer = this.get(next);
      found.push(layer);
      next = layer.parent;
    }
    return found;
  }

  index(chainId: string): Promise<IndexFile> {
    return this.#indexes.get(chainId, () => IndexFile.read(join(this.directory, layerName(chainId), 'index')));
  }

  /** Looks paths up in what a layer and everything below it show. Whoever opens it closes it. */
  async find(chainId: string | undefined): Promise<StackFinder> {
    const stack = this.stackOf(chainId).reverse();
    return await StackFinder.open(await Promise.all(stack.map((layer) => this.index(layer.chainId))));
  }

  async *#initLayer(parent: string | undefined): AsyncGenerator<Buffer> {
    const finder = await this.find(parent);
    try {
      yield* initLayer(async (path) => (await finder.find(path))?.entry(), new Date());
    } finally {
      await finder.close();
    }
  }

  async #unpack(wanted: NewLayer, chainId: string): Promise<StoredLayer> {
    const directory = await this.#staging.make('layer');
    try {
      const index = await IndexWriter.create(join(directory, 'index'));
      const layer = describe(wanted, chainId, await this.#fill(directory, wanted, index));
      // Of an image's layers all is synced together, before a catalog names them.
      if (wanted.diffId === initDiffId) await syncDirectories(directory);
      await writeDurable(join(directory, 'layer.json'), `${JSON.stringify(layer)}\n`, { mode: 0o600 });
      await rename(directory, join(this.directory, layerName(chainId)));
      await syncDirectory(this.directory);
      this.#layers.set(chainId, layer);
      return layer;
    } catch (failure) {
      await this.#staging.remove(directory).catch(() => undefined);
      throw failure;
    }
  }

  async #fill(
    directory: string,
    { diffId, parent, isVerified, open }: NewLayer,
    sink: IndexWriter,
  ): Promise<LayerTotals> {
    const content = join(directory, 'fs');
    const executor = this.#shims.execute();
    const lower = new LowerLayers(() => this.find(parent));
    try {
      await mkdir(content, { mode: 0o755 });
      await executor.send([
        { op: 'chroot', path: content, why: 'Nothing that an archive says can reach outside its layer.' },
        { op: 'chdir', path: '/', why: 'The old working directory lies outside the new root.' },
        { op: 'umask', mask: 0, why: 'Files get exactly the modes that the archive gives them.' },
      ]);
      const plain = this.#limits.decompressed(open(), layerNamed(diffId));
      const tar = isVerified ? plain : verified(plain, diffId);
      const spill = join(directory, 'spill');
      const writer = new LayerWriter(executor, { rootless: this.#rootless });
      const totals = await unpack(tar, { writer, lower, sink, spill });
      await sink.finish();
      await executor.close();
      return totals;
    } catch (failure) {
      await giveUp(executor);
      throw failure;
    } finally {
      await sink.close();
      await lower.close();
    }
  }
}

/** Enough for files without content. */
async function syncDirectories(layer: string): Promise<void> {
  const { entries } = await readIndex(await IndexFile.read(join(layer, 'index')));
  for (const { type, path } of entries) if (type === 'directory') await syncDirectory(join(layer, 'fs', path));
}

/** What lies below a layer that is being unpacked, opened when it is first asked for. */
class LowerLayers implements Lower {
  readonly #open: () => Promise<StackFinder>;
  #finder: Promise<StackFinder> | undefined;

  constructor(open: () => Promise<StackFinder>) {
    this.#open = open;
  }

  async lookup(path: string): Promise<LayerEntry | undefined> {
    return (await (await this.#find()).find(path))?.entry();
  }

  async names(): Promise<string[]> {
    return await (await this.#find()).names('');
  }

  async close(): Promise<void> {
    await (await this.#finder)?.close();
  }

  #find(): Promise<StackFinder> {
    this.#finder ??= this.#open();
    return this.#finder;
  }
}

/** For images without any layer. */
const emptyLayer = 'empty';
/** Bytes of indexes that are kept in memory. */
const cachedBytes = 1 << 25;

function describe({ diffId, parent }: NewLayer, chainId: string, totals: LayerTotals): StoredLayer {
  return { version: 1, chainId, diffId, ...(parent === undefined ? {} : { parent }), ...totals };
}

const LayerFile = v.object({
  version: v.literal(1),
  chainId: v.string(),
  diffId: v.string(),
  parent: v.exactOptional(v.string()),
  size: v.number(),
  entries: v.number(),
  whiteouts: v.number(),
});

/** Undefined for what is no layer (any more). Only a disk that cannot be read is a failure. */
async function readLayer(path: string): Promise<StoredLayer | undefined> {
  const value = await readJsonFile(path).catch((failure: unknown) => {
    if (isKind(failure, 'internal')) return undefined;
    throw failure;
  });
  const result = v.safeParse(LayerFile, value);
  return result.success ? result.output : undefined;
}
