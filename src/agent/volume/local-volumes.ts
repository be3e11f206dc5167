import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedLock } from '../../base/async.ts';
import { isKind, messageOf } from '../../base/errors.ts';
import { CleanupStack } from '../../base/lifetime.ts';
import type { FileRoot } from '../files/contract.ts';
import { openFileRoot } from '../files/root.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Shims } from '../shim/contract.ts';
import { removeTrees } from '../shim/remove-tree.ts';
import { removeStaleTemporaries, syncDirectory } from '../sys/durable.ts';
import { treeSizes } from '../sys/tree-size.ts';
import type { Volume, VolumeRequest, VolumeSize, Volumes } from './contract.ts';
import { damagedVolume, noSuchDriver, noSuchVolume, pruneRuns, volumeInUse } from './errors.ts';
import { mountedOf, mountVolume, unmountVolume } from './mounting.ts';
import { checkVolumeName, checkVolumeOptions, volumeMount } from './options.ts';
import { readVolume, saveVolume, type VolumeRecord } from './record.ts';

export interface LocalVolumesParts {
  /** DATA_ROOT */
  readonly root: string;
  readonly shims: Shims;
  readonly host: HostFacts;
  /** Told of volumes that cannot be read. */
  readonly report?: (problem: string) => void;
  /** dockerd's actions: create, destroy, prune. */
  announce(action: string, name: string, attributes: Readonly<Record<string, string>>): void;
}

/** Volume names begin with a letter or a digit: a directory with a dot first is on its way in or out. */
const unfinished = '.new-';
const removing = '.removing-';

/** Volumes of the driver local: directories below `DATA_ROOT/volumes`. */
export class LocalVolumes implements Volumes {
  readonly #parts: LocalVolumesParts;
  readonly #directory: string;
  readonly #volumes = new Map<string, Volume>();
  readonly #holders = new Map<string, Set<string>>();
  readonly #users = new Map<string, Set<string>>();
  /** Names of volumes that have their device mounted. */
  readonly #mounted = new Set<string>();
  /** Why those that are on the disk cannot be used, by name. */
  readonly #damaged = new Map<string, string>();
  readonly #locks = new KeyedLock();
  #pruning = false;

  private constructor(parts: LocalVolumesParts) {
    this.#parts = parts;
    this.#directory = join(parts.root, 'volumes');
  }

  /** Reads what is there and finishes what a crash cut off. */
  static async open(parts: LocalVolumesParts): Promise<LocalVolumes> {
    const opened = new LocalVolumes(parts);
    await opened.#load();
    return opened;
  }

