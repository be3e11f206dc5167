import type { FileRoot } from '../files/contract.ts';

/**
 * Volumes: directories with a name and a life of their own, which containers mount.
 *
 * A volume's files are in `DATA_ROOT/volumes/NAME/_data`, what the engine knows of it beside them in `volume.json`.
 * A container *holds* a volume from its creation to its removal: what is held is not removed. A container that runs
 * has it *in use*: a volume with driver options (type, device, o) is mounted on its `_data` while somebody does.
 *
 * @example
 * const volume = await volumes.create({ name: 'db' }, { holder: id });
 * const path = await volumes.use('db', id);     // the container starts: path is volume.mountpoint, mounted if it has to be
 * await volumes.leave('db', id);                // it ended
 * volumes.release('db', id);                    // it was removed
 * await volumes.remove('db', { force: false });
 */
export interface Volumes {
  /** Sorted by name. */
  list(): Volume[];
  /** @throws not-found `get NAME: no such volume`. */
  get(name: string): Volume;
  find(name: string): Volume | undefined;
  /** Where the files of a volume of this name are, whether there is one or not. */
  mountpointOf(name: string): string;
  /** @throws what `create` would refuse. */
  check(request: VolumeRequest): void;
  /**
   * Makes a volume, or answers with the one that has the name already, as dockerd does whatever its options are.
   * @param options.holder id of the container that it is made for.
   * @throws invalid for a bad name or option; not-found for another driver than local.
   */
  create(request: VolumeRequest, options?: { readonly holder?: string }): Promise<Volume>;
  /** Says who holds a volume that may not even be there: records of containers are read at start-up. */
  hold(name: string, holder: string): void;
  release(name: string, holder: string): void;
  /** Ids of the containers that hold it. */
  holders(name: string): string[];
  /** Makes the volume's files reachable at its mountpoint. @throws internal in dockerd's words when it cannot be mounted. */
  use(name: string, user: string): Promise<Volume>;
  /** The last one to leave has it unmounted. False: this one did not use it. */
  leave(name: string, user: string): Promise<boolean>;
  /** At start-up: a container that was found running has it in use; nothing is mounted for it. */
  adopt(name: string, user: string): void;
  /** At start-up, after every `adopt`: unmounts what nobody uses, which a crash may have left. */
  settle(): Promise<void>;
  /** @throws not-found (unless `force`), conflict while a container holds it. */
  remove(name: string, options: { readonly force: boolean }): Promise<void>;
  /** Removes what nobody holds, has no driver options and is wanted. @throws conflict while another prune runs. */
  prune(isWanted: (volume: Volume) => boolean, signal: AbortSignal): Promise<{ removed: string[]; bytes: number }>;
  /** Bytes of the files in it, hard links once: as they say, and as they take up on the disk. */
  size(name: string): Promise<VolumeSize>;
  /** Reaches its files from inside it; its device is mounted meanwhile. @throws not-found */
  visit<T>(name: string, signal: AbortSignal, task: (root: FileRoot) => Promise<T>): Promise<T>;
}

export interface VolumeRequest {
  /** '' or absent: an anonymous volume, named by 64 hex digits. */
  readonly name?: string;
  /** The name is one that the engine made up. */
  readonly anonymous?: boolean;
  /** '' and 'local' are the same. */
  readonly driver?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Volume {
  readonly name: string;
  /** Absolute, on the host. */
  readonly mountpoint: string;
  /** RFC 3339, in whole seconds. */
  readonly createdAt: string;
  /** Undefined when nobody gave any, which Docker shows as null. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  /** Named by the engine: `docker rm -v` takes it along. */
  readonly anonymous: boolean;
}

export interface VolumeSize {
  readonly apparent: number;
  readonly disk: number;
}
