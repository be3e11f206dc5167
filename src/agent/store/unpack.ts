import { createHash } from 'node:crypto';
import type { FileType, LayerEntry, LayerIndex } from '../../protocol/layers.ts';
import type { Executor } from '../shim/contract.ts';
import { invalidArchive } from './errors.ts';
import { type Inode, LayerTree, longestPath, type Place, tooLong } from './layer-tree.ts';
import { LayerWriter } from './layer-writer.ts';
import { readTar, type TarEntry } from './tar.ts';

/**
 * Unpacks the tar of a changeset and describes it. Every operation goes to an executor whose root is the layer's
 * directory, so nothing that the archive says can reach outside.
 *
 * @throws invalid for a hostile or broken archive; the failures of `source` and of the executor as they are.
 */
export async function unpack(
  source: AsyncIterable<Uint8Array>,
  into: {
    readonly executor: Executor;
    readonly lower: Lower;
    readonly mostEntries?: number;
    readonly mostTexts?: number;
    /** The engine is no root, see `LayerWriter`. */
    readonly rootless?: boolean;
  },
): Promise<LayerIndex> {
  const { executor, lower, mostEntries = largestLayer, mostTexts = largestTexts } = into;
  const tree = new LayerTree();
  const writer = new LayerWriter(executor, { rootless: into.rootless ?? false });
  let count = 0;
  let texts = 0;
  for await (const entry of readTar(source)) {
    if (++count > mostEntries) throw invalidArchive(`it has more than ${mostEntries} entries`);
    texts += textsOf(entry);
    if (texts > mostTexts) throw invalidArchive('its names, links and attributes are too long together');
    await unpackEntry(entry, { tree, writer });
  }
  const index = await settle(tree, lower);
  await writer.finish(index);
  return index;
}

/** What the layers below show. */
export interface Lower {
  lookup(path: string): Promise<LayerEntry | undefined>;
  /** Names in the root. */
  names(): Promise<string[]>;
}

/** Brings a layer into the form in which overlayfs shows what the archive means. */
async function settle(tree: LayerTree, lower: Lower): Promise<LayerIndex> {
  if (tree.root.opaque) tree.spreadOpaqueRoot(await lower.names());
  for (const { path, covered, forget } of tree.whiteouts()) {
    // In a directory that hides nothing, overlayfs lists the name of a whiteout and then cannot find it.
    if (covered || !(await lower.lookup(path))) forget();
  }
  const inherited = new Map<string, Inode>();
  // A directory that the archive only implies keeps its owner, mode and time.
  for (const path of tree.undescribed()) {
    const entry = await lower.lookup(path);
    if (entry?.type === 'directory') inherited.set(path, inodeOf(entry));
  }
  return tree.index((path) => inherited.get(path) ?? impliedDirectory);
}

/** Entries of one layer: about a gigabyte of memory. Debian's largest packages together have fewer. */
export const largestLayer = 1_000_000;
/** Bytes of all names, links and attributes, which stay in memory until the layer is written. */
const largestTexts = 2 ** 28;

function textsOf({ name, link, xattrs }: TarEntry): number {
  let bytes = name.length + link.length;
  for (const [key, value] of xattrs) bytes += key.length + value.length;
  return bytes;
}

const whiteoutPrefix = '.wh.';
const opaqueMarker = '.wh..wh..opq';
/** Other names that aufs kept for itself, such as '.wh..wh.plnk'. */
const reservedPrefix = '.wh..wh.';

interface Target {
  readonly tree: LayerTree;
  readonly writer: LayerWriter;
}

async function unpackEntry(entry: TarEntry, target: Target): Promise<void> {
  const components = componentsOf(entry.name);
  const base = components.at(-1);
  if (base === undefined) {
    if (entry.type !== 'directory') throw invalidArchive(`the root directory is a ${entry.type}`);
    target.tree.root.inode = await describe(entry, target.writer);
    return;
  }
  if (components.slice(0, -1).some((part) => part.startsWith(whiteoutPrefix))) {
    if (components.some((part) => part.startsWith(reservedPrefix))) return;
    throw invalidArchive(`'${entry.name}' lies below a whiteout`);
  }
  if (base === opaqueMarker) {
    const inside = await place([...components.slice(0, -1), '.'], target);
    inside.parent.opaque = true;
  } else if (base.startsWith(reservedPrefix)) {
    return;
  } else if (base.startsWith(whiteoutPrefix)) {
    const hidden = base.slice(whiteoutPrefix.length);
    if (hidden === '' || hidden === '.' || hidden === '..')
      throw invalidArchive(`'${entry.name}' is no whiteout of a name`);
    hide(await place([...components.slice(0, -1), hidden], target));
  } else {
    await put(entry, await place(components, target), target);
  }
}

/** @throws invalid for a name with '..', which no archiver writes for what lies inside its tree. */
function componentsOf(name: string): string[] {
  // A bound on the work first; what has more bytes than characters the kernel refuses.
  if (name.length > longestPath) throw tooLong(name);
  const components = name.split('/').filter((part) => part !== '' && part !== '.');
  if (components.includes('..')) throw invalidArchive(`'${name}' leads out of its directory`);
  return components;
}

