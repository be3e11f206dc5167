import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { PortholeError } from '../../base/errors.ts';
import type { FileRoot, FileStatus } from '../files/contract.ts';
import { extract } from '../files/extract.ts';
import { treeItems } from '../files/tree.ts';
import { abortable } from '../store/streams.ts';
import { writeTar } from '../store/tar-writer.ts';
import type { Container } from './container.ts';
import type { PathStatus } from './contract.ts';
import { announce, type Engine } from './engine.ts';
import { conflict, invalid } from './errors.ts';
import { openRootOf } from './roots.ts';
import { hasProcess } from './state.ts';
import { accountAtStart, accountInside } from './users.ts';
import { visit } from './visit.ts';

const notFound = (path: string, given: string) =>
  new PortholeError('not-found', `Could not find the file ${path} in container ${given}`);

interface At {
  readonly path: string;
  /** The container as the client named it. */
  readonly given: string;
  readonly signal: AbortSignal;
}

/** What lies at a path (HEAD archive). */
export async function statPath(engine: Engine, container: Container, at: At): Promise<PathStatus> {
  const root = await openRootOf(engine, container, { signal: at.signal });
  try {
    return (await find(root, at)).stat;
  } finally {
    await root.close();
  }
}

/** A file or directory as an archive (GET archive). The stream ends the root that it reads from, also when it is destroyed. */
export async function readArchive(
  engine: Engine,
  container: Container,
  at: At,
): Promise<{ readonly stat: PathStatus; readonly stream: Readable }> {
  const root = await openRootOf(engine, container, { signal: at.signal });
  try {
    const { stat, path, absolute } = await find(root, at);
    const name = absolute === '/' ? '' : posix.basename(absolute);
    const stream = streamOf(root, { path, name });
    announce(engine, container, 'archive-path');
    return { stat, stream };
  } catch (failure) {
    await root.close();
    throw failure;
  }
}

/** Everything in the container's own root file system, without volumes (`docker export`). */
export async function exportRoot(engine: Engine, container: Container, signal: AbortSignal): Promise<Readable> {
  const { status } = container.record.state;
  if (status === 'dead') throw conflict(`You cannot export container ${container.id} which is Dead`);
  if (status === 'removing') throw conflict(`You cannot export container ${container.id} which is being removed`);
  const root = await openRootOf(engine, container, { signal, alone: true });
  announce(engine, container, 'export');
  return streamOf(root, { path: '/', name: undefined });
}

/** Unpacks an archive into a directory (PUT archive). */
export async function writeArchive(
  engine: Engine,
  container: Container,
  options: At & { readonly archive: Readable; readonly keepKinds: boolean; readonly ownUser: boolean },
): Promise<void> {
  const { path, signal } = options;
  await visit(engine, container, { writable: true, signal }, async ({ root, checkWritable }) => {
    const into = await root.resolve(path);
    const there = await root.status(into);
    if (!there) throw notFound(path, options.given);
    if (there.type !== 'directory') throw invalid('extraction point is not a directory');
    checkWritable(into);
    const owner = options.ownUser ? await ownerOf(engine, container) : undefined;
    const sent = abortable(options.archive, { signal, doing: 'copy into the container' });
    const archive = engine.images.limits.decompressed(sent, 'the whole');
    await extract(root, archive, { into, keepKinds: options.keepKinds, ...(owner && { owner }) });
  });
  announce(engine, container, 'extract-to-dir');
}

interface Found {
  readonly stat: PathStatus;
  /** Without links in its directories. */
  readonly path: string;
  /** As asked for, with a slash or `/.` at its end kept. */
  readonly absolute: string;
}

/**
 * By Docker's rules: links are followed on the way, the last name only when a slash follows it; of a link it is also told
 * where it leads.
 */
async function find(root: FileRoot, { path: asked, given }: At): Promise<Found> {
  const absolute = absoluteOf(asked);
  const whole = absolute.endsWith('/') || absolute.endsWith('/.');
  const parent = await root.resolve(whole ? absolute : posix.dirname(absolute));
  const path = whole ? parent : posix.join(parent, posix.basename(absolute));
  const status = await root.status(path);
  if (!status || (whole && status.type !== 'directory')) throw notFound(asked, given);
  const linkTarget = status.type === 'symlink' ? await root.resolve(absolute) : '';
  return { path, absolute, stat: pathStatus(status, { name: posix.basename(absolute) || '/', linkTarget }) };
}

function absoluteOf(path: string): string {
  const clean = posix.join('/', path).replace(/(?<=.)\/$/, '');
  if (posix.basename(path) === '.') return clean === '/' ? '/.' : `${clean}/.`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

function pathStatus(
  status: FileStatus,
  { name, linkTarget }: { readonly name: string; readonly linkTarget: string },
): PathStatus {
  const { seconds, nanoseconds } = status.mtime;
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0').replace(/0+$/, '')}`;
  return {
    name,
    size: status.size,
    mode: goMode(status),
    mtime: `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction}Z`,
    linkTarget,
  };
}

/** As Go's os.FileMode has the bits. */
function goMode({ type, mode }: FileStatus): number {
  const special = (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
  return goTypes[type] + special + (mode & 0o777);
}

const goTypes: Readonly<Record<FileStatus['type'], number>> = {
  file: 0,
  directory: 2 ** 31,
  symlink: 2 ** 27,
  block: 2 ** 26,
  char: 2 ** 26 + 2 ** 21,
  fifo: 2 ** 25,
  socket: 2 ** 24,
};

function streamOf(root: FileRoot, top: { readonly path: string; readonly name: string | undefined }): Readable {
  const pieces = writeTar(treeItems(root, top));
  const stream = Readable.from(pieces, { objectMode: false, highWaterMark: 1 << 17 });
  // Not in the generator: one that nobody has asked for anything is never told of its end.
  stream.once('close', () => void root.close());
  return stream;
}

/** `docker cp -a`: whoever the container runs as. */
async function ownerOf(engine: Engine, container: Container): Promise<{ uid: number; gid: number } | undefined> {
  const user = container.record.config.User ?? '';
  if (user === '') return undefined;
  const { state } = container.record;
  return hasProcess(state.status)
    ? (await accountInside(engine, container, { user, pid: state.pid, fresh: true })).account
    : await accountAtStart(engine, container);
}
