import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { isKind } from '../../base/errors.ts';
import { withoutTrailing } from '../../base/trailing.ts';
import type { LayerEntry, LayerView } from '../../protocol/layers.ts';
import type { LayeredImage } from '../layers/contract.ts';
import { lookUp } from '../layers/merged.ts';
import type { Shims } from '../shim/contract.ts';
import type { Platform } from './archives.ts';
import { childrenOf, findImage, referencesByChain, referencesOf, type StoredImage } from './catalog.ts';
import { commitImage } from './commit.ts';
import { openContent } from './content.ts';
import type {
  CommitOptions,
  ImageRecord,
  ImageStore,
  ImportOptions,
  LayerStack,
  LoadedImage,
  LoadOptions,
  PruneOptions,
  RemovedImage,
  RemoveImageOptions,
} from './contract.ts';
import { importArchive, tagReference } from './import.ts';
import { initDiffId } from './init-layer.ts';
import { DiskImageIntake } from './intake.ts';
import { chainIdOf, type StoredLayer } from './layer-store.ts';
import { layerViews } from './layer-views.ts';
import { loadArchive } from './load.ts';
import { openLayerFile } from './opened-file.ts';
import type { ImageContent, ImageIntake } from './pieces.ts';
import { familiar, familiarName, normalized, type Reference } from './reference.ts';
import { forgetUnused, planRemoval } from './removal.ts';
import { saveImages } from './save.ts';
import { Storage } from './storage.ts';
import { UnpackLimits } from './unpack-limits.ts';

export interface ImageStoreOptions {
  /** DATA_ROOT: the store owns `image/`, `layers/` and `staging/` below it. */
  readonly root: string;
  readonly shims: Shims;
  /** The engine is no root: layers are written as an ordinary user can. */
  readonly rootless?: boolean;
  readonly now?: () => Date;
  /** Which image of an index for several platforms is taken. The machine's own when undefined. */
  readonly platform?: Platform;
  /** What layers and archives may become; of `root` when undefined. */
  readonly limits?: UnpackLimits;
  /** Told at the start of images that cannot be read; they are left out and nothing of them is removed. */
  readonly report?: (problem: string) => void;
}

/** Opens the store of a data root, and removes what a crash left. One process at a time. */
export async function openImageStore(options: ImageStoreOptions): Promise<ImageStore> {
  const { root, shims, rootless = false, report = () => undefined } = options;
  const limits = options.limits ?? new UnpackLimits({ directory: root });
  return new DiskImageStore({
    storage: await Storage.open(root, { shims, limits, rootless, report }),
    platform: options.platform ?? ownPlatform(),
    now: options.now ?? (() => new Date()),
  });
}

class DiskImageStore implements ImageStore {
  readonly #storage: Storage;
  readonly #platform: Platform;
  readonly #now: () => Date;
  /** Containers in the making, by the id of their image. */
  readonly #holds = new Map<string, Set<string>>();

  constructor(parts: { storage: Storage; platform: Platform; now: () => Date }) {
    this.#storage = parts.storage;
    this.#platform = parts.platform;
    this.#now = parts.now;
  }

  get limits(): UnpackLimits {
    return this.#storage.limits;
  }

