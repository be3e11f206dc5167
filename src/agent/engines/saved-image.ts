import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { KeyedLock } from '../../base/async.ts';
import { PortholeError } from '../../base/errors.ts';
import type { LayerEntry } from '../../protocol/layers.ts';
import type { LayeredImage, OpenedFile } from '../layers/contract.ts';
import type { ImageConfig } from '../oci/image.ts';
import { chainIdsOf } from '../store/catalog.ts';
import { parseImageConfig } from '../store/documents.ts';
import { abortable, type Bytes } from '../store/streams.ts';
import { hexOf } from './docker-storage.ts';
import { notUnderstood } from './errors.ts';
import type { DescribedLayer, IndexCache } from './index-cache.ts';
import { type ForeignImage, foreignViews, settleInto } from './placed-image.ts';
import { contentInArchive, describeArchive } from './saved-layers.ts';

/** The archive of an image, anew each time. */
export type Save = (id: string, signal: AbortSignal) => Promise<Readable>;

/**
 * Images whose layers nobody but their engine can read: it saves them, and what passes by is described. A file is taken out of
 * an archive that is saved for it, as nothing of the content is kept.
 */
export class SavedImages {
  readonly #cache: IndexCache;
  readonly #save: Save;
  readonly #locks = new KeyedLock();
  /** Configs by image id, the one that was used last at the end. */
  readonly #configs = new Map<string, ImageConfig>();

  constructor(cache: IndexCache, save: Save) {
    this.#cache = cache;
    this.#save = save;
  }

  /** Keys of an image's indexes, for whoever pins them. */
  keysOf(diffIds: readonly string[]): string[] {
    return chainIdsOf({ rootfs: { type: 'layers', diff_ids: diffIds } }).map(keyOf);
  }

  async open(image: ForeignImage, signal: AbortSignal): Promise<LayeredImage> {
    const { config, layers } = await this.#locks.run(image.id, () => this.#described(image.id, signal));
    return {
      id: image.id,
      layers: foreignViews({ ...image, config }, layers),
      indexes: async () => layers.map(({ index }) => index),
      open: (position, entry) => this.#openFile(image.id, { layer: layers[position], entry, signal }),
    };
  }

  async #described(
    id: string,
    signal: AbortSignal,
  ): Promise<{ readonly config: ImageConfig; readonly layers: readonly DescribedLayer[] }> {
    const config = this.#configs.get(id) ?? (await this.#kept(id));
    const known = config && (await Promise.all(chainIdsOf(config).map((chainId) => this.#cache.get(keyOf(chainId)))));
    const layers = known?.filter((layer) => layer !== undefined);
    if (config && layers && layers.length === known?.length) return { config, layers };
    return await this.#describe(id, signal);
  }

  async #describe(id: string, signal: AbortSignal) {
    return await this.#cache.scratch(async (directory) => {
      const passed = await describeArchive(await this.#archive(id, signal), { directory, id, signal });
      const { config, document } = passed;
      const layers: DescribedLayer[] = [];
      for (const [position, chainId] of chainIdsOf(config).entries()) {
        const layer = passed.layers.get(config.rootfs.diff_ids[position] ?? '');
        if (!layer) throw notUnderstood(`what was saved of ${id} (layer ${position} is missing)`);
        const { raw, unsettled, size, file } = layer;
        const below = layers.map(({ index }) => index);
        const fill = async (into: string) => {
          await settleInto(into, { raw, below, unsettled, signal });
          return { size, file };
        };
        layers.push(await this.#cache.ensure(keyOf(chainId), fill));
      }
      await this.#cache.keep(configKeyOf(id), document);
      this.#remember(id, config);
      return { config, layers };
    });
  }

  /** What an earlier agent kept of an image. */
  async #kept(id: string): Promise<ImageConfig | undefined> {
    const document = await this.#cache.document(configKeyOf(id));
    if (!document) return undefined;
    try {
      const config = parseImageConfig(document, id);
      this.#remember(id, config);
      return config;
    } catch (failure) {
      // A crash or a disk has damaged it: it is asked for again.
      if (failure instanceof PortholeError) return undefined;
      throw failure;
    }
  }

  #remember(id: string, config: ImageConfig): void {
    this.#configs.delete(id);
    this.#configs.set(id, config);
    for (const oldest of this.#configs.keys()) {
      if (this.#configs.size <= mostConfigs) return;
      this.#configs.delete(oldest);
    }
  }

  #openFile(
    id: string,
    at: { readonly layer: DescribedLayer | undefined; readonly entry: LayerEntry; readonly signal: AbortSignal },
  ): OpenedFile {
    const { layer, entry, signal } = at;
    const { path, type, size } = entry;
    const file = layer?.file;
    if (type !== 'file' || file === undefined)
      throw new PortholeError('invalid', `/${path} is not a regular file but a ${type}`);
    return {
      size,
      entry,
      stream: (range = { start: 0, end: size - 1 }) =>
        Readable.from(
          contentInArchive(() => this.#archive(id, signal), { file, entry, range }),
          { objectMode: false },
        ),
    };
  }

  async #archive(id: string, signal: AbortSignal): Promise<Bytes> {
    return ended(await this.#save(id, signal), signal);
  }
}

/** An engine goes on saving for nobody unless its stream is destroyed. */
async function* ended(stream: Readable, signal: AbortSignal): Bytes {
  try {
    yield* abortable(stream, { signal, doing: 'read what an engine saves' });
  } finally {
    stream.destroy();
  }
}

/** Of an image that was saved the layers have digests; of one read in place they have none. */
const keyOf = (chainId: string): string => `${hexOf(chainId)}-saved`;
const configKeyOf = (id: string): string => `${createHash('sha256').update(id).digest('hex')}-config`;
const mostConfigs = 256;
