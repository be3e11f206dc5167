import type { Readable } from 'node:stream';
import type { Descriptor, ImageConfig, Manifest } from '../oci/image.ts';
import type { ImageRecord } from './contract.ts';

/**
 * Images in pieces, for whoever brings them blob by blob (a pull) or takes them so (a push).
 *
 * @example
 * const intake = await images.intake({ doing: 'pull the image', signal });
 * try {
 *   await intake.put(manifest.config, (from) => fetchBlob(manifest.config, from));
 *   for (const layer of manifest.layers) await intake.put(layer, (from) => fetchBlob(layer, from));
 *   let below: string | undefined;
 *   for (const [position, layer] of manifest.layers.entries()) {
 *     below = await intake.unpack({ digest: layer.digest, diffId: diffIds[position], parent: below });
 *   }
 *   await intake.finish({ manifest: { mediaType, data }, references: ['demo:1', 'demo@sha256:...'] });
 * } finally {
 *   await intake.close();
 * }
 */
export interface ImageIntake {
  /** Size of a blob that is here whole. From now on it stays at least until `close`. */
  sizeOf(digest: string): Promise<number | undefined>;

  /**
   * Takes a blob unless it is here. What came of it before a failure or a crash is kept for a day and not asked for again.
   * Two that want the same one wait for each other.
   * @param open gives the bytes from `from` on; not called for what is here.
   * @throws invalid, naming the digest, for content with another digest or more bytes than said; unavailable for what ends
   * too early (may be tried again) or a full disk; canceled.
   */
  put(blob: Pick<Descriptor, 'digest' | 'size'>, open: (from: number) => BlobBytes): Promise<void>;

  /** A small blob, whole. @throws not-found, invalid when it is too large for a document */
  read(digest: string): Promise<Buffer>;

  /** True when a layer is unpacked. From now on it stays at least until `close`. */
  hasLayer(chainId: string): boolean;

  /**
   * Unpacks a blob (plain, gzip or zstd) onto the layer `parent`, unless that was done before; its content must have the digest
   * `diffId`. Layers go in order, from the bottom up.
   * @param layer.onBytes told how many bytes of the blob have been read
   * @returns its chain id. @throws invalid, canceled, unavailable
   */
  unpack(layer: PackedLayer): Promise<string>;

  /**
   * The image appears, with its names. Everything that its manifest speaks of must have been put and unpacked.
   * @throws invalid for documents that contradict each other or what is here; canceled; unavailable
   */
  finish(image: FinishedImage): Promise<ImageRecord>;

  /** Always, in the end: lets go of what was not finished. */
  close(): Promise<void>;
}

export interface PackedLayer {
  readonly digest: string;
  readonly diffId: string;
  readonly parent?: string;
  readonly onBytes?: (read: number) => void;
}

export type BlobBytes = AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;

export interface FinishedImage {
  /** As the source has it, an OCI manifest or Docker's; its bytes stay, so that a push has the same digest. */
  readonly manifest: { readonly mediaType: string; readonly data: Buffer };
  /** Names that it gets: 'name:tag' and 'name@sha256:...'. */
  readonly references: readonly string[];
}

/** What a registry gets of an image. Its blobs are held open: what is removed meanwhile is still sent whole. */
export interface ImageContent {
  readonly id: string;
  readonly config: ImageConfig;
  /** The manifest as its source had it where there is one, else ours, with the digest and size of `data`. */
  readonly manifest: Descriptor;
  readonly data: Buffer;
  readonly document: Manifest;
  /** The content of its config or of one of its layers, from a byte on. */
  open(digest: string, from?: number): Readable;
  close(): Promise<void>;
}
