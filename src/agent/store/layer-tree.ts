import { randomInt } from 'node:crypto';
import { bytesOf, nameOf } from '../sys/names.ts';
import { Column, Heap } from './columns.ts';
import { invalidArchive } from './errors.ts';
import { below } from './paths.ts';

/** A name in the tree. 0 is none. */
export type NodeId = number;

export interface Directory {
  /** Path without any symbolic link. */
  readonly path: string;
  readonly node: NodeId;
  /** Directories that had to be made on the way, outermost first. */
  readonly made: readonly string[];
}

export interface Place {
  /** Path without any symbolic link in its directories. */
  readonly path: string;
  readonly name: string;
  readonly parent: NodeId;
  /** What has that name already, or 0. */
  readonly existing: NodeId;
  readonly made: readonly string[];
}

/**
 * The tree of one layer while its archive is read. It mirrors the directory on disk, so that every operation sent there
 * names real directories only: an entry below a symbolic link lands where the link points inside the layer, as it does
 * for the programs of the container. (The kernel's chroot is what keeps it inside; this keeps the index true.)
 *
 * A layer may have a million names: they are numbers in columns and bytes in a heap, about 60 bytes each, and what is
 * to be said about an inode is elsewhere. A node is a directory, has an inode (a directory that no entry described has
 * none), is a whiteout, or, being none of these, is not there any more.
 */
export class LayerTree {
  readonly root: NodeId = 1;
  readonly #mostNames: number;
  readonly #parents = new Column();
  readonly #names = new Column();
  readonly #firsts = new Column();
  readonly #nexts = new Column();
  readonly #inodes = new Column();
  readonly #flags = new Column();
  /** Of inodes: the target of a symbolic link, in the heap. */
  readonly #links = new Column();
  readonly #heap = new Heap();
  readonly #scratch = Buffer.allocUnsafe(4 * longestPath);
  #slots = new Uint32Array(1 << 10);
  /** An archive cannot be made so that all its names lie in one place of the table. */
  readonly #seed = randomInt(2 ** 32);
  #filled = 0;
  #count = 1;
  #inodeCount = 0;
  /** Counts what may make a directory be found elsewhere than before. */
  #turns = 0;
  #recent: (Directory & { readonly key: string; readonly turn: number }) | undefined;

  constructor({ mostNames }: { readonly mostNames: number }) {
    this.#mostNames = mostNames;
    this.#flags.set(this.root, flags.directory);
  }

