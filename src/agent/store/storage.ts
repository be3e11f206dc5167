import { join } from 'node:path';
import { KeyedLock } from '../../base/async.ts';
import { messageOf } from '../../base/errors.ts';
import type { Shims } from '../shim/contract.ts';
import { BlobStore, type StagedBlob } from './blobs.ts';
import { type Catalog, emptyCatalog, neededBlobs, neededLayers, type StoredImage, withImages } from './catalog.ts';
import { Downloads } from './downloads.ts';
import { archiveFailure, isFullDisk } from './errors.ts';
import { LayerStore } from './layer-store.ts';
import { Layout, readImage } from './layout.ts';
import { Reserve } from './reserve.ts';
import { Staging } from './staging.ts';
import type { UnpackLimits } from './unpack-limits.ts';

/**
 * The store's parts on disk and the one place where its catalog changes. A change is written first and taken second, and
 * what no image needs any more is collected after that: a crash at any point leaves a whole catalog and perhaps garbage,
 * which the next start collects.
 */
export class Storage {
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly staging: Staging;
  readonly downloads: Downloads;
  readonly limits: UnpackLimits;
  readonly #layout: Layout;
  readonly #lock = new KeyedLock();
  readonly #reserve: Reserve;
  readonly #report: (problem: string) => void;
  #catalog: Catalog = emptyCatalog;

  private constructor(parts: {
    report: (problem: string) => void;
    reserve: Reserve;
    blobs: BlobStore;
    layers: LayerStore;
    staging: Staging;
    downloads: Downloads;
    limits: UnpackLimits;
    layout: Layout;
  }) {
    this.blobs = parts.blobs;
    this.layers = parts.layers;
    this.staging = parts.staging;
    this.downloads = parts.downloads;
    this.limits = parts.limits;
    this.#layout = parts.layout;
    this.#report = parts.report;
    this.#reserve = parts.reserve;
  }

  static async open(
    root: string,
    parts: { shims: Shims; limits: UnpackLimits; rootless: boolean; report: (problem: string) => void },
  ): Promise<Storage> {
    const { shims, limits, rootless, report } = parts;
    const staging = await Staging.open(join(root, 'staging'), shims);
    const layout = await Layout.open(join(root, 'image'));
    const blobs = await BlobStore.open(join(root, 'image'));
    const layers = await LayerStore.open(join(root, 'layers'), { shims, staging, limits, rootless });
    const downloads = await Downloads.open(join(root, 'downloads'));
    const reserve = new Reserve(join(root, 'reserve'));
    const storage = new Storage({ blobs, layers, staging, downloads, limits, layout, reserve, report });
    const problems: string[] = [];
    storage.#catalog = await layout.read(blobs, (problem) => problems.push(problem));
    await storage.#unpackMissing((problem) => problems.push(problem));
    for (const problem of problems) report(problem);
    // With an image that cannot be read nobody knows what it needs.
    if (problems.length === 0) {
      await blobs.claimAll();
      await storage.#collect();
    }
    return storage;
  }

  get catalog(): Catalog {
    return this.#catalog;
  }

  /**
   * Changes the catalog.
   * @param plan computes the next catalog from the current one; it may throw, then nothing has changed.
   * @returns what `plan` returned, and the chain ids of the layers that went.
   */
  change<T extends { readonly catalog: Catalog }>(
    plan: (catalog: Catalog) => T,
    newBlobs: readonly StagedBlob[] = [],
  ): Promise<{ readonly plan: T; readonly removedLayers: readonly string[] }> {
    return this.#lock.run('catalog', async () => {
      await this.#adopt();
      const next = plan(this.#catalog);
      for (const blob of newBlobs) await this.blobs.adopt(blob);
      if (newBlobs.length > 0) await this.blobs.sync();
      await this.#write(next.catalog);
      this.#catalog = next.catalog;
      return { plan: next, removedLayers: await this.#collect() };
    });
  }

  /** Takes over what another program has put into the layout since: its images are images of the store from then on. */
  async refresh(): Promise<void> {
    // A removal may hold the lock for long, and nobody who only looks has to wait for it.
    if (await this.#layout.isChanged()) await this.#lock.run('catalog', () => this.#adopt());
  }

  async #adopt(): Promise<void> {
    for (const { descriptor, references } of await this.#layout.foreign(this.#catalog)) {
      try {
        const image = await readImage(descriptor, this.blobs);
        await this.#unpack(image);
        const catalog = withImages(this.#catalog, [{ image, references }]);
        await this.#layout.write(catalog);
        this.#catalog = catalog;
      } catch (failure) {
        this.#layout.keep(descriptor);
        this.#report(
          `image ${descriptor.digest}, which another program put here, is none of ours: ${messageOf(failure)}`,
        );
      }
    }
  }

  /** On a full disk only what makes room may take the reserve. */
  async #write(next: Catalog): Promise<void> {
    try {
      await this.#layout.write(next);
    } catch (failure) {
      const isMore =
        next.images.size > this.#catalog.images.size || next.references.size > this.#catalog.references.size;
      if (!isFullDisk(failure)) throw failure;
      if (isMore) throw archiveFailure(failure, { doing: 'change the images' });
      await this.#reserve.release();
      await this.#layout.write(next);
    }
  }

  /** Removes what no image needs: for whoever unpacked layers and then failed. */
  async collect(): Promise<void> {
    await this.#lock.run('catalog', () => this.#collect());
  }

  async #collect(): Promise<readonly string[]> {
    await this.blobs.collect(neededBlobs(this.#catalog));
    const needed = neededLayers(this.#catalog);
    const removed = await this.layers.collect(needed).catch(async (failure: unknown) => {
      if (!isFullDisk(failure)) throw failure;
      await this.#reserve.release();
      return await this.layers.collect(needed);
    });
    await this.#reserve.take();
    return removed;
  }

  /** Unpacks again from the blobs what somebody deleted. */
  async #unpackMissing(report: (problem: string) => void): Promise<void> {
    for (const image of this.#catalog.images.values()) {
      try {
        await this.#unpack(image);
      } catch (failure) {
        report(`a layer of image ${image.id} is missing and cannot be unpacked again: ${messageOf(failure)}`);
      }
    }
  }

  /** Unpacks the layers of an image that are not there. */
  async #unpack(image: StoredImage): Promise<void> {
    const digests = image.blobs.slice(2);
    for (const [position, diffId] of image.config.rootfs.diff_ids.entries()) {
      const parent = image.chainIds[position - 1];
      const open = () => this.blobs.stream(digests[position] ?? '');
      await this.layers.ensure({ diffId, parent, open });
    }
  }
}
