import type { FileType, LayerEntry, LayerIndex } from '../../protocol/layers.ts';
import { invalidArchive } from './errors.ts';
import { below } from './paths.ts';

/** What every name of one inode shares. Replaced as a whole when a directory is described again. */
export interface Inode {
  readonly type: FileType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly mtimeNs: number;
  readonly digest?: string;
  readonly link?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** A name in the tree. Without an inode it is a directory that no entry described, or only a whiteout. */
export interface Node {
  inode?: Inode;
  children?: Map<string, Node>;
  whiteout?: true;
  opaque?: true;
}

export interface Place {
  /** Path without any symbolic link in its directories. */
  readonly path: string;
  readonly name: string;
  readonly parent: Node;
  /** What has that name already. */
  readonly existing: Node | undefined;
  /** Directories that had to be made on the way, outermost first. */
  readonly made: readonly string[];
}

/**
 * The tree of one layer while its archive is read. It mirrors the directory on disk, so that every operation sent there
 * names real directories only: an entry below a symbolic link lands where the link points inside the layer, as it does
 * for the programs of the container. (The kernel's chroot is what keeps it inside; this keeps the index true.)
 */
export class LayerTree {
  readonly root: Node = { children: new Map() };

  /** @throws invalid for a loop of links or a path below something that is no directory. */
  place(components: readonly string[]): Place {
    const directories: Directory[] = [{ node: this.root, path: '' }];
    const made: string[] = [];
    const rest = [...components];
    const name = rest.pop() ?? '';
    let links = 0;
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      if (next === '' || next === '.') continue;
      if (next === '..') {
        if (directories.length > 1) directories.pop();
        continue;
      }
      const here = directories.at(-1) ?? { node: this.root, path: '' };
      const path = `${below(here.path)}${next}`;
      if (path.length > longestPath) throw tooLong(components.join('/'));
      const child = here.node.children?.get(next);
      const link = child?.inode?.link;
      if (link !== undefined) {
        if (++links > mostLinks)
          throw invalidArchive(`'${components.join('/')}' leads through a loop of symbolic links`);
        if (link.startsWith('/')) directories.length = 1;
        rest.unshift(...link.split('/'));
      } else if (child?.children) {
        directories.push({ node: child, path });
      } else {
        if (child?.inode) throw invalidArchive(`'${components.join('/')}' lies below '${path}', which is no directory`);
        const node: Node = { ...child, children: new Map() };
        here.node.children?.set(next, node);
        made.push(path);
        directories.push({ node, path });
      }
    }
    const { node, path } = directories.at(-1) ?? { node: this.root, path: '' };
    return { path: `${below(path)}${name}`, name, parent: node, existing: node.children?.get(name), made };
  }

  /** Paths of the directories that no entry described and that may be those of the layers below. */
  undescribed(): string[] {
    const found: string[] = [];
    visit(this.root, '', (path, node) => {
      if (node.children && !node.inode && !node.whiteout) found.push(path);
    });
    return found;
  }

  /** Names that are only whiteouts. `covered`: a directory of this layer hides whatever lies there already. */
  whiteouts(): Whiteout[] {
    const found: Whiteout[] = [];
    const search = (node: Node, path: string, covered: boolean): void => {
      const covers = covered || node.opaque === true || (node.whiteout === true && node.children !== undefined);
      for (const [name, child] of node.children ?? []) {
        const childPath = `${below(path)}${name}`;
        if (child.children) search(child, childPath, covers);
        else if (!child.inode) {
          found.push({ path: childPath, covered: covers, forget: () => node.children?.delete(name) });
        }
      }
    };
    search(this.root, '', false);
    return found;
  }

  /** Overlayfs knows no opaque root: everything that `names` has below it is hidden one by one. */
  spreadOpaqueRoot(names: readonly string[]): void {
    if (!this.root.opaque) return;
    delete this.root.opaque;
    for (const name of names) {
      const child = this.root.children?.get(name);
      if (child) child.whiteout = true;
      else this.root.children?.set(name, { whiteout: true });
    }
  }

  /** Sorted entries and whiteouts. `inherit` describes the directories that no entry described. */
  index(inherit: (path: string) => Inode): LayerIndex {
    const entries: LayerEntry[] = [];
    const whiteouts: string[] = [];
    const names = new Map<Inode, string>();
    visit(this.root, '', (path, node) => {
      if (!node.children && !node.inode) {
        whiteouts.push(path);
        return;
      }
      node.inode ??= inherit(path);
      const first = names.get(node.inode);
      if (first === undefined && !node.children) names.set(node.inode, path);
      // A directory that replaces one of the same name below hides what that one held.
      if (node.children && node.whiteout) node.opaque = true;
      entries.push(entryOf(path, node.inode, { hardlink: first, opaque: node.opaque }));
    });
    return { version: 1, entries, whiteouts };
  }
}

interface Whiteout {
  readonly path: string;
  readonly covered: boolean;
  forget(): void;
}

interface Directory {
  readonly node: Node;
  readonly path: string;
}

/** The kernel's own limits (path_resolution(7)). Without them a name of a megabyte would keep us busy for hours. */
const mostLinks = 40;
export const longestPath = 4095;

export const tooLong = (name: string) =>
  invalidArchive(`the path '${name.slice(0, 100)}...' is longer than ${longestPath} bytes`);

function visit(node: Node, path: string, each: (path: string, node: Node) => void): void {
  each(path, node);
  if (!node.children) return;
  const prefix = below(path);
  for (const [name, child] of [...node.children].sort(byName)) visit(child, `${prefix}${name}`, each);
}

const byName = ([left]: [string, Node], [right]: [string, Node]): number => (left < right ? -1 : left > right ? 1 : 0);

function entryOf(
  path: string,
  inode: Inode,
  more: { readonly hardlink: string | undefined; readonly opaque: true | undefined },
): LayerEntry {
  const { mtimeNs, ...rest } = inode;
  return {
    path,
    ...rest,
    ...(mtimeNs ? { mtimeNs } : {}),
    ...(more.hardlink === undefined ? {} : { hardlink: more.hardlink }),
    ...(more.opaque ? { opaque: true } : {}),
  };
}
