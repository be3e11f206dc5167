import { Readable } from 'node:stream';
import { PortholeError } from '../../base/errors.ts';
import type { FileType, LayerEntry } from '../../protocol/layers.ts';
import type { OpenedFile } from '../layers/contract.ts';
import type { IndexWriter } from '../layers/index-writer.ts';
import { bytesOf } from '../sys/names.ts';
import type { FileDescription, FileRoot } from './contract.ts';
import { unlessGone } from './errors.ts';
import { filled } from './filled.ts';
import { checkWhole, isOpaque, isWhiteout, withoutOverlay } from './overlay.ts';

/** What is known of a directory that was described as a layer. */
export interface DirectoryTotals {
  /** Bytes of files and symbolic links, an inode once. */
  readonly size: number;
  readonly entries: number;
  readonly whiteouts: number;
}

/**
 * Describes a directory that overlayfs stacks as the index of a layer. Content is not read, so no entry has a digest. Each
 * entry is what it was when the walk came by; what goes away meanwhile is left out.
 *
 * @throws unsupported for what overlayfs has only a part of.
 */
export async function indexDirectory(
  root: FileRoot,
  { index, signal }: { readonly index: IndexWriter; readonly signal: AbortSignal },
): Promise<DirectoryTotals> {
  const [top] = await root.describe(['/']);
  const walk: Walk = { root, index, signal, names: new Map(), size: 0 };
  if (top?.type === 'directory') {
    await add(walk, { path: '', found: top });
    await below(walk, '');
  }
  const { entries, whiteouts } = await index.finish();
  return { size: walk.size, entries, whiteouts };
}

/**
 * A file of such a directory, for reading, as long as no other file of the root is opened. The root is the kernel's, so it
 * may be changing: what is read is what lies there by then, in the length that the entry says.
 * @throws invalid when the entry is no regular file.
 */
export function openInDirectory(root: FileRoot, entry: LayerEntry): OpenedFile {
  const { path, type, size } = entry;
  if (type !== 'file') throw new PortholeError('invalid', `/${path} is not a regular file but a ${type}`);
  return {
    size,
    entry,
    stream: (range = { start: 0, end: size - 1 }) =>
      Readable.from(contentOf(root, `/${path}`, range), { objectMode: false, highWaterMark: 1 << 18 }),
  };
}

async function* contentOf(
  root: FileRoot,
  path: string,
  range: { readonly start: number; readonly end: number },
): AsyncGenerator<Buffer> {
  const length = range.end - range.start + 1;
  if (length <= 0) return;
  const file = await root.open(path);
  const end = Math.min(range.end, file.status.size - 1);
  yield* filled(end < range.start ? nothing() : file.pieces({ start: range.start, end }), length);
}

async function* nothing(): AsyncGenerator<Buffer> {}

interface Walk {
  readonly root: FileRoot;
  readonly index: IndexWriter;
  readonly signal: AbortSignal;
  /** First name of each inode that has several. */
  readonly names: Map<string, string>;
  size: number;
}

const perTurn = 256;
/** Nobody can name what lies below a longer path (PATH_MAX with its NUL and the slash in front). */
const longestPath = 4094;

async function below(walk: Walk, directory: string): Promise<void> {
  const names = inOrder((await unlessGone(walk.root.names(`/${directory}`))) ?? []);
  const paths = names
    .map((name) => (directory === '' ? name : `${directory}/${name}`))
    .filter((path) => path.length * 3 <= longestPath || bytesOf(path).length <= longestPath);
  for (let first = 0; first < paths.length; first += perTurn) {
    walk.signal.throwIfAborted();
    const some = paths.slice(first, first + perTurn);
    const descriptions = await walk.root.describe(some.map((path) => `/${path}`));
    for (const [position, path] of some.entries()) {
      const found = descriptions[position];
      if (!found) continue;
      await add(walk, { path, found });
      if (found.type === 'directory') await below(walk, path);
    }
  }
}

/** As an index has them, which is by their bytes. Only surrogates make another order of a comparison of text. */
function inOrder(names: string[]): string[] {
  if (!names.some((name) => /[\uD800-\uDFFF]/.test(name))) return names;
  return names
    .map((name) => ({ name, bytes: bytesOf(name) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ name }) => name);
}

async function add(walk: Walk, { path, found }: { path: string; found: FileDescription }): Promise<void> {
  const { type } = found;
  // Nothing that an image can hold lies under the name of a socket.
  if (type === 'socket' || isWhiteout(found)) return await walk.index.addWhiteout(path);
  checkWhole(path, found.xattrs);
  const hasNames = type !== 'directory' && found.inode !== '';
  const first = hasNames ? walk.names.get(found.inode) : undefined;
  if (hasNames && first === undefined) walk.names.set(found.inode, path);
  if (first === undefined) {
    walk.size += type === 'file' ? found.size : type === 'symlink' ? Buffer.byteLength(found.link) : 0;
  }
  const holes = type === 'file' && found.stored < found.size ? await holesOf(walk.root, path, found.size) : 0;
  await walk.index.add(entryOf(path, found, { type, first, holes }), { linked: hasNames });
}

function entryOf(
  path: string,
  found: FileDescription,
  parts: { readonly type: FileType; readonly first: string | undefined; readonly holes: number },
): LayerEntry {
  const { mode, uid, gid, size, mtime, link, major, minor } = found;
  const { type, first, holes } = parts;
  const xattrs = [...withoutOverlay(found.xattrs)].map(([name, value]) => [name, value.toString('base64')] as const);
  return {
    ...{ path, type, mode, uid, gid, size: type === 'file' ? size : 0, mtime: mtime.seconds },
    ...(mtime.nanoseconds !== 0 && { mtimeNs: mtime.nanoseconds }),
    ...(type === 'symlink' && { link }),
    ...((type === 'char' || type === 'block') && { device: { major, minor } }),
    ...(xattrs.length > 0 && { xattrs: Object.fromEntries(xattrs) }),
    ...(holes > 0 && { holes }),
    ...(first !== undefined && { hardlink: first }),
    ...(type === 'directory' && isOpaque(found.xattrs) && { opaque: true as const }),
  };
}

/** Bytes of a file that are not stored; never more than it was said to have. */
async function holesOf(root: FileRoot, path: string, size: number): Promise<number> {
  const file = await unlessGone(root.open(`/${path}`));
  return Math.min(size, (await file?.holes()) ?? 0);
}