async function place(components: readonly string[], { tree, writer }: Target): Promise<Place> {
  const found = tree.place(components);
  for (const made of found.made) await writer.directory(made);
  return found;
}

/** Whiteouts only apply to the layers below: what this layer has under the name stays. */
function hide({ parent, name, existing }: Place): void {
  if (existing) existing.whiteout = true;
  else parent.children?.set(name, { whiteout: true });
}

async function put(entry: TarEntry, at: Place, { tree, writer }: Target): Promise<void> {
  const { existing } = at;
  if (entry.type === 'directory') {
    if (!existing?.children) {
      if (existing?.inode) await writer.remove(at.path);
      await writer.directory(at.path);
    }
    at.parent.children?.set(at.name, {
      ...existing,
      inode: await describe(entry, writer),
      children: existing?.children ?? new Map(),
    });
    return;
  }
  const hidden = existing?.whiteout ? { whiteout: existing.whiteout } : {};
  // Found before anything is removed: a name may be linked to itself.
  const linked = entry.type === 'link' ? linkTarget(entry, tree) : undefined;
  if (linked && linked.path === at.path) return;
  if (existing?.children) await writer.removeTree(at.path);
  else if (existing?.inode) await writer.remove(at.path);
  at.parent.children?.delete(at.name);
  if (linked) {
    const again = tree.place(linked.path.split('/')).existing;
    if (!again?.inode) throw noTarget(entry);
    await writer.link(linked.path, at.path);
    at.parent.children?.set(at.name, { ...hidden, inode: again.inode });
  } else if (entry.type === 'char' && entry.major === 0 && entry.minor === 0) {
    // What overlayfs itself takes for a whiteout.
    at.parent.children?.set(at.name, { whiteout: true });
  } else {
    at.parent.children?.set(at.name, { ...hidden, inode: await describe(entry, writer, at.path) });
  }
}

function linkTarget(entry: TarEntry, tree: LayerTree): Place {
  const components = componentsOf(entry.link);
  const found = components.length > 0 ? tree.place(components) : undefined;
  if (!found?.existing?.inode || found.existing.children || found.made.length > 0) throw noTarget(entry);
  return found;
}

const noTarget = (entry: TarEntry) =>
  invalidArchive(`'${entry.name}' is a hard link to '${entry.link}', which is no file of the same layer`);

/** Creates what the entry says at `path` (directories exist already) and returns its inode. */
async function describe(entry: TarEntry, writer: LayerWriter, path?: string): Promise<Inode> {
  const type: FileType = entry.type === 'link' ? 'file' : entry.type;
  if (type === 'symlink' && entry.link.length > longestPath) throw tooLong(entry.link);
  const xattrs = xattrsOf(entry);
  const inode: Inode = {
    type,
    mode: type === 'symlink' ? 0o777 : entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.size,
    mtime: entry.mtime.seconds,
    mtimeNs: entry.mtime.nanoseconds,
    ...(type === 'symlink' ? { link: entry.link } : {}),
    ...(type === 'char' || type === 'block' ? { device: { major: entry.major, minor: entry.minor } } : {}),
    ...(xattrs ? { xattrs } : {}),
  };
  if (path === undefined) return inode;
  if (type !== 'file') {
    await writer.node(path, inode);
    return inode;
  }
  const hash = createHash('sha256');
  await writer.file(path, inode);
  for await (const piece of entry.body()) {
    if ('hole' in piece) hashZeros(hash, piece.hole, entry.name);
    else hash.update(piece);
    await writer.content(piece);
  }
  await writer.attributes(path, inode);
  return { ...inode, digest: `sha256:${hash.digest('hex')}` };
}

/** Hashing a hole takes a second per gigabyte: a file that only claims to be huge is refused. */
const largestHole = 2 ** 36;
const zeros = Buffer.alloc(1 << 20);

function hashZeros(hash: { update(data: Buffer): unknown }, length: number, name: string): void {
  if (length > largestHole) throw invalidArchive(`'${name}' has a hole of ${length} bytes`);
  for (let left = length; left > 0; left -= zeros.length) hash.update(zeros.subarray(0, Math.min(left, zeros.length)));
}

/** In base64. Overlayfs keeps its own state in attributes: an archive must not be able to set it. */
function xattrsOf(entry: TarEntry): Record<string, string> | undefined {
  const found = [...entry.xattrs].filter(([name]) => !/^(trusted|user)\.overlay\./.test(name));
  if (found.length === 0) return undefined;
  return Object.fromEntries(found.map(([name, value]) => [name, value.toString('base64')]));
}

/** Deterministic, as nothing in the archive says better. */
const impliedDirectory: Inode = { type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0, mtimeNs: 0 };

function inodeOf(entry: LayerEntry): Inode {
  const { path: _path, hardlink: _hardlink, opaque: _opaque, mtimeNs, ...rest } = entry;
  return { ...rest, mtimeNs: mtimeNs ?? 0 };
}
