import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.ts';
import type { LayerEntry } from '../../protocol/layers.ts';
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

/** Mount points that the engine makes where an image has none; dockerd keeps them in a layer of its own. */
const engineDirectories = new Set(['dev', 'proc', 'sys']);
const engineFiles = new Set(['etc/hosts', 'etc/hostname', 'etc/resolv.conf']);

/**
 * `docker diff`: the writable layer against the image. Only the upper directory is walked; what it does not hold
 * has not changed.
 */
export async function changesOf(engine: Engine, container: Container): Promise<Change[]> {
  const image = new Map((await engine.images.merged(container.record.imageId)).map((entry) => [entry.path, entry]));
  const upper = join(container.directory, 'upper');
  const opaque = new OpaqueProbe(engine, upper);
  try {
    const found = await below({ upper, image, opaque }, { path: '', lower: 'merged' });
    return found.sort((a, b) => (a.Path < b.Path ? -1 : a.Path > b.Path ? 1 : 0));
  } finally {
    await opaque.close();
  }
}

interface Walk {
  readonly upper: string;
  readonly image: ReadonlyMap<string, LayerEntry>;
  readonly opaque: OpaqueProbe;
}

/** A directory of the upper layer, and what it means for the image's files of the same directory. */
interface Place {
  readonly path: string;
  /** merged: they shine through; hidden: they are gone unless named here again; none: there are none. */
  readonly lower: 'merged' | 'hidden' | 'none';
}

async function below(walk: Walk, place: Place): Promise<Change[]> {
  const names = await namesIn(join(walk.upper, place.path));
  const found: Change[] = [];
  const seen = new Set<string>();
  for (const name of names) {
    const path = place.path === '' ? name : `${place.path}/${name}`;
    const status = await statusOf(join(walk.upper, path));
    if (!status) continue;
    seen.add(path);
    const before = place.lower === 'none' ? undefined : walk.image.get(path);
    found.push(...(await changesAt(walk, { path, status, before, lower: place.lower })));
  }
  if (place.lower !== 'hidden') return found;
  const prefix = `${place.path}/`;
  for (const path of walk.image.keys()) {
    const isChild = path.startsWith(prefix) && !path.includes('/', prefix.length);
    if (isChild && !seen.has(path)) found.push({ Path: `/${path}`, Kind: deleted });
  }
  return found;
}

async function changesAt(
  walk: Walk,
  at: {
    readonly path: string;
    readonly status: BigIntStats;
    readonly before: LayerEntry | undefined;
    readonly lower: Place['lower'];
  },
): Promise<Change[]> {
  const { path, status, before } = at;
  const Path = `/${path}`;
  // A whiteout is a character device 0/0, see the kernel's overlayfs documentation.
  if (status.isCharacterDevice() && status.rdev === 0n) return before ? [{ Path, Kind: deleted }] : [];
  if (!before) {
    if (isEngines(path, status)) return [];
    const inside = status.isDirectory() ? await below(walk, { path, lower: 'none' }) : [];
    if (path === 'etc' && (await holdsEngineFiles(walk.upper))) {
      return inside.length > 0 ? [{ Path, Kind: modified }, ...inside] : [];
    }
    return [{ Path, Kind: added }, ...inside];
  }
  if (!status.isDirectory()) return isSame(status, before) ? [] : [{ Path, Kind: modified }];
  if (before.type !== 'directory') {
    return [{ Path, Kind: modified }, ...(await below(walk, { path, lower: 'none' }))];
  }
  const hidden = at.lower === 'hidden' || (await walk.opaque.isOpaque(path));
  const inside = await below(walk, { path, lower: hidden ? 'hidden' : 'merged' });
  // As in Docker, a directory counts as modified for what changed in it; its own times do not count.
  return inside.length > 0 || !hasSameOwner(status, before) ? [{ Path, Kind: modified }, ...inside] : [];
}

function isEngines(path: string, status: BigIntStats): boolean {
  if (engineDirectories.has(path)) return status.isDirectory();
  return engineFiles.has(path) && status.isFile() && status.size === 0n;
}

async function holdsEngineFiles(upper: string): Promise<boolean> {
  const found = await Promise.all([...engineFiles].map((file) => statusOf(join(upper, file))));
  return found.some((status) => status !== undefined);
}

function isSame(status: BigIntStats, before: LayerEntry): boolean {
  const type = typeOf(status);
  if (type !== before.type || !hasSameOwner(status, before)) return false;
  if (type === 'char' || type === 'block') {
    const { major = 0, minor = 0 } = before.device ?? {};
    if (status.rdev !== deviceNumber(major, minor)) return false;
  }
  if (type === 'file' && status.size !== BigInt(before.size)) return false;
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

/** The container may run and take away what was just listed. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (failure) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(failure) ?? '')) return [];
    throw failure;
  }
}

async function statusOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (failure) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(failure) ?? '')) return undefined;
    throw failure;
  }
}
