import { randomBytes } from 'node:crypto';
import { access, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, isKind } from '../../base/errors.ts';
import type { LayerEntry } from '../../protocol/layers.ts';
import { syncDirectory } from '../sys/durable.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { invalid } from './errors.ts';
import { resolveInImage } from './image-path.ts';
import type { WantedMount } from './mounts.ts';
import type { StoredRecord } from './record.ts';
import { fillVolume } from './volume-copy.ts';

/** A mount that shows a volume. */
export type VolumeMount = WantedMount & { readonly Name: string };

export function volumeMounts(record: Pick<StoredRecord, 'mounts'>): VolumeMount[] {
  return record.mounts.flatMap((mount) =>
    mount.Type === 'volume' && mount.Name !== undefined ? [{ ...mount, Name: mount.Name }] : [],
  );
}

/** Makes the volumes that a new container asks for; from here on they are held for it. */
export async function makeVolumes(engine: Engine, record: StoredRecord): Promise<void> {
  const mounts = volumeMounts(record);
  const isConfigured = ({ volume }: VolumeMount): boolean => volume?.isConfigured === true;
  for (const mount of mounts.filter(isConfigured)) await sourceIn(engine, record, mount);
  // The config's Volumes come last, as in dockerd.
  const ordered = [...mounts.filter((mount) => !isConfigured(mount)), ...mounts.filter(isConfigured)];
  for (const { Name, volume, anonymous } of ordered) {
    if (volume)
      await engine.volumes.create({ ...volume, name: Name, anonymous: anonymous === true }, { holder: record.id });
    // Another container lends it, which may just go.
    else engine.volumes.hold(Name, record.id);
  }
}

/** A new volume begins with what the image has at its place. */
export async function fillVolumes(engine: Engine, record: StoredRecord): Promise<void> {
  for (const mount of volumeMounts(record)) {
    if (!mount.volume?.copies) continue;
    const from = await sourceIn(engine, record, mount);
    // Nothing there: its device need not be mounted for that.
    if (!from) continue;
    await engine.locks.run(`volume ${mount.Name}`, async () => {
      await engine.volumes.use(mount.Name, record.id);
      try {
        await fillWhenEmpty(engine, record, { mount, from });
      } finally {
        await engine.volumes.leave(mount.Name, record.id);
      }
    });
  }
}

/** What the image has at a volume's place. */
async function sourceIn(engine: Engine, record: StoredRecord, mount: VolumeMount): Promise<LayerEntry | undefined> {
  const found = await resolveInImage(engine.images, record.imageId, mount.Destination);
  if (found && found.type !== 'directory' && mount.volume?.isConfigured) {
    throw invalid(`cannot mount volume over existing file, file exists ${inRoot(record, mount)}`);
  }
  return found;
}

async function fillWhenEmpty(
  engine: Engine,
  record: StoredRecord,
  { mount, from }: { readonly mount: VolumeMount; readonly from: LayerEntry },
): Promise<void> {
  if ((await readdir(mount.Source)).length > 0) return;
  if (from.type !== 'directory') throw invalid(`source ${inRoot(record, mount)} is not directory`);
  await fillVolume(engine, { imageId: record.imageId, from: from.path, into: mount.Source });
}

const inRoot = ({ bundle }: StoredRecord, { Destination }: VolumeMount): string => join(bundle, 'rootfs', Destination);

/** The container is gone, or was never finished. @param options.remove what nobody named goes with it, unless somebody else holds it. */
export async function releaseVolumes(
  engine: Engine,
  record: StoredRecord,
  options: { readonly remove: boolean },
): Promise<void> {
  const mounts = volumeMounts(record);
  for (const { Name } of mounts) engine.volumes.release(Name, record.id);
  for (const { Name, anonymous } of mounts) {
    if (!options.remove || !anonymous) continue;
    await engine.volumes.remove(Name, { force: true }).catch((failure: unknown) => {
      if (!isKind(failure, 'conflict')) throw failure;
    });
  }
}

