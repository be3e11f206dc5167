import { posix } from 'node:path';
import type { LayerEntry } from '../../protocol/layers.ts';
import { type TarItem, writeTar } from './tar-writer.ts';

/** Counts up when what is in the layer changes: a newer agent makes a new one for containers that start from then on. */
const revision = 1;

/** Stands for the digest of the layer's tar, whose times nobody knows before it is made: its name is known by what it lies on. */
export const initDiffId = `sha256:${String(revision).padStart(64, '0')}`;

/**
 * What every container finds whatever its image has, as in dockerd: the mark by which programs know that they are in a
 * container, and places for what is mounted over them. Programs, images and `docker export` count on it.
 */
const places: readonly (readonly [path: string, what: 'directory' | 'file' | { readonly link: string }])[] = [
  ['.dockerenv', 'file'],
  ['dev/console', 'file'],
  ['dev/pts', 'directory'],
  ['dev/shm', 'directory'],
  ['etc/hostname', 'file'],
  ['etc/hosts', 'file'],
  ['etc/mtab', { link: '/proc/mounts' }],
  ['etc/resolv.conf', 'file'],
  ['proc', 'directory'],
  ['sys', 'directory'],
];

/**
 * The engine's own layer on top of an image, as a tar. A directory that the image has stays, at a place and on the way to it;
 * whatever else is there gives way, links above all: what is mounted is to be there and nowhere else.
 *
 * @param lookup what the image has at a path
 */
export const initLayer = (lookup: (path: string) => Promise<LayerEntry | undefined>, now: Date) =>
  writeTar(items(lookup, Math.floor(now.getTime() / 1000)));

async function* items(
  lookup: (path: string) => Promise<LayerEntry | undefined>,
  seconds: number,
): AsyncGenerator<TarItem> {
  const parents = new Set(['.']);
  for (const [path, what] of places) {
    if (isDirectory(await lookup(path))) continue;
    const parent = posix.dirname(path);
    if (!parents.has(parent)) {
      parents.add(parent);
      const found = await lookup(parent);
      yield { ...item(parent, 'directory', seconds), ...(isDirectory(found) && attributes(found)) };
    }
    yield typeof what === 'string' ? item(path, what, seconds) : { ...item(path, 'symlink', seconds), ...what };
  }
}

function item(name: string, type: TarItem['type'], seconds: number): TarItem {
  const mtime = { seconds, nanoseconds: 0 };
  return { name, type, mode: 0o755, uid: 0, gid: 0, size: 0, mtime, link: '', major: 0, minor: 0, xattrs: new Map() };
}

/** Of two directories the upper one's attributes are seen. */
function attributes({ mode, uid, gid, xattrs = {} }: LayerEntry): Partial<TarItem> {
  const values = Object.entries(xattrs).map(([name, value]) => [name, Buffer.from(value, 'base64')] as const);
  return { mode, uid, gid, xattrs: new Map(values) };
}

const isDirectory = (entry: LayerEntry | undefined): entry is LayerEntry => entry?.type === 'directory';