  /** @throws invalid for a loop of links or a path below something that is no directory. */
  place(components: readonly string[]): Place {
    const name = components.at(-1) ?? '';
    const { path, node, made } = this.directory(components.slice(0, -1));
    return { path: `${below(path)}${name}`, name, parent: node, existing: this.#find(node, name), made };
  }

  /** The directory of that name, made if there is none. */
  directory(components: readonly string[]): Directory {
    const key = components.join('/');
    if (this.#recent?.key === key && this.#recent.turn === this.#turns) return this.#recent;
    const found = this.#walk(components);
    this.#recent = { ...found, made: [], key, turn: this.#turns };
    return found;
  }

  isDirectory(node: NodeId): boolean {
    return this.#has(node, flags.directory);
  }

  isWhiteout(node: NodeId): boolean {
    return this.#has(node, flags.whiteout);
  }

  isOpaque(node: NodeId): boolean {
    return this.#has(node, flags.opaque);
  }

  /** Number of its inode, 0 when it has none. */
  inodeOf(node: NodeId): number {
    return this.#inodes.get(node);
  }

  /** @param link target of a symbolic link. */
  newInode(link?: string): number {
    this.#inodeCount += 1;
    if (link !== undefined) this.#links.set(this.#inodeCount, this.#keep(bytesOf(link)));
    return this.#inodeCount;
  }

  /** Gives a name an inode that is no directory; what was hidden by that name stays so. */
  setFile({ parent, name }: Place, inode: number): void {
    const node = this.#make(parent, name);
    if (this.isDirectory(node) || this.inodeOf(node) !== 0) this.#forget(node);
    this.#inodes.set(node, inode);
  }

  /** What the name has in it stays, if it is a directory. */
  setDirectory({ parent, name }: Place, inode: number): NodeId {
    const node = this.#make(parent, name);
    if (!this.isDirectory(node) && this.inodeOf(node) !== 0) this.#forget(node);
    this.#set(node, flags.directory);
    this.#inodes.set(node, inode);
    return node;
  }

  /** Describes a directory, or the root. */
  setInode(node: NodeId, inode: number): void {
    this.#inodes.set(node, inode);
  }

  /** Takes away what has that name, with everything in it; also the mark that hides what lies below, if `wholly`. */
  remove(node: NodeId, { wholly = false } = {}): void {
    if (node === 0) return;
    this.#forget(node);
    if (wholly) this.#clear(node, flags.whiteout);
  }

  /** Hides what the layers below have under a name. */
  hide({ parent, name }: Pick<Place, 'parent' | 'name'>): void {
    this.#set(this.#make(parent, name), flags.whiteout);
  }

  /** Hides what the layers below have in a directory. */
  setOpaque(node: NodeId): void {
    this.#set(node, flags.opaque);
  }

  /** Overlayfs knows no opaque root: everything that `names` has below it is hidden one by one. */
  spreadOpaqueRoot(names: readonly string[]): void {
    this.#clear(this.root, flags.opaque);
    for (const name of names) this.hide({ parent: this.root, name });
  }

  /** Names in a directory, in the order of their bytes. */
  children(node: NodeId): NodeId[] {
    const found: NodeId[] = [];
    for (let child = this.#firsts.get(node); child !== 0; child = this.#nexts.get(child)) {
      if (this.isDirectory(child) || this.isWhiteout(child) || this.inodeOf(child) !== 0) found.push(child);
    }
    // The last one that came is the first of the list, and archives are sorted more or less.
    found.reverse();
    const byName = (left: NodeId, right: NodeId) => this.#heap.compare(this.#names.get(left), this.#names.get(right));
    const isSorted = found.every((child, at) => at === 0 || byName(found[at - 1] ?? 0, child) < 0);
    return isSorted ? found : found.sort(byName);
  }

  nameOf(node: NodeId): string {
    return nameOf(this.#bytes(node));
  }

  /** Path of a node, by the names above it. */
  pathOf(node: NodeId): string {
    const names: string[] = [];
    for (let at = node; at !== this.root; at = this.#parents.get(at)) names.push(this.nameOf(at));
    return names.reverse().join('/');
  }

  #walk(components: readonly string[]): Directory {
    const directories: { readonly node: NodeId; readonly path: string }[] = [{ node: this.root, path: '' }];
    const made: string[] = [];
    const rest = [...components].reverse();
    let links = 0;
    for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
      if (next === '' || next === '.') continue;
      if (next === '..') {
        if (directories.length > 1) directories.pop();
        continue;
      }
      const here = directories.at(-1) ?? { node: this.root, path: '' };
      const path = `${below(here.path)}${next}`;
      if (path.length > longestPath) throw tooLong(components.join('/'));
      const child = this.#find(here.node, next);
      const link = this.#links.get(this.inodeOf(child));
      if (child !== 0 && link !== 0) {
        if (++links > mostLinks)
          throw invalidArchive(`'${components.join('/')}' leads through a loop of symbolic links`);
        const target = nameOf(this.#heap.get(link));
        if (target.startsWith('/')) directories.length = 1;
        rest.push(...target.split('/').reverse());
      } else if (child !== 0 && this.isDirectory(child)) {
        directories.push({ node: child, path });
      } else {
        if (this.inodeOf(child) !== 0) {
          throw invalidArchive(`'${components.join('/')}' lies below '${path}', which is no directory`);
        }
        const node = this.#make(here.node, next);
        this.#set(node, flags.directory);
        made.push(path);
        directories.push({ node, path });
      }
    }
    return { ...(directories.at(-1) ?? { node: this.root, path: '' }), made };
  }

  #keep(bytes: Buffer): number {
    if (this.#heap.size > mostBytes) throw invalidArchive('its names and links are too long together');
    return this.#heap.add(bytes);
  }

  /** The node of a name in a directory; 0 when there is nothing of that name (any more). */
  #find(parent: NodeId, name: string): NodeId {
    const node = this.#slots[this.#slotOf(parent, this.#load(name))] ?? 0;
    return this.isDirectory(node) || this.isWhiteout(node) || this.inodeOf(node) !== 0 ? node : 0;
  }

  #make(parent: NodeId, name: string): NodeId {
    const length = this.#load(name);
    const slot = this.#slotOf(parent, length);
    const known = this.#slots[slot] ?? 0;
    if (known !== 0) return known;
    if (this.#count > this.#mostNames) throw invalidArchive(`it has more than ${this.#mostNames} entries`);
    this.#count += 1;
    const node = this.#count;
    this.#names.set(node, this.#keep(this.#scratch.subarray(0, length)));
    this.#parents.set(node, parent);
    this.#nexts.set(node, this.#firsts.get(parent));
    this.#firsts.set(parent, node);
    this.#slots[slot] = node;
    this.#filled += 1;
    if (this.#filled * 2 > this.#slots.length) this.#grow();
    return node;
  }

  /** It is nothing any more, and nothing is in it. Every name below goes from the tree for good, so each goes once. */
  #forget(node: NodeId): void {
    this.#turns += 1;
    this.#inodes.set(node, 0);
    this.#clear(node, flags.directory | flags.opaque);
    const gone = [this.#firsts.get(node)];
    this.#firsts.set(node, 0);
    for (let child = gone.pop(); child !== undefined; child = gone.pop()) {
      if (child === 0) continue;
      gone.push(this.#nexts.get(child), this.#firsts.get(child));
      // Nothing has this parent: the name cannot be found any more, and its place in the table is still taken.
      this.#parents.set(child, 0);
      this.#inodes.set(child, 0);
      this.#flags.set(child, 0);
    }
  }

  /** Puts the bytes of a name where `#slotOf` reads them. @returns how many */
  #load(name: string): number {
    if (name.length > longestPath) throw tooLong(name);
    if (ascii.test(name)) return this.#scratch.write(name, 'latin1');
    return bytesOf(name).copy(this.#scratch);
  }

  /** Where the name in `#scratch` is in the table of names, or would be. */
  #slotOf(parent: NodeId, length: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashOf(this.#seed ^ parent, this.#scratch, length) & mask;
    for (;;) {
      const node = this.#slots[slot] ?? 0;
      if (node === 0) return slot;
      if (this.#parents.get(node) === parent && this.#heap.equals(this.#names.get(node), this.#scratch, length))
        return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Uint32Array(before.length * 2);
    const mask = this.#slots.length - 1;
    this.#filled = 0;
    for (const node of before) {
      const parent = this.#parents.get(node);
      if (node === 0 || parent === 0) continue;
      const name = this.#bytes(node);
      let slot = hashOf(this.#seed ^ parent, name, name.length) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = node;
      this.#filled += 1;
    }
  }

  #bytes(node: NodeId): Buffer {
    return node === this.root ? Buffer.alloc(0) : this.#heap.get(this.#names.get(node));
  }

  #has(node: NodeId, flag: number): boolean {
    return (this.#flags.get(node) & flag) !== 0;
  }

  #set(node: NodeId, flag: number): void {
    this.#flags.set(node, this.#flags.get(node) | flag);
  }

  #clear(node: NodeId, flag: number): void {
    this.#flags.set(node, this.#flags.get(node) & ~flag);
  }
}

/** Of names and targets of links, which stay in memory: a million names of 64 bytes. */
const mostBytes = 1 << 26;
const flags = { directory: 1, whiteout: 2, opaque: 4 } as const;
const ascii = /^[\0-\x7f]*$/;

/** The kernel's own limits (path_resolution(7)). Without them a name of a megabyte would keep us busy for hours. */
const mostLinks = 40;
export const longestPath = 4095;

export const tooLong = (name: string) =>
  invalidArchive(`the path '${name.slice(0, 100)}...' is longer than ${longestPath} bytes`);

/** FNV-1a from a seed, with the bits of the end mixed. */
function hashOf(seed: number, bytes: Uint8Array, length: number): number {
  let hash = Math.imul(seed ^ 0x811c9dc5, 0x01000193);
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) ^ (hash >>> 12);
}
