import { createHash } from 'node:crypto';
import type { FileType } from '../../protocol/layers.ts';
import { invalidArchive } from './errors.ts';
import { Holes } from './holes.ts';
import { type Inode, Inodes } from './inodes.ts';
import { finishLayer, type IndexSink, type LayerTotals, type Lower, settle } from './layer-index.ts';
import { LayerTree, longestPath, type Place, tooLong } from './layer-tree.ts';
import type { LayerFiles } from './layer-writer.ts';
import { readTar, type TarEntry } from './tar.ts';

/**
 * Unpacks the tar of a changeset and describes it.
 *
 * @throws invalid for a hostile or broken archive; the failures of `source` and of the writer as they are.
 */
export async function unpack(source: AsyncIterable<Uint8Array>, into: UnpackOptions): Promise<LayerTotals> {
  const { mostEntries = largestLayer, mostTexts = largestTexts } = into;
  const tree = new LayerTree({ mostNames: mostEntries });
  const { writer } = into;
  const inodes = new Inodes(into.spill);
  const target: Target = { tree, writer, inodes, holes: new Holes() };
  try {
    let count = 0;
    let texts = 0;
    for await (const entry of readTar(source)) {
      if (++count > mostEntries) throw invalidArchive(`it has more than ${mostEntries} entries`);
      texts += textsOf(entry);
      if (texts > mostTexts) throw invalidArchive('its names, links and attributes are too long together');
      await unpackEntry(entry, target);
    }
    await settle(tree, { lower: into.lower, inodes });
    return await finishLayer({ tree, writer, inodes, sink: into.sink });
  } finally {
    await inodes.close();
  }
}

export interface UnpackOptions {
  /** Makes the files below a root of its own, so that nothing that the archive says can reach outside. */
  readonly writer: LayerFiles;
  readonly lower: Lower;
  /** Gets the index, in the order of paths. */
  readonly sink: IndexSink;
  /** A name that is free, in a directory for temporary files. */
  readonly spill: string;
  readonly mostEntries?: number;
  readonly mostTexts?: number;
}

/** Names of one layer. Debian's largest packages together have fewer. */
export const largestLayer = 1_000_000;
/** Bytes of all names, links and attributes. */
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
  readonly writer: LayerFiles;
  readonly inodes: Inodes;
  readonly holes: Holes;
}

async function unpackEntry(entry: TarEntry, target: Target): Promise<void> {
  const { tree, inodes } = target;
  const components = componentsOf(entry.name);
  const base = components.at(-1);
  if (base === undefined) {
    if (entry.type !== 'directory') throw invalidArchive(`the root directory is a ${entry.type}`);
    tree.setInode(tree.root, await inodes.add(tree, inodeOf(entry)));
    return;
  }
  if (components.slice(0, -1).some((part) => part.startsWith(whiteoutPrefix))) {
    if (components.some((part) => part.startsWith(reservedPrefix))) return;
    throw invalidArchive(`'${entry.name}' lies below a whiteout`);
  }
  if (base === opaqueMarker) {
    const directory = tree.directory(components.slice(0, -1));
    await make(directory.made, target);
    tree.setOpaque(directory.node);
  } else if (base.startsWith(reservedPrefix)) {
    return;
  } else if (base.startsWith(whiteoutPrefix)) {
    const hidden = base.slice(whiteoutPrefix.length);
    if (hidden === '' || hidden === '.' || hidden === '..')
      throw invalidArchive(`'${entry.name}' is no whiteout of a name`);
    // Whiteouts only apply to the layers below: what this layer has under the name stays.
    tree.hide(await place([...components.slice(0, -1), hidden], target));
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

async function place(components: readonly string[], target: Target): Promise<Place> {
  const found = target.tree.place(components);
  await make(found.made, target);
  return found;
}

async function make(directories: readonly string[], { writer }: Target): Promise<void> {
  for (const path of directories) await writer.directory(path);
}

async function put(entry: TarEntry, at: Place, target: Target): Promise<void> {
  const { tree, writer, inodes } = target;
  const { existing } = at;
  if (entry.type === 'directory') {
    if (!tree.isDirectory(existing)) {
      if (tree.inodeOf(existing) !== 0) await writer.remove(at.path);
      await writer.directory(at.path);
    }
    tree.setDirectory(at, await inodes.add(tree, inodeOf(entry)));
    return;
  }
  // Found before anything is removed: a name may be linked to itself.
  const linked = entry.type === 'link' ? linkTarget(entry, tree) : undefined;
  if (linked && linked.path === at.path) return;
  if (tree.isDirectory(existing)) await writer.removeTree(at.path);
  else if (tree.inodeOf(existing) !== 0) await writer.remove(at.path);
  tree.remove(existing);
  if (linked) {
    const inode = tree.inodeOf(linked.existing);
    if (inode === 0) throw noTarget(entry);
    await writer.link(linked.path, at.path);
    tree.setFile(at, inode);
    inodes.share(inode);
  } else if (entry.type === 'char' && entry.major === 0 && entry.minor === 0) {
    // What overlayfs itself takes for a whiteout.
    tree.hide(at);
  } else {
    tree.setFile(at, await inodes.add(tree, await write(entry, target, at.path)));
  }
}

function linkTarget(entry: TarEntry, tree: LayerTree): Place {
  const components = componentsOf(entry.link);
  const found = components.length > 0 ? tree.place(components) : undefined;
  if (!found || tree.inodeOf(found.existing) === 0 || tree.isDirectory(found.existing) || found.made.length > 0) {
    throw noTarget(entry);
  }
  return found;
}

const noTarget = (entry: TarEntry) =>
  invalidArchive(`'${entry.name}' is a hard link to '${entry.link}', which is no file of the same layer`);

/** Creates what the entry, which is no directory, says at `path`. */
async function write(entry: TarEntry, { writer, holes }: Target, path: string): Promise<Inode> {
  const inode = inodeOf(entry);
  if (inode.type !== 'file') {
    await writer.node(path, inode);
    return inode;
  }
  const hash = createHash('sha256');
  let inHoles = 0;
  await writer.file(path, inode);
  for await (const piece of entry.body()) {
    if ('hole' in piece) {
      inHoles += piece.hole;
      await holes.hash(hash, piece.hole, entry.name);
    } else hash.update(piece);
    await writer.content(piece);
  }
  await writer.attributes(path, inode);
  return { ...inode, ...(inHoles > 0 && { holes: inHoles }), digest: `sha256:${hash.digest('hex')}` };
}

function inodeOf(entry: TarEntry): Inode {
  const type: FileType = entry.type === 'link' ? 'file' : entry.type;
  if (type === 'symlink' && entry.link.length > longestPath) throw tooLong(entry.link);
  const xattrs = xattrsOf(entry);
  return {
    type,
    mode: type === 'symlink' ? 0o777 : entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.size,
    mtime: entry.mtime.seconds,
    ...(entry.mtime.nanoseconds ? { mtimeNs: entry.mtime.nanoseconds } : {}),
    ...(type === 'symlink' ? { link: entry.link } : {}),
    ...(type === 'char' || type === 'block' ? { device: { major: entry.major, minor: entry.minor } } : {}),
    ...(xattrs ? { xattrs } : {}),
  };
}

/** In base64. Overlayfs keeps its own state in attributes: an archive must not be able to set it. */
function xattrsOf(entry: TarEntry): Record<string, string> | undefined {
  const found = [...entry.xattrs].filter(([name]) => !/^(trusted|user)\.overlay\./.test(name));
  if (found.length === 0) return undefined;
  return Object.fromEntries(found.map(([name, value]) => [name, value.toString('base64')]));
}
