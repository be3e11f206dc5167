import type { LayerEntry } from '../../protocol/layers.ts';
import { bytesOf } from '../sys/names.ts';
import type { Inode, Inodes } from './inodes.ts';
import type { LayerTree, NodeId } from './layer-tree.ts';
import type { LayerFiles } from './layer-writer.ts';
import { below } from './paths.ts';

/** Takes the index of a layer, entry by entry, in the order of paths (by component, components by their bytes). */
export interface IndexSink {
  add(entry: LayerEntry, options: { readonly linked: boolean }): Promise<void>;
  addWhiteout(path: string): Promise<void>;
}

export interface LayerTotals {
  /** Bytes of files and symbolic links, an inode once. */
  readonly size: number;
  readonly entries: number;
  readonly whiteouts: number;
}

/** What the layers below show. */
export interface Lower {
  lookup(path: string): Promise<LayerEntry | undefined>;
  /** Names in the root. */
  names(): Promise<string[]>;
}

/** Brings a layer into the form in which overlayfs shows what the archive means. */
export async function settle(tree: LayerTree, from: { readonly lower: Lower; readonly inodes: Inodes }): Promise<void> {
  const { lower, inodes } = from;
  if (tree.isOpaque(tree.root)) tree.spreadOpaqueRoot(await lower.names());
  let implied: number | undefined;
  for (const { node, path, covered } of unsettled(tree)) {
    if (!tree.isDirectory(node)) {
      // In a directory that hides nothing, overlayfs lists the name of a whiteout and then cannot find it.
      if (covered || !(await lower.lookup(path))) tree.remove(node, { wholly: true });
      continue;
    }
    // A directory that the archive only implies keeps its owner, mode and time.
    const known = tree.isWhiteout(node) ? undefined : await lower.lookup(path);
    if (known?.type === 'directory') tree.setInode(node, await inodes.add(tree, inodeOf(known)));
    else {
      implied ??= await inodes.add(tree, impliedDirectory);
      tree.setInode(node, implied);
    }
  }
}

/** Writes whiteouts and what directories get last, and describes everything. */
export async function finishLayer(parts: {
  readonly tree: LayerTree;
  readonly writer: LayerFiles;
  readonly inodes: Inodes;
  readonly sink: IndexSink;
}): Promise<LayerTotals> {
  const { tree, writer, inodes, sink } = parts;
  const totals = { size: 0, entries: 0, whiteouts: 0 };
  // A directory gets its own attributes after everything in it, as each changes its parent.
  const open: { readonly path: string; readonly inode: Inode; readonly rest: NodeId[]; readonly opaque: boolean }[] =
    [];
  const enter = async (node: NodeId, path: string): Promise<void> => {
    const number = tree.inodeOf(node);
    const isDirectory = tree.isDirectory(node);
    if (!isDirectory && number === 0) {
      totals.whiteouts += 1;
      await writer.whiteout(path);
      await sink.addWhiteout(path);
      return;
    }
    const inode = await inodes.get(number);
    const first = isDirectory ? undefined : inodes.firstName(number, node);
    // A directory that replaces one of the same name below hides what that one held.
    const opaque = isDirectory && (tree.isOpaque(node) || tree.isWhiteout(node));
    totals.entries += 1;
    if (first === undefined) totals.size += inode.size + (inode.link === undefined ? 0 : bytesOf(inode.link).length);
    const hardlink = first === undefined ? {} : { hardlink: tree.pathOf(first) };
    const linked = !isDirectory && inodes.isShared(number);
    await sink.add({ path, ...inode, ...hardlink, ...(opaque ? { opaque } : {}) }, { linked });
    if (isDirectory) open.push({ path, inode, rest: tree.children(node).reverse(), opaque });
  };
  await enter(tree.root, '');
  for (let here = open.at(-1); here; here = open.at(-1)) {
    const next = here.rest.pop();
    if (next !== undefined) {
      await enter(next, `${below(here.path)}${tree.nameOf(next)}`);
      continue;
    }
    if (here.opaque) await writer.opaque(here.path);
    await writer.attributes(here.path, here.inode);
    open.pop();
  }
  await writer.finish();
  return totals;
}

interface Unsettled {
  readonly node: NodeId;
  readonly path: string;
  /** A directory of this layer hides whatever lies there already. */
  readonly covered: boolean;
}

/** Names that are only whiteouts, and directories that no entry described, in the order of paths. */
function* unsettled(tree: LayerTree): Generator<Unsettled> {
  const open = [{ node: tree.root, path: '', covered: false, rest: tree.children(tree.root).reverse() }];
  if (tree.inodeOf(tree.root) === 0) yield { node: tree.root, path: '', covered: false };
  for (let here = open.at(-1); here; here = open.at(-1)) {
    const node = here.rest.pop();
    if (node === undefined) {
      open.pop();
      continue;
    }
    const path = `${below(here.path)}${tree.nameOf(node)}`;
    if (tree.inodeOf(node) === 0) yield { node, path, covered: here.covered || tree.isOpaque(here.node) };
    if (!tree.isDirectory(node)) continue;
    const covered = here.covered || tree.isOpaque(here.node) || tree.isWhiteout(node);
    open.push({ node, path, covered, rest: tree.children(node).reverse() });
  }
}

/** Deterministic, as nothing in the archive says better. */
const impliedDirectory: Inode = { type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0 };

function inodeOf({ path: _path, hardlink: _hardlink, opaque: _opaque, ...rest }: LayerEntry): Inode {
  return rest;
}