  list(): Volume[] {
    return [...this.#volumes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: string): Volume | undefined {
    return this.#volumes.get(name);
  }

  get(name: string): Volume {
    const found = this.find(name);
    if (!found) throw noSuchVolume(name);
    return found;
  }

  mountpointOf(name: string): string {
    return join(this.#directory, name, '_data');
  }

  check({ name = '', driver = '', options = {} }: VolumeRequest): void {
    if (driver !== '' && driver !== 'local') throw noSuchDriver(name, driver);
    if (this.find(name)) return;
    const damage = this.#damaged.get(name);
    if (damage !== undefined) throw damagedVolume(name, damage);
    checkVolumeName(name);
    checkVolumeOptions(name, options);
  }

  async create(request: VolumeRequest, options: { readonly holder?: string } = {}): Promise<Volume> {
    const name = request.name || newVolumeName();
    const anonymous = request.anonymous === true || !request.name;
    const { labels, options: given } = request;
    return this.#locks.run(name, async () => {
      this.check({ ...request, name });
      const volume =
        this.find(name) ??
        (await this.#make({
          version: 1,
          name,
          createdAt: `${new Date().toISOString().slice(0, 19)}Z`,
          ...(labels && { labels }),
          ...(given && { options: given }),
          anonymous,
        }));
      if (options.holder !== undefined) this.hold(name, options.holder);
      return volume;
    });
  }

  hold(name: string, holder: string): void {
    setOf(this.#holders, name).add(holder);
  }

  release(name: string, holder: string): void {
    takeFrom(this.#holders, name, holder);
  }

  holders(name: string): string[] {
    return [...(this.#holders.get(name) ?? [])];
  }

  async use(name: string, user: string): Promise<Volume> {
    return this.#locks.run(name, async () => {
      const volume = this.get(name);
      const mount = volumeMount(volume.options);
      if (mount && !this.#mounted.has(name)) {
        await mountVolume(this.#parts.shims, mount, volume.mountpoint);
        this.#mounted.add(name);
      }
      setOf(this.#users, name).add(user);
      return volume;
    });
  }

  async leave(name: string, user: string): Promise<boolean> {
    return this.#locks.run(name, async () => {
      const used = takeFrom(this.#users, name, user);
      if (!this.#users.has(name)) await this.#unmount(name);
      return used;
    });
  }

  adopt(name: string, user: string): void {
    setOf(this.#users, name).add(user);
  }

  async settle(): Promise<void> {
    for (const name of [...this.#mounted]) {
      await this.#locks.run(name, async () => {
        // What cannot be unmounted is no reason for everybody else to be without an agent.
        if (!this.#users.has(name)) await this.#unmount(name).catch(() => undefined);
      });
    }
  }

  async remove(name: string, options: { readonly force: boolean }): Promise<void> {
    await this.#locks.run(name, async () => {
      if (!this.find(name) && options.force) return;
      this.get(name);
      const holders = this.holders(name);
      if (holders.length > 0) throw volumeInUse(name, holders);
      await this.#drop(name);
    });
  }

  async prune(
    isWanted: (volume: Volume) => boolean,
    signal: AbortSignal,
  ): Promise<{ removed: string[]; bytes: number }> {
    if (this.#pruning) throw pruneRuns();
    this.#pruning = true;
    const removed: string[] = [];
    let bytes = 0;
    try {
      for (const volume of this.list()) {
        if (signal.aborted) break;
        const hasOptions = Object.keys(volume.options ?? {}).length > 0;
        if (this.#holders.has(volume.name) || hasOptions || !isWanted(volume)) continue;
        try {
          const { apparent } = await this.size(volume.name);
          await this.remove(volume.name, { force: false });
          removed.push(volume.name);
          bytes += apparent;
        } catch (failure) {
          // A container has taken it, or somebody else removed it, in this very moment.
          if (!isKind(failure, 'conflict') && !isKind(failure, 'not-found')) throw failure;
        }
      }
    } finally {
      this.#pruning = false;
    }
    this.#parts.announce('prune', '', { reclaimed: String(bytes) });
    return { removed, bytes };
  }

  async size(name: string): Promise<VolumeSize> {
    return treeSizes(this.get(name).mountpoint);
  }

  async visit<T>(name: string, signal: AbortSignal, task: (root: FileRoot) => Promise<T>): Promise<T> {
    const visitor = `visit ${randomBytes(8).toString('hex')}`;
    const { mountpoint: path } = await this.use(name, visitor);
    try {
      const root = await openFileRoot(this.#parts, { kind: 'directory', path }, { signal });
      try {
        return await task(root);
      } finally {
        await root.close();
      }
    } finally {
      // What could not be unmounted is found by the next who uses it.
      await this.leave(name, visitor).catch(() => undefined);
    }
  }

  async #load(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o701 });
    for (const name of await readdir(this.#directory)) {
      const directory = join(this.#directory, name);
      if (name.startsWith(unfinished) || name.startsWith(removing)) {
        // What cannot be removed is tried again at the next start.
        await removeTrees(this.#parts, [directory]).catch(() => undefined);
        continue;
      }
      try {
        const record = await readVolume(directory);
        if (record.name !== name) throw damagedVolume(directory, `its record names ${record.name}`);
        await removeStaleTemporaries(directory);
        this.#volumes.set(name, this.#volumeOf(record));
      } catch (failure) {
        // Its files stay, and so does its name: nobody gets it for something else.
        this.#damaged.set(name, messageOf(failure));
        this.#parts.report?.(`the volume ${name} is left out: ${messageOf(failure)}`);
      }
    }
    const byMountpoint = new Map(this.list().map(({ mountpoint, name }) => [mountpoint, name]));
    for (const target of await mountedOf(new Set(byMountpoint.keys()))) {
      const name = byMountpoint.get(target);
      if (name !== undefined) this.#mounted.add(name);
    }
  }

  #volumeOf({ version: _, ...record }: VolumeRecord): Volume {
    return { ...record, mountpoint: this.mountpointOf(record.name) };
  }

  /** One rename brings it into the world whole. */
  async #make(record: VolumeRecord): Promise<Volume> {
    const { name } = record;
    const fresh = join(this.#directory, `${unfinished}${name}`);
    const undo = new CleanupStack();
    undo.push(() => removeTrees(this.#parts, [fresh]));
    try {
      await mkdir(fresh, { mode: 0o701 });
      await mkdir(join(fresh, '_data'), { mode: 0o755 });
      await saveVolume(fresh, record);
      await rename(fresh, join(this.#directory, name));
      await syncDirectory(this.#directory);
    } catch (failure) {
      await undo.unwind(failure);
    }
    const volume = this.#volumeOf(record);
    this.#volumes.set(name, volume);
    this.#parts.announce('create', name, { driver: 'local' });
    return volume;
  }

  /** One rename takes it out of the world whole; what follows can be cut off at any point. */
  async #drop(name: string): Promise<void> {
    await this.#unmount(name);
    const doomed = join(this.#directory, `${removing}${randomBytes(8).toString('hex')}`);
    await rename(join(this.#directory, name), doomed);
    await syncDirectory(this.#directory);
    this.#volumes.delete(name);
    this.#parts.announce('destroy', name, { driver: 'local' });
    await removeTrees(this.#parts, [doomed]);
  }

  async #unmount(name: string): Promise<void> {
    const volume = this.find(name);
    if (!volume || !this.#mounted.has(name)) return;
    await unmountVolume(this.#parts.shims, volume.mountpoint);
    this.#mounted.delete(name);
  }
}

/** 64 hex digits, as dockerd names what nobody named. */
export function newVolumeName(): string {
  return randomBytes(32).toString('hex');
}

function setOf(map: Map<string, Set<string>>, key: string): Set<string> {
  const found = map.get(key) ?? new Set();
  map.set(key, found);
  return found;
}

function takeFrom(map: Map<string, Set<string>>, key: string, value: string): boolean {
  const found = map.get(key);
  const had = found?.delete(value) ?? false;
  if (found?.size === 0) map.delete(key);
  return had;
}
