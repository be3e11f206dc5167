import type { OtherEngine } from '../../protocol/engines.ts';
import type { LayeredImage } from '../layers/contract.ts';
import type { ImageConfig } from '../oci/image.ts';

/**
 * Images of the other container engines of this host, asked about their layers as our own are.
 *
 * Vocabulary
 * - An engine's **storage** is its data root, which root reads **in place** where its format is one that we know: the
 *   directories that overlayfs stacks. Nothing is ever written there.
 * - Where it cannot be read so, the engine itself **saves** the image: the archive passes through, its layers are described
 *   on the way, and nothing of it is kept but the indexes.
 * - **Indexes** of both are kept in a directory of ours, by chain id; it is a cache that may be removed at any time.
 *
 * @example
 * await engines.withImage('docker', 'debian:12', signal, (image) => countWaste(image, { signal }, { limit: 10 }));
 */
export interface OtherEngines {
  /** Those that are there. */
  list(signal: AbortSignal): Promise<OtherEngine[]>;
  /**
   * An image of an engine, for as long as the task takes.
   * @throws not-found for an engine or an image; unavailable; unsupported where its layers cannot be read.
   */
  withImage<T>(
    engine: string,
    asked: { readonly name: string; readonly signal: AbortSignal },
    task: (image: LayeredImage) => Promise<T>,
  ): Promise<T>;
}

/** The data root of an engine, in a format that we know. */
export interface ImageStorage {
  /** The id (`sha256:...`) of the image that a name or the beginning of an id means; for storages whose engine is silent. */
  find(name: string): Promise<string | undefined>;
  /** Ids of all images; for such storages, too. */
  ids(): Promise<readonly string[]>;
  /** The image with this id. Undefined: it is not here, or not in a way that can be read in place. */
  image(id: string): Promise<PlacedImage | undefined>;
}

export interface PlacedImage {
  readonly config: ImageConfig;
  /** Directories that overlayfs stacks, one per layer, bottom first. */
  readonly directories: readonly string[];
}
