import { join } from 'node:path';
import * as v from 'valibot';
import { isKind, messageOf } from '../../base/errors.ts';
import type { OtherEngine, OtherEngineName } from '../../protocol/engines.ts';
import type { LayeredImage } from '../layers/contract.ts';
import { chainIdsOf } from '../store/catalog.ts';
import { isThere } from '../sys/files.ts';
import type { EngineClient } from './client.ts';
import type { ImageStorage } from './contract.ts';
import { hexOf } from './docker-storage.ts';
import { noSuchImage, removedMeanwhile, silent, unreachable } from './errors.ts';
import { type ForeignImage, placedImage, type ReadingParts } from './placed-image.ts';
import { Recent } from './recent.ts';
import { SavedImages } from './saved-image.ts';

const Info = v.object({
  ServerVersion: v.optional(v.string(), ''),
  Driver: v.optional(v.string(), ''),
  DockerRootDir: v.optional(v.string(), ''),
  SecurityOptions: v.optional(v.nullable(v.array(v.string()))),
  Rootless: v.optional(v.boolean(), false),
});

const Image = v.object({ Id: v.string(), RootFS: v.object({ Layers: v.optional(v.nullable(v.array(v.string()))) }) });
const ImageList = v.array(v.object({ Id: v.string() }));

/** Milliseconds: dockerd counts its containers and images for what it says of itself. */
const patience = 20_000;

export interface EngineOptions {
  readonly name: OtherEngineName;
  readonly client: EngineClient;
  /** The storage driver whose directories are read in place. */
  readonly driver: string;
  storage(root: string): ImageStorage;
  /** Its data root when it does not answer. */
  readonly silentRoot?: string;
}

