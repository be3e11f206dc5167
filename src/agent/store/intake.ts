import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isKind, PortholeError } from '../../base/errors.ts';
import { type Descriptor, type ImageConfig, type Manifest, mediaTypes } from '../oci/image.ts';
import { mostLayers } from './archives.ts';
import { readBytes, type StagedBlob, stageBlob } from './blobs.ts';
import { chainIdsOf, withImages } from './catalog.ts';
import type { ImageRecord } from './contract.ts';
import { isDockerConfigType, layerTypeOf, parseImageConfig, parseManifest } from './documents.ts';
import { archiveFailure } from './errors.ts';
import { chainIdOf, layerNamed } from './layer-store.ts';
import { imageOf } from './layout.ts';
import type { LoadContext } from './load.ts';
import type { BlobBytes, FinishedImage, ImageIntake, PackedLayer } from './pieces.ts';
import { isDigest, parseReference, withDefaultTag } from './reference.ts';
import { largestDocument } from './spool.ts';
import { counted, verified } from './streams.ts';

export interface IntakeOptions extends Pick<LoadContext, 'storage' | 'now' | 'signal'> {
  readonly doing: string;
  /** An image that is there now. */
  show(imageId: string): ImageRecord;
}

/** Blobs come into `downloads` and layers into their place; what holds them there is this intake, until the catalog does. */
export class DiskImageIntake implements ImageIntake {
  readonly #options: IntakeOptions;
  readonly #undo: (() => void)[] = [];
  readonly #held = new Set<string>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  async sizeOf(digest: string): Promise<number | undefined> {
    this.#hold(digest);
    return await this.#options.storage.blobs.sizeOf(digest);
  }

  async put(blob: Pick<Descriptor, 'digest' | 'size'>, open: (from: number) => BlobBytes): Promise<void> {
    const { storage, signal } = this.#options;
    this.#hold(blob.digest);
    const isHere = async () => (await storage.blobs.sizeOf(blob.digest)) === blob.size;
    await this.#explained(() => storage.downloads.fetch(blob, { isHere, open, signal }));
  }

  async read(digest: string): Promise<Buffer> {
    const { path, size } = await this.#find(digest);
    if (size > largestDocument) throw invalidImage(`blob ${digest} is too large for a document`);
    return await readFile(path);
  }

  hasLayer(chainId: string): boolean {
    const { layers } = this.#options.storage;
    this.#undo.push(layers.pin(chainId));
    return layers.has(chainId);
  }

  async unpack({ digest, diffId, parent, onBytes = () => undefined }: PackedLayer): Promise<string> {
    const chainId = chainIdOf(parent, diffId);
    const isVerified = digest === diffId;
    const isHere = this.hasLayer(chainId);
    const { path } = await this.#find(digest);
    const { storage, signal } = this.#options;
    const count = (read: number): void => {
      signal.throwIfAborted();
      onBytes(read);
    };
    const open = () => counted(readBytes(path), count);
    await this.#explained(async () => {
      if (!isHere) await storage.layers.ensure({ diffId, parent, isVerified, open });
      // A blob that nobody unpacks is kept, too: it must hold what its image says.
      else if (!isVerified)
        for await (const _ of verified(storage.limits.decompressed(open(), layerNamed(diffId)), diffId));
    });
    return chainId;
  }

  async finish(image: FinishedImage): Promise<ImageRecord> {
    const { storage } = this.#options;
    return await this.#explained(async () => {
      const directory = await storage.staging.make('intake');
      try {
        return await this.#finish(image, directory);
      } finally {
        await storage.staging.remove(directory);
      }
    });
  }

  async close(): Promise<void> {
    for (const undo of this.#undo.splice(0)) undo();
    await this.#options.storage.collect();
  }

  async #finish({ manifest, references }: FinishedImage, directory: string): Promise<ImageRecord> {
    const { storage, now, signal, show } = this.#options;
    const names = references.map((name) => withDefaultTag(parseReference(name)));
    const document = parseManifest(manifest.data, 'its manifest');
    const config = parseImageConfig(await this.read(document.config.digest), 'its config');
    const blobs = await this.#pieces(document, config);
    const original = await stageBlob(join(directory, 'manifest'), [manifest.data]);
    const isOci = !isDockerConfigType(document.config.mediaType);
    const shown = isOci ? document : ociManifest(document);
    const written = isOci ? original : await stageBlob(join(directory, 'oci'), [Buffer.from(JSON.stringify(shown))]);
    const stored = imageOf({
      config,
      manifest: { document: shown, digest: written.digest, size: written.size },
      ...(!isOci && { source: { digest: original.digest, size: original.size, mediaType: manifest.mediaType } }),
      loadedAt: now().toISOString(),
      hidden: false,
    });
    await storage.staging.sync();
    signal.throwIfAborted();
    await storage.change(
      (catalog) => ({ catalog: withImages(catalog, [{ image: stored, references: names }], { replace: true }) }),
      [...new Set([original, written]), ...blobs],
    );
    return show(stored.id);
  }

  /** Every blob that an image needs, where it is now. @throws invalid for one that is not here, or not what the manifest says */
  async #pieces({ config, layers }: Manifest, image: ImageConfig): Promise<StagedBlob[]> {
    const count = image.rootfs.diff_ids.length;
    if (layers.length !== count) {
      throw invalidImage(`its config has ${count} layers, but its manifest has ${layers.length}`);
    }
    if (count > mostLayers) throw invalidImage(`it has more than ${mostLayers} layers`);
    for (const chainId of chainIdsOf(image)) {
      if (!this.hasLayer(chainId)) throw invalidImage(`layer ${chainId} was not unpacked`);
    }
    const found: StagedBlob[] = [];
    for (const { digest, size } of [config, ...layers]) {
      const blob = await this.#find(digest);
      if (blob.size !== size)
        throw invalidImage(`blob ${digest} has ${blob.size} bytes, but its manifest says ${size}`);
      found.push(blob);
    }
    return found;
  }

  async #find(digest: string): Promise<StagedBlob> {
    const { blobs, downloads } = this.#options.storage;
    this.#hold(digest);
    const size = await blobs.sizeOf(digest);
    if (size !== undefined) return { path: blobs.pathOf(digest), digest, size };
    const found = await downloads.whole(digest);
    if (!found) throw new PortholeError('not-found', `blob ${digest} is not here`);
    return found;
  }

  #hold(digest: string): void {
    if (!isDigest(digest)) throw invalidImage(`${JSON.stringify(digest)} is not a sha256 digest`);
    if (this.#held.has(digest)) return;
    this.#held.add(digest);
    this.#undo.push(this.#options.storage.blobs.pin(digest), this.#options.storage.downloads.use(digest));
  }

  async #explained<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (failure) {
      const known = archiveFailure(failure, this.#options);
      if (!isKind(known, 'invalid')) throw known;
      throw new PortholeError('invalid', known.message.replace(/^invalid archive: /, 'invalid image: '), {
        cause: failure,
      });
    }
  }
}

const invalidImage = (what: string) => new PortholeError('invalid', `invalid image: ${what}`);

/** The same blobs in the words of OCI: tools for OCI layouts look away from Docker's. */
function ociManifest({ config, layers }: Manifest): Manifest {
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: config.digest, size: config.size },
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType: layerTypeOf(mediaType), digest, size })),
  };
}
