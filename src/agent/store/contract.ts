import type { Readable } from 'node:stream';
import type { LayerEntry, LayerView } from '../../protocol/layers.ts';
import type { LayeredImage } from '../layers/contract.ts';
import type { History, ImageConfig, RunConfig } from '../oci/image.ts';
import type { ImageContent, ImageIntake } from './pieces.ts';
import type { Reference } from './reference.ts';
import type { UnpackLimits } from './unpack-limits.ts';

/**
 * Images as stacks of changesets.
 *
 * Vocabulary
 * - A **blob** is a content-addressed file of the OCI image layout (`DATA_ROOT/image/blobs/sha256/...`).
 * - A **layer** is one changeset, named by its chain id: the same tar on another stack is another layer.
 * - An **unpacked layer** is the directory that overlayfs stacks; its **index** is written once while unpacking.
 * - An **init layer** is the engine's own on top of an image: what containers find whatever the image has. It is no part
 *   of the image, and made once for all of its containers.
 * - An **image** is a config (its digest is the image id) with its ordered layers and the references that name it.
 *
 * Lifecycle: `load`, `importTar` bring an image; references come and go with `tag` and `remove`; a layer is
 * removed with the last image that has it. Nothing half-written is ever visible: a layer appears by rename.
 *
 * @example
 * const [loaded] = await images.load(tar, { signal });
 * const image = images.get('busybox:latest');
 * await images.ensureInit(image.id);
 * const { base, lowers } = images.containerRootfs(image.id);   // for an overlay mount
 */
export interface ImageStore {
  /** For whoever else unpacks what clients send. */
  readonly limits: UnpackLimits;

  /** Every image, newest first. */
  list(): ImageRecord[];

  /**
   * Finds by reference (`name`, `name:tag`, `name@digest`; docker.io/library is implied), by id or by a
   * unique prefix of an id with or without `sha256:`.
   * @throws not-found `No such image: NAME:TAG`; invalid for a malformed reference or an ambiguous prefix.
   */
  get(nameOrId: string): ImageRecord;

  /**
   * Reads a docker-archive (`manifest.json`, before 2015 `repositories`) or an OCI layout in a tar: plain, gzip or zstd.
   * All or nothing: an archive that is truncated, malformed or hostile changes nothing.
   * @throws invalid, naming what is wrong; canceled; unavailable when the disk is full.
   */
  load(archive: Readable, options: LoadOptions): Promise<LoadedImage[]>;

  /** One layer from a tar of a root file system (gzip or plain). */
  importTar(archive: Readable, options: ImportOptions): Promise<ImageRecord>;

  /**
   * An image of another one (also one that is only kept for a container; undefined: of none) and a changeset on it.
   * @throws not-found; invalid for a changeset that cannot be unpacked or a malformed reference; canceled; unavailable.
   */
  commit(parentId: string | undefined, options: CommitOptions): Promise<ImageRecord>;

  /** Begins an image that comes in pieces. @param options.doing for failures, for example 'pull the image' */
  intake(options: { readonly doing: string; readonly signal: AbortSignal }): Promise<ImageIntake>;

  /** An image in pieces. @throws not-found */
  content(nameOrId: string): Promise<ImageContent>;

  /** Remembers under which digest a registry has an image. @throws not-found */
  addDigest(id: string, reference: Required<Pick<Reference, 'domain' | 'path' | 'digest'>>): Promise<void>;

  /** Images that were made of one on this host, newest first; undefined: those made of none, however they came. */
  children(parentId: string | undefined): ImageRecord[];

  /**
   * Keeps an image as a container of this id would that is there already: for a container in the making.
   * @returns what undoes it
   */
  hold(imageId: string, containerId: string): () => void;

  /**
   * Images as an archive, docker-archive and OCI layout in one. A reference without a tag means all tags of its repository,
   * an id is saved without names. What is being saved may be removed meanwhile. @throws not-found
   */
  save(names: readonly string[]): Promise<{ readonly ids: readonly string[]; readonly stream: Readable }>;

  /**
   * Removes every image that nobody uses: dangling ones, with `all` those with names too, as far as `chosen` says.
   * Containers and child images keep an image.
   */
  prune(options: PruneOptions): Promise<{ readonly removed: readonly RemovedImage[]; readonly bytes: number }>;

  /**
   * Takes over what another program, such as `skopeo copy`, has put into the layout. Before every change of the store that
   * happens by itself; two programs that write the index in the same instant are one too many, as the format has no lock.
   */
  refresh(): Promise<void>;