/** One other engine of the host. */
export class ForeignEngine {
  readonly #parts: ReadingParts;
  readonly #options: EngineOptions;
  readonly #saved: SavedImages;
  readonly #info = new Recent<v.InferOutput<typeof Info> | undefined>();
  readonly #recentUsers = new Recent<ForeignImage['users']>();
  /** Layers of images by their ids, which never change. */
  #chains: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(parts: ReadingParts, options: EngineOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#saved = new SavedImages(parts.cache, (id, signal) =>
      options.client.stream(`/images/${encodeURIComponent(id)}/get`, signal),
    );
  }

  /** Undefined: it is not there. One that is stuck or broken is told as such, and keeps nobody from hearing of the others. */
  async describe(signal: AbortSignal): Promise<OtherEngine | undefined> {
    const late = AbortSignal.timeout(patience);
    try {
      return await this.#describe(AbortSignal.any([signal, late]));
    } catch (failure) {
      signal.throwIfAborted();
      const reason = late.aborted ? `it has not answered for ${patience / 1000} seconds` : messageOf(failure);
      return { engine: this.#options.name, layers: 'not at all', reason };
    }
  }

  async #describe(signal: AbortSignal): Promise<OtherEngine | undefined> {
    const { name, client, driver, silentRoot } = this.#options;
    const socket = await client.socket(signal);
    if (socket === undefined) {
      if (silentRoot === undefined || this.#whyNot({ root: silentRoot, driver })) return undefined;
      const images = join(silentRoot, 'overlay-images', 'images.json');
      return (await isThere(images))
        ? { engine: name, storageDriver: driver, dataRoot: silentRoot, layers: 'in place' }
        : undefined;
    }
    const info = await client.json('/info', { schema: Info, signal });
    const reason = this.#whyNotOf(info) ?? (await this.#whyHidden(info.DockerRootDir));
    return {
      ...{ engine: name, socket, version: info.ServerVersion, storageDriver: info.Driver },
      ...{ dataRoot: info.DockerRootDir, layers: reason === undefined ? 'in place' : 'saved' },
      ...(reason !== undefined && { reason }),
    };
  }

  async withImage<T>(name: string, signal: AbortSignal, task: (image: LayeredImage) => Promise<T>): Promise<T> {
    const { client, driver, silentRoot } = this.#options;
    const info = await this.#info.get(async () =>
      (await client.socket(signal)) === undefined ? undefined : await client.json('/info', { schema: Info, signal }),
    );
    const root = info ? info.DockerRootDir : silentRoot;
    if (root === undefined) throw silent(this.#options.name, 'nobody listens on its socket');
    const storage = this.#options.storage(root);
    const inspected = info && (await this.#inspect(name, signal));
    const id = inspected ? inspected.Id : await storage.find(name);
    if (id === undefined) throw noSuchImage(this.#options.name, name);
    const reason = info ? this.#whyNotOf(info) : this.#whyNot({ root, driver });
    const placed = reason === undefined ? await storage.image(id) : undefined;
    const users = await this.#recentUsers.get(async () =>
      info
        ? this.#users(await this.#idsOf(signal), (one) => this.#layersOf(one, signal))
        : this.#users(await storage.ids(), async (one) => (await storage.image(one))?.config.rootfs.diff_ids ?? []),
    );
    const image = { id, users };
    const isThere = info
      ? () => this.#inspect(id, signal).catch(noneIfNotFound)
      : () => storage.image(id).catch(noneIfNotFound);
    const unlessRemoved = <R>(one: () => Promise<R>) => this.#unlessRemoved(one, { name, isThere, signal });
    if (placed) {
      const keys = chainIdsOf(placed.config).map(hexOf);
      const open = () => placedImage(this.#parts, placed, { ...image, signal });
      return await this.#pinned(keys, () => unlessRemoved(async () => task(await open())));
    }
    if (!inspected) {
      throw unreachable(this.#options.name, reason ?? `image ${id} is not in ${root} as overlay directories`);
    }
    const keys = this.#saved.keysOf(inspected.RootFS.Layers ?? []);
    return await this.#pinned(keys, () => unlessRemoved(async () => task(await this.#saved.open(image, signal))));
  }

  /** Nobody keeps an engine from removing what we read: what fails for that reason says so. */
  async #unlessRemoved<R>(
    task: () => Promise<R>,
    at: { readonly name: string; isThere(): Promise<unknown>; readonly signal: AbortSignal },
  ): Promise<R> {
    try {
      return await task();
    } catch (failure) {
      if (at.signal.aborted || isKind(failure, 'canceled')) throw failure;
      // An engine that does not answer now leaves the first failure to be told.
      const found = await at.isThere().catch(() => true);
      throw found === undefined ? removedMeanwhile(this.#options.name, at.name, failure) : failure;
    }
  }

  async #pinned<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const undo = keys.map((key) => this.#parts.cache.pin(key));
    try {
      return await task();
    } finally {
      for (const unpin of undo) unpin();
    }
  }

  async #inspect(name: string, signal: AbortSignal): Promise<v.InferOutput<typeof Image>> {
    // Of a path they would lead to another question.
    if (name.split('/').some((part) => part === '' || part === '.' || part === '..'))
      throw noSuchImage(this.#options.name, name);
    const path = `/images/${name.split('/').map(encodeURIComponent).join('/')}/json`;
    return await this.#options.client.json(path, { schema: Image, signal });
  }

  /** Which of some images have a layer, by chain id. */
  async #users(
    ids: readonly string[],
    layersOf: (id: string) => Promise<readonly string[]>,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const users = new Map<string, string[]>();
    const known = new Map<string, readonly string[]>();
    for (const id of ids) {
      const chain = this.#chains.get(id) ?? chainOf(await layersOf(id));
      known.set(id, chain);
      for (const chainId of chain) users.set(chainId, [...(users.get(chainId) ?? []), id]);
    }
    this.#chains = known;
    return users;
  }

  async #idsOf(signal: AbortSignal): Promise<readonly string[]> {
    const images = await this.#options.client.json('/images/json', { schema: ImageList, signal });
    return images.map(({ Id }) => Id);
  }

  /** None of an image that went meanwhile. */
  async #layersOf(id: string, signal: AbortSignal): Promise<readonly string[]> {
    try {
      return (await this.#inspect(id, signal)).RootFS.Layers ?? [];
    } catch (failure) {
      if (isKind(failure, 'not-found')) return [];
      throw failure;
    }
  }

  #whyNotOf({ Driver, DockerRootDir, SecurityOptions, Rootless }: v.InferOutput<typeof Info>): string | undefined {
    if (Rootless || SecurityOptions?.some((option) => /^name=(userns|rootless)\b/.test(option)))
      return 'the owners of its files are those of a user namespace';
    return this.#whyNot({ root: DockerRootDir, driver: Driver });
  }

  /** Why its directories are not read in place. */
  #whyNot({ root, driver }: { readonly root: string; readonly driver: string }): string | undefined {
    if (this.#parts.host.rootless !== undefined) return 'the agent is not root';
    if (driver !== this.#options.driver) return `its storage driver is ${driver}, not ${this.#options.driver}`;
    return root.startsWith('/') ? undefined : 'it does not say where its data lies';
  }

  async #whyHidden(root: string): Promise<string | undefined> {
    return (await isThere(root)) ? undefined : `its data root ${root} is not on this host`;
  }
}

function noneIfNotFound(failure: unknown): undefined {
  if (!isKind(failure, 'not-found')) throw failure;
  return undefined;
}

const chainOf = (diffIds: readonly string[]): string[] => chainIdsOf({ rootfs: { type: 'layers', diff_ids: diffIds } });