/** The container starts: its volumes are mounted where they have to be. */
export async function useVolumes(engine: Engine, container: Container): Promise<void> {
  for (const mount of volumeMounts(container.record)) {
    await engine.volumes.use(mount.Name, container.id);
    engine.events.announce({
      type: 'volume',
      action: 'mount',
      id: mount.Name,
      attributes: {
        driver: 'local',
        container: container.id,
        destination: mount.Destination,
        'read/write': String(mount.RW),
        propagation: mount.Propagation,
      },
    });
  }
}

/** For who looks at a container that does not run: what its volumes have mounted is there while the task runs. */
export async function withDevices<T>(
  engine: Engine,
  record: Pick<StoredRecord, 'mounts'>,
  task: () => Promise<T>,
): Promise<T> {
  const visitor = `visit ${randomBytes(8).toString('hex')}`;
  const names = volumeMounts(record).flatMap(({ Name }) => (engine.volumes.find(Name)?.options ? [Name] : []));
  try {
    for (const name of names) await engine.volumes.use(name, visitor);
    return await task();
  } finally {
    // What could not be unmounted is found by the next who uses it.
    for (const name of names) await engine.volumes.leave(name, visitor).catch(() => undefined);
  }
}

/** Its life ended, or did not begin. */
export async function leaveVolumes(engine: Engine, container: Container): Promise<void> {
  const failures: unknown[] = [];
  for (const { Name } of volumeMounts(container.record)) {
    const used = await engine.volumes.leave(Name, container.id).catch((failure: unknown) => {
      failures.push(failure);
      return true;
    });
    if (!used) continue;
    const attributes = { container: container.id, driver: 'local' };
    engine.events.announce({ type: 'volume', action: 'unmount', id: Name, attributes });
  }
  if (failures.length > 0) throw failures[0];
}

/** At start-up, once the container is known. @param options.running it may be. */
export function adoptVolumes(engine: Engine, record: StoredRecord, options: { readonly running: boolean }): void {
  for (const { Name } of volumeMounts(record)) {
    engine.volumes.hold(Name, record.id);
    if (options.running) engine.volumes.adopt(Name, record.id);
  }
}

/** Of what may have run at start-up, and did not: nobody was told that it does. What stays mounted the next who leaves unmounts. */
export async function forgetVolumes(engine: Engine, record: StoredRecord): Promise<void> {
  for (const { Name } of volumeMounts(record)) await engine.volumes.leave(Name, record.id).catch(() => undefined);
}

/** Says beside a record that what nobody named goes with the container: a crash must not change that. */
const marker = 'remove-volumes';

export async function markVolumes(container: Container): Promise<void> {
  if (!volumeMounts(container.record).some(({ anonymous }) => anonymous)) return;
  await writeFile(join(container.directory, marker), '');
  await syncDirectory(container.directory);
}

/** A removal that a crash cut off: the volumes that were to go with the container. */
export async function markedVolumes(directory: string, record: StoredRecord | undefined): Promise<string[]> {
  const isMarked = await access(join(directory, marker)).then(
    () => true,
    () => false,
  );
  if (!isMarked || !record) return [];
  return volumeMounts(record).flatMap(({ Name, anonymous }) => (anonymous ? [Name] : []));
}

/**
 * Engines before this one kept a container's anonymous volumes in its own directory. They move to the others; a
 * container that runs goes on with the same files, which only have another name.
 */
export async function withMovedVolumes(engine: Engine, record: StoredRecord): Promise<StoredRecord> {
  const mounts = await Promise.all(
    record.mounts.map(async (mount): Promise<WantedMount> => {
      const { Name = '', Source } = mount;
      if (mount.Type !== 'volume' || dirname(dirname(Source)) !== record.bundle) return mount;
      const { mountpoint } = await engine.volumes.create({ name: Name, anonymous: true }, { holder: record.id });
      await rename(Source, mountpoint).catch((failure: unknown) => {
        // An earlier start was cut off after this.
        if (errnoOf(failure) !== 'ENOENT') throw failure;
      });
      await syncDirectory(dirname(mountpoint));
      return { ...mount, Source: mountpoint, anonymous: true };
    }),
  );
  return mounts.every((mount, index) => mount === record.mounts[index]) ? record : { ...record, mounts };
}