  /** Gives an image one more reference; it moves if another image had it. */
  tag(nameOrId: string, reference: string): Promise<void>;

  /**
   * Docker's `rmi`: a reference is untagged; with its last reference the image goes, and with it the layers
   * that no other image has. `usedBy` names the containers of an image (conflict unless `force`).
   */
  remove(nameOrId: string, options: RemoveImageOptions): Promise<RemovedImage[]>;

  /** Where the layers of an image are. */
  rootfs(imageId: string): LayerStack;

  /** What overlayfs stacks below a container's own layer: the init layer, which `ensureInit` makes, then the image's. */
  containerRootfs(imageId: string): LayerStack;

  /** Makes the init layer of an image, unless it is there. */
  ensureInit(imageId: string): Promise<void>;

  /** Layers of an image, bottom first. */
  layers(nameOrId: string): LayerView[];

  /** An image to be asked about its layers. By its whole id also one that is only kept for a container. @throws not-found */
  layered(nameOrId: string): LayeredImage;

  /** The same with the init layer on top: what a container of the image begins with. */
  layeredForContainers(nameOrId: string): Promise<LayeredImage>;

  /** A directory for what an answer needs while it is made; a start removes what a crash left in it. */
  scratch<T>(task: (directory: string) => Promise<T>): Promise<T>;

  /**
   * One entry of the merged tree of layers 0..position (all layers when undefined, with the init layer for 'init'),
   * undefined when nothing is visible there. No link is followed.
   */
  lookup(nameOrId: string, path: string, position?: number | 'init'): Promise<LayerEntry | undefined>;
}

export interface ImageRecord {
  /** 'sha256:...' of the config. */
  readonly id: string;
  /** Familiar names with tag, for example 'busybox:latest', sorted. Empty: dangling. */
  readonly tags: readonly string[];
  /** 'name@sha256:...' */
  readonly digests: readonly string[];
  readonly config: ImageConfig;
  /** Bytes of the files in all its layers. */
  readonly size: number;
  /** RFC 3339; of the config, else of the load. */
  readonly created: string;
  /** Id of the image that it was committed from. */
  readonly parent?: string;
  /** Images were committed from it. */
  readonly hasChildren: boolean;
}

export interface CommitOptions {
  /** An uncompressed tar with whiteouts as in the OCI image specification. Absent, or of no entry: only the config changes. */
  readonly layer?: AsyncIterable<Buffer>;
  readonly config: RunConfig;
  /** The container of a build step. */
  readonly container?: { readonly id: string; readonly config: NonNullable<ImageConfig['container_config']> };
  readonly author: string;
  readonly comment: string;
  /** What the history says made the layer. */
  readonly createdBy: string;
  /** The whole entry of the history, where it was made before. */
  readonly history?: History;
  readonly reference?: string;
  /** Of an image that is made of none; else it is the parent's. The machine's own when undefined. */
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly signal: AbortSignal;
}

export interface PruneOptions extends Pick<RemoveImageOptions, 'usedBy'> {
  readonly all: boolean;
  chosen(image: ImageRecord): boolean;
}

export interface LoadOptions {
  readonly signal: AbortSignal;
  /** Told of each layer that is new while it is unpacked: bytes of its blob that were read, and all. */
  readonly onLayer?: (layer: { readonly diffId: string; readonly read: number; readonly size: number }) => void;
}

export interface LoadedImage {
  readonly id: string;
  /** References given by the archive; empty when it names none. */
  readonly tags: readonly string[];
  /** Those of them that another image had until now, and its id. */
  readonly moved: readonly { readonly tag: string; readonly from: string }[];
}

export interface ImportOptions {
  readonly reference?: string;
  readonly message?: string;
  /** Dockerfile instructions of `docker import --change`: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR. */
  readonly changes?: readonly string[];
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly signal: AbortSignal;
}

export interface RemoveImageOptions {
  readonly force: boolean;
  /** Untagged parents that nobody else needs go too. */
  readonly prune?: boolean;
  /** Containers that use an image, with whether they run. */
  usedBy(imageId: string): readonly { readonly id: string; readonly running: boolean }[];
}

export type RemovedImage = { readonly Untagged: string } | { readonly Deleted: string };

export interface LayerStack {
  /** Directory that the names in `lowers` are relative to. */
  readonly base: string;
  /** Topmost first; never empty (an image without layers has one empty layer). */
  readonly lowers: readonly string[];
}
