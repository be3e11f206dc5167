import { posix } from 'node:path';
import { PortholeError } from '../../base/errors.ts';
import { isWithin } from '../../base/paths.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO } from '../plan/flags.ts';
import type { Operation } from '../plan/operations.ts';
import { type Piece, readTar, type TarEntry } from '../store/tar.ts';
import type { FileRoot } from './contract.ts';
import { why } from './enter.ts';
import { KnownNames } from './known-names.ts';
import { Underway } from './underway.ts';

export interface ExtractOptions {
  /** A directory of the root, without links in its path. */
  readonly into: string;
  /** Nothing that is no directory takes the place of a directory, nor the other way round. */
  readonly keepKinds: boolean;
  /** Everything belongs to them; undefined: to whom the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Links may lead anywhere: nothing follows them outside of the root. */
  readonly anyLinks?: true;
  /** Names that lead out of `into` lead to the same below it, as they do in a chroot. */
  readonly confined?: true;
  /** Nobody else changes the root meanwhile: what lies in a directory need not be asked for each name. */
  readonly alone?: true;
  /** The owner is set once more at the end, which takes setuid bits and capabilities away, as dockerd's builder does. */
  readonly ownedLast?: true;
}

/**
 * Unpacks an archive over what is there, by Docker's rules for `docker cp`: directories are merged, whatever else has the
 * name of an entry is replaced, missing directories are made.
 *
 * @throws invalid for an archive that is broken or names something outside of `into`; FileFailure.
 */
export async function extract(
  root: FileRoot,
  archive: AsyncIterable<Uint8Array>,
  options: ExtractOptions,
): Promise<void> {
  await extractEntries(root, readTar(archive), options);
}

/** One thing to be unpacked. */
export type ExtractedEntry = Omit<TarEntry, 'body' | 'rawMode'> & { body(): AsyncIterable<Piece> };

/** The same with entries that are read already. */
export async function extractEntries(
  root: FileRoot,
  entries: AsyncIterable<ExtractedEntry>,
  options: ExtractOptions,
): Promise<void> {
  const directories: { readonly path: string; readonly entry: ExtractedEntry }[] = [];
  const way: Way = { parent: undefined, names: options.alone && new KnownNames(root) };
  const underway = new Underway(root);
  for await (const entry of entries) {
    const path = placeOf(entry.name, options);
    if (!(await makeWay(root, entry, { path, options, way }))) continue;
    await make(underway, entry, { path, options });
    if (entry.type === 'directory') directories.push({ path, entry });
  }
  // Whatever was put into a directory has changed its time.
  for (const { path, entry } of directories.reverse()) {
    await underway.all([{ op: 'openDirectory', path, why }, timesOf(entry, '')], path);
  }
  await underway.settled();
}

/** @throws invalid in Docker's words. */
function placeOf(name: string, { into, confined }: ExtractOptions): string {
  const clean = confined ? posix.join('/', name) : posix.normalize(name);
  const path = posix.join(into, clean);
  if (clean === '..' || clean.startsWith('../') || !isWithin(path, into)) {
    throw new PortholeError('invalid', `${JSON.stringify(clean)} is outside of ${JSON.stringify(into)}`);
  }
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}

interface At {
  readonly path: string;
  readonly options: ExtractOptions;
}

interface Way {
  /** Where something was put last: it is there, and the next entry is in it too, most of the time. */
  parent: string | undefined;
  readonly names: KnownNames | undefined;
}

/** @returns false when the entry means the directory that is unpacked into: it stays as it is. */
async function makeWay(
  root: FileRoot,
  entry: ExtractedEntry,
  { path, options, way }: At & { readonly way: Way },
): Promise<boolean> {
  const there = (await way.names?.isFree(path)) ? undefined : await root.status(path);
  way.names?.take(path, { isNewDirectory: !there && entry.type === 'directory' });
  const parent = posix.dirname(path);
  if (!there) {
    if (parent !== way.parent && !(await root.status(parent))) {
      await root.do({ op: 'mkdirs', path: parent, mode: 0o755, why });
    }
    way.parent = parent;
    return true;
  }
  const wasDirectory = there.type === 'directory';
  const isDirectory = entry.type === 'directory';
  if (options.keepKinds && wasDirectory !== isDirectory) {
    const [over, by] = wasDirectory ? ['directory', 'non-directory'] : ['non-directory', 'directory'];
    throw new PortholeError(
      'invalid',
      `cannot overwrite ${over} ${JSON.stringify(path)} with ${by} ${JSON.stringify(options.into)}`,
    );
  }
  if (wasDirectory && path === options.into) return false;
  if (!wasDirectory || !isDirectory) {
    await root.remove(path);
    way.parent = undefined;
    way.names?.forget();
  }
  return true;
}