  list(): ImageRecord[] {
    return [...this.#storage.catalog.images.values()]
      .filter(({ hidden }) => !hidden)
      .map((image) => this.#record(image))
      .sort(newestFirst);
  }

  get(nameOrId: string): ImageRecord {
    return this.#record(findImage(this.#storage.catalog, nameOrId));
  }

  load(archive: Readable, options: LoadOptions): Promise<LoadedImage[]> {
    return loadArchive(archive, { storage: this.#storage, platform: this.#platform, now: this.#now, ...options });
  }

  async importTar(archive: Readable, options: ImportOptions): Promise<ImageRecord> {
    const context = { storage: this.#storage, platform: this.#platform, now: this.#now, signal: options.signal };
    return this.get(await importArchive(archive, { ...context, options }));
  }

  async refresh(): Promise<void> {
    await this.#storage.refresh();
  }

  async tag(nameOrId: string, text: string): Promise<void> {
    const reference = tagReference(text);
    const { catalog } = this.#storage;
    // Said again and again by builds that change nothing.
    if (catalog.references.get(normalized(reference)) === findImage(catalog, nameOrId).id) return;
    await this.#storage.change((catalog) => {
      const { id } = findImage(catalog, nameOrId);
      return { catalog: { ...catalog, references: new Map([...catalog.references, [normalized(reference), id]]) } };
    });
  }

  async remove(nameOrId: string, asked: RemoveImageOptions): Promise<RemovedImage[]> {
    const options = { ...asked, usedBy: (imageId: string) => [...asked.usedBy(imageId), ...this.#holdersOf(imageId)] };
    const { plan, removedLayers } = await this.#storage.change((catalog) => {
      const removal = planRemoval(catalog, nameOrId, options);
      return { ...removal, catalog: forgetUnused(removal.catalog, options) };
    });
    // A layer goes with the last of the images that had it.
    const owner = new Map(
      plan.deleted.flatMap(({ id, chainIds }) => chainIds.map((chainId) => [chainId, id] as const)),
    );
    const isGone = (chainId: string, id: string) => owner.get(chainId) === id && removedLayers.includes(chainId);
    const deleted = plan.deleted.flatMap(({ id, chainIds }) => [
      { Deleted: id },
      ...[...chainIds].reverse().flatMap((chainId) => (isGone(chainId, id) ? [{ Deleted: chainId }] : [])),
    ]);
    return [...plan.untagged, ...deleted];
  }

  async commit(parentId: string | undefined, options: CommitOptions): Promise<ImageRecord> {
    const context = { storage: this.#storage, platform: this.#platform, now: this.#now };
    return this.get(await commitImage(parentId, { ...context, options }));
  }

  async intake({ doing, signal }: { doing: string; signal: AbortSignal }): Promise<ImageIntake> {
    const show = (imageId: string) => this.get(imageId);
    return new DiskImageIntake({ storage: this.#storage, now: this.#now, doing, signal, show });
  }

  async content(nameOrId: string): Promise<ImageContent> {
    return await openContent(this.#storage, findImage(this.#storage.catalog, nameOrId));
  }

  async addDigest(id: string, reference: Required<Pick<Reference, 'domain' | 'path' | 'digest'>>): Promise<void> {
    await this.#storage.change((catalog) => {
      const image = findImage(catalog, id);
      return {
        catalog: { ...catalog, references: new Map([...catalog.references, [normalized(reference), image.id]]) },
      };
    });
  }

  children(parentId: string | undefined): ImageRecord[] {
    return [...this.#storage.catalog.images.values()]
      .filter(({ hidden, parent }) => !hidden && parent === parentId)
      .map((image) => this.#record(image))
      .sort(newestFirst);
  }

  hold(imageId: string, containerId: string): () => void {
    const holders = this.#holds.get(imageId) ?? new Set();
    this.#holds.set(imageId, holders.add(containerId));
    return () => {
      holders.delete(containerId);
      if (holders.size === 0 && this.#holds.get(imageId) === holders) this.#holds.delete(imageId);
    };
  }

  async save(names: readonly string[]): Promise<{ ids: readonly string[]; stream: Readable }> {
    return await saveImages(this.#storage, names);
  }

  async prune(options: PruneOptions): Promise<{ removed: RemovedImage[]; bytes: number }> {
    const removed: RemovedImage[] = [];
    const sizes = new Map<string, number>();
    for (const image of this.list()) {
      if (image.hasChildren && image.tags.length === 0) continue;
      if ((image.tags.length > 0 && !options.all) || !options.chosen(image)) continue;
      for (const { chainId, size } of this.layers(image.id)) sizes.set(chainId, size);
      const names = [...image.tags, ...image.digests];
      for (const name of names.length > 0 ? names : [image.id]) {
        try {
          removed.push(...(await this.remove(name, { force: false, usedBy: options.usedBy })));
        } catch (failure) {
          // In use, or gone by itself: neither is a reason to stop.
          if (!isKind(failure, 'conflict') && !isKind(failure, 'not-found')) throw failure;
        }
      }
    }
    const bytes = removed.reduce((sum, one) => sum + ('Deleted' in one ? (sizes.get(one.Deleted) ?? 0) : 0), 0);
    // What broken pulls left is nobody's, too.
    return { removed, bytes: bytes + (await this.#storage.downloads.clear()) };
  }

  rootfs(imageId: string): LayerStack {
    const { chainIds } = this.#find(imageId);
    const { layers } = this.#storage;
    const lowers = [...chainIds].reverse().map((chainId) => layers.contentOf(layers.get(chainId).chainId));
    return { base: layers.directory, lowers: lowers.length > 0 ? lowers : [layers.contentOf(undefined)] };
  }

  containerRootfs(imageId: string): LayerStack {
    const { layers } = this.#storage;
    const top = this.#find(imageId).chainIds.at(-1);
    const lowers = top === undefined ? [] : this.rootfs(imageId).lowers;
    return { base: layers.directory, lowers: [layers.contentOf(chainIdOf(top, initDiffId)), ...lowers] };
  }

  async ensureInit(imageId: string): Promise<void> {
    await this.#storage.layers.ensureInit(this.#find(imageId).chainIds.at(-1));
  }

  layers(nameOrId: string): LayerView[] {
    const image = this.#find(nameOrId);
    return layerViews(image, {
      layers: image.chainIds.map((chainId) => this.#storage.layers.get(chainId)),
      users: referencesByChain(this.#storage.catalog),
    });
  }

  layered(nameOrId: string): LayeredImage {
    const image = this.#find(nameOrId);
    return this.#layered(
      image,
      image.chainIds.map((chainId) => this.#storage.layers.get(chainId)),
    );
  }

  async layeredForContainers(nameOrId: string): Promise<LayeredImage> {
    const image = this.#find(nameOrId);
    const { layers } = this.#storage;
    const init = await layers.ensureInit(image.chainIds.at(-1));
    return this.#layered(image, [...image.chainIds.map((chainId) => layers.get(chainId)), init]);
  }

  async scratch<T>(task: (directory: string) => Promise<T>): Promise<T> {
    const directory = await this.#storage.staging.make('scratch');
    try {
      return await task(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async lookup(nameOrId: string, path: string, position?: number | 'init'): Promise<LayerEntry | undefined> {
    const image = position === 'init' ? await this.layeredForContainers(nameOrId) : this.layered(nameOrId);
    const clean = withoutTrailing(path.replace(/^\/+/, ''), '/');
    const part = { path: clean, signal: never, ...(typeof position === 'number' && { position }) };
    return (await lookUp(image, part))?.entry;
  }

  #layered(image: StoredImage, stack: readonly StoredLayer[]): LayeredImage {
    const { layers, catalog } = this.#storage;
    return {
      id: image.id,
      layers: layerViews(image, { layers: stack, users: referencesByChain(catalog) }),
      indexes: () => Promise.all(stack.map(({ chainId }) => layers.index(chainId))),
      open: (position, entry) =>
        openLayerFile(join(layers.directory, layers.contentOf(stack[position]?.chainId)), entry),
    };
  }

  #holdersOf(imageId: string): { readonly id: string; readonly running: boolean }[] {
    return [...(this.#holds.get(imageId) ?? [])].map((id) => ({ id, running: false }));
  }

  /** As `findImage`, but by its whole id also an image that is only kept for a container. */
  #find(nameOrId: string): StoredImage {
    const { catalog } = this.#storage;
    return catalog.images.get(nameOrId) ?? findImage(catalog, nameOrId);
  }

  #record(image: StoredImage): ImageRecord {
    const references = referencesOf(this.#storage.catalog, image.id);
    const sizes = image.chainIds.map((chainId) => this.#storage.layers.get(chainId).size);
    const { created } = image.config;
    return {
      id: image.id,
      tags: references.filter(({ digest }) => digest === undefined).map(familiar),
      digests: references.flatMap((one) => (one.digest === undefined ? [] : [`${familiarName(one)}@${one.digest}`])),
      config: image.config,
      size: sizes.reduce((sum, size) => sum + size, 0),
      ...(image.parent === undefined ? {} : { parent: image.parent }),
      hasChildren: childrenOf(this.#storage.catalog, image.id).length > 0,
      created: created !== undefined && Number.isFinite(Date.parse(created)) ? created : zeroTime,
    };
  }
}

const newestFirst = (a: ImageRecord, b: ImageRecord): number =>
  Date.parse(b.created) - Date.parse(a.created) || (a.id < b.id ? -1 : 1);

/** Go's zero time: dockerd's for an image that does not say when it was made. */
const zeroTime = '0001-01-01T00:00:00Z';

const never = new AbortController().signal;

/** This machine in the words of images, which are Go's. */
export function ownPlatform(): Platform {
  return { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
}
