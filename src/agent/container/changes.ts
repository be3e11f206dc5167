import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import type { LayerEntry } from '../../protocol/layers.ts';
import { StackFinder } from '../layers/stack-finder.ts';
import { HeldDirectory } from '../sys/held-directory.ts';
import { bytesOf, nameOf } from '../sys/names.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { OpaqueProbe } from './opaque.ts';

export interface Change {
  readonly Path: string;
  /** 0 modified, 1 added, 2 deleted. */
  readonly Kind: 0 | 1 | 2;
}

const modified = 0;
const added = 1;
const deleted = 2;

/**
 * `docker diff`: the writable layer against the image with the engine's own layer. Only the upper directory is walked; what it does not hold
 * has not changed.
 */
export async function changesOf(engine: Engine, container: Container): Promise<Change[]> {
  const upper = join(container.directory, 'upper');
  const root = await HeldDirectory.open(upper);
  if (!root) return [];
  const opaque = new OpaqueProbe(engine);
  const layers = await engine.images.layeredForContainers(container.record.imageId);
  const image = await StackFinder.open(await layers.indexes(engine.closing));
  try {
    const found = await below({ image, opaque }, { directory: root, path: '', lower: 'merged' });
    return found.sort((a, b) => (a.Path < b.Path ? -1 : a.Path > b.Path ? 1 : 0));
  } finally {
    await root.close();
    await opaque.close();
    await image.close();
  }
}

interface Walk {
  readonly image: StackFinder;
  readonly opaque: OpaqueProbe;
}

/** A directory of the upper layer, and what it means for the image's files of the same directory. */
interface Place {
  readonly directory: HeldDirectory;
  readonly path: string;
  /** merged: they shine through; hidden: they are gone unless named here again; none: there are none. */
  readonly lower: 'merged' | 'hidden' | 'none';
}

/** Nobody can name what lies below a longer path (PATH_MAX), and each level of it would cost a descriptor. */
const longestPath = 4096;

async function below(walk: Walk, place: Place): Promise<Change[]> {
  const found: Change[] = [];
  const seen = new Set<string>();
  // In the order in which the image's tree is walked along.
  const names = (await place.directory.entries()).map(({ name }) => name).sort(Buffer.compare);
  for (const bytes of names) {
    const name = nameOf(bytes);
    const path = place.path === '' ? name : `${place.path}/${name}`;
    const status = await place.directory.status(bytes);
    if (!status) continue;
    seen.add(name);
    const before = place.lower === 'none' ? undefined : (await walk.image.find(path))?.entry();
    for (const change of await changesAt(walk, place, { name: bytes, path, status, before })) found.push(change);
  }
  if (place.lower !== 'hidden') return found;
  for (const name of await walk.image.names(place.path)) {
    if (!seen.has(name)) found.push({ Path: `/${place.path}/${name}`, Kind: deleted });
  }
  return found;
}

async function changesAt(
  walk: Walk,
  place: Place,
  at: {
    readonly name: Buffer;
    readonly path: string;
    readonly status: BigIntStats;
    readonly before: LayerEntry | undefined;
  },
): Promise<Change[]> {
  const { path, status, before } = at;
  const Path = `/${path}`;
  // A whiteout is a character device 0/0, see the kernel's overlayfs documentation.
  if (status.isCharacterDevice() && status.rdev === 0n) return before ? [{ Path, Kind: deleted }] : [];
  if (!status.isDirectory()) {
    if (!before) return [{ Path, Kind: added }];
    return isSame(status, before) ? [] : [{ Path, Kind: modified }];
  }
  const directory = path.length < longestPath ? await place.directory.child(at.name) : undefined;
  try {
    return await changesOfDirectory(walk, { ...at, directory, parent: place });
  } finally {
    await directory?.close();
  }
}

async function changesOfDirectory(
  walk: Walk,
  at: {
    readonly parent: Place;
    readonly directory: HeldDirectory | undefined;
    readonly path: string;
    readonly status: BigIntStats;
    readonly before: LayerEntry | undefined;
  },
): Promise<Change[]> {
  const { path, status, before, directory } = at;
  const Path = `/${path}`;
  const inside = async (lower: Place['lower']): Promise<Change[]> =>
    directory ? await below(walk, { directory, path, lower }) : [];
  if (!before) return [{ Path, Kind: added }, ...(await inside('none'))];
  if (before.type !== 'directory') return [{ Path, Kind: modified }, ...(await inside('none'))];
  const hidden = at.parent.lower === 'hidden' || (directory && (await walk.opaque.isOpaque(directory)));
  const children = await inside(hidden ? 'hidden' : 'merged');
  // As in Docker, a directory counts as modified for what changed in it; its own times do not count.
  return children.length > 0 || !hasSameOwner(status, before) ? [{ Path, Kind: modified }, ...children] : [];
}

function isSame(status: BigIntStats, before: LayerEntry): boolean {
  const type = typeOf(status);
  if (type !== before.type || !hasSameOwner(status, before)) return false;
  if (type === 'char' || type === 'block') {
    const { major = 0, minor = 0 } = before.device ?? {};
    if (status.rdev !== deviceNumber(major, minor)) return false;
  }
  // A symbolic link's size is the length of its target: one that was made anew within the second shows by it.
  const size = type === 'symlink' ? bytesOf(before.link ?? '').length : before.size;
  if ((type === 'file' || type === 'symlink') && status.size !== BigInt(size)) return false;
  const second = 1_000_000_000n;
  const seconds = (status.mtimeNs - (((status.mtimeNs % second) + second) % second)) / second;
  const nanoseconds = Number(status.mtimeNs - seconds * second);
  const then = before.mtimeNs ?? 0;
  // An archive's times may have whole seconds only.
  return seconds === BigInt(before.mtime) && (nanoseconds === then || then === 0 || nanoseconds === 0);
}

function hasSameOwner(status: BigIntStats, before: LayerEntry): boolean {
  const sameMode = status.isSymbolicLink() || Number(status.mode & 0o7777n) === before.mode;
  return sameMode && status.uid === BigInt(before.uid) && status.gid === BigInt(before.gid);
}

function typeOf(status: BigIntStats): LayerEntry['type'] | undefined {
  if (status.isFile()) return 'file';
  if (status.isSymbolicLink()) return 'symlink';
  if (status.isDirectory()) return 'directory';
  if (status.isCharacterDevice()) return 'char';
  if (status.isBlockDevice()) return 'block';
  return status.isFIFO() ? 'fifo' : undefined;
}

/** See makedev(3). */
function deviceNumber(major: number, minor: number): bigint {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return (b & 0xffn) | ((a & 0xfffn) << 8n) | ((b & ~0xffn) << 12n) | ((a & ~0xfffn) << 32n);
}