async function make(root: Underway, entry: ExtractedEntry, { path, options }: At): Promise<void> {
  const { uid, gid } = options.owner ?? entry;
  switch (entry.type) {
    case 'directory':
      await root.all(
        [
          { op: 'mkdir', path, mode: 0o700, tolerate: ['EEXIST'], why },
          { op: 'openDirectory', path, why },
          ...attributesOfOpen(entry, { uid, gid }),
          ...lastOwner({ uid, gid }, options),
        ],
        path,
      );
      return;
    case 'file':
      await makeFile(root, entry, {
        path,
        last: [...attributesOfOpen(entry, { uid, gid }), timesOf(entry, ''), ...lastOwner({ uid, gid }, options)],
      });
      return;
    case 'link':
      await root.all([{ op: 'link', target: linkTarget(entry, options), path, why }], path);
      return;
    case 'symlink':
      if (!options.anyLinks) checkLink(entry, { path, options });
      await root.all(
        [{ op: 'symlink', target: entry.link, path, why }, { op: 'chown', path, uid, gid, why }, timesOf(entry, path)],
        path,
      );
      return;
    default:
      await root.all(
        [
          { op: 'mknod', path, mode: nodes[entry.type] | entry.mode, major: entry.major, minor: entry.minor, why },
          { op: 'chown', path, uid, gid, why },
          timesOf(entry, path),
        ],
        path,
      );
  }
}

const nodes = { char: S_IFCHR, block: S_IFBLK, fifo: S_IFIFO } as const;
const largestAppend = 1 << 20;
const mostWaiting = 256;

/**
 * A file with its content and what it gets at the end. What a small one takes is one question: where the file cannot be made,
 * none is open, so that nothing of it reaches another one. Of a large one each part is one, and the next need not wait for it.
 */
async function makeFile(
  root: Underway,
  entry: ExtractedEntry,
  { path, last }: { readonly path: string; readonly last: readonly Operation[] },
): Promise<void> {
  let waiting: Operation[] = [{ op: 'file', path, mode: 0o600, why }];
  let bytes = 0;
  let size = 0;
  const put = async (operation: Operation, length: number): Promise<void> => {
    waiting.push(operation);
    bytes += length;
    if (bytes < largestAppend && waiting.length < mostWaiting) return;
    await root.all(waiting, path);
    waiting = [];
    bytes = 0;
  };
  for await (const piece of entry.body()) {
    if ('hole' in piece) {
      size += piece.hole;
      await put({ op: 'extend', size: BigInt(size), why }, 0);
      continue;
    }
    for (let at = 0; at < piece.length; at += largestAppend) {
      const data = piece.subarray(at, at + largestAppend);
      await put({ op: 'append', data, why }, data.length);
    }
    size += piece.length;
  }
  await root.all([...waiting, ...last], path);
}

/** chown(2) clears setuid bits and capabilities: it comes first. Through the open file, whose name may be another's by now. */
function attributesOfOpen(
  entry: ExtractedEntry,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): Operation[] {
  const path = '';
  return [
    { op: 'chown', path, uid, gid, why },
    { op: 'chmod', path, mode: entry.mode, why },
    ...[...entry.xattrs]
      .filter(([name]) => !name.startsWith('trusted.'))
      .map(
        ([name, value]): Operation => ({ op: 'setxattr', path, name, value, tolerate: ['EOPNOTSUPP', 'EPERM'], why }),
      ),
  ];
}

function lastOwner(owner: { readonly uid: number; readonly gid: number }, { ownedLast }: ExtractOptions): Operation[] {
  return ownedLast ? [{ op: 'chown', path: '', ...owner, why }] : [];
}

function timesOf({ mtime }: ExtractedEntry, path: string): Operation {
  return {
    op: 'utimens',
    path,
    seconds: BigInt.asUintN(64, BigInt(mtime.seconds)),
    nanoseconds: mtime.nanoseconds,
    why,
  };
}

function linkTarget({ link }: ExtractedEntry, { into, confined }: ExtractOptions): string {
  const target = posix.join(into, confined ? posix.join('/', link) : link);
  if (isWithin(target, into)) return target;
  throw new PortholeError('invalid', `invalid hardlink ${JSON.stringify(target)} -> ${JSON.stringify(link)}`);
}

/** Docker lets no link of an archive leave the directory that it is unpacked into. */
function checkLink({ link }: ExtractedEntry, { path, options }: At): void {
  if (isWithin(posix.join(posix.dirname(path), link), options.into)) return;
  throw new PortholeError('invalid', `invalid symlink ${JSON.stringify(path)} -> ${JSON.stringify(link)}`);
}
