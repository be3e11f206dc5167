import type { TarItem } from '../store/tar-writer.ts';
import type { FileDescription, FileRoot } from './contract.ts';
import { unlessGone } from './errors.ts';

/**
 * A tree as entries of an archive: a directory before what is in it, names sorted, a second name of an inode as a hard
 * link. What goes away meanwhile is left out; sockets are, too, as no archive can hold one.
 *
 * @param options.name what the top is called; '' leaves its name out and begins every other with it: the paths are then
 *   absolute. Undefined: the top itself is left out, and the paths are relative to it.
 */
export async function* treeItems(
  root: FileRoot,
  options: { readonly path: string; readonly name: string | undefined },
): AsyncGenerator<TarItem> {
  const { path, name } = options;
  const [top] = await root.describe([path]);
  if (!top) return;
  const walk: Walk = { root, names: new Map() };
  if (name !== undefined) yield* entry(walk, top, { path, name: name === '' ? '/' : name });
  if (top.type === 'directory') yield* below(walk, { path, prefix: name === undefined ? '' : `${name}/` });
}

interface Walk {
  readonly root: FileRoot;
  /** First name of each inode that has several. */
  readonly names: Map<string, string>;
}

const perTurn = 256;

async function* below(walk: Walk, at: { readonly path: string; readonly prefix: string }): AsyncGenerator<TarItem> {
  const { root } = walk;
  const names = (await unlessGone(root.names(at.path))) ?? [];
  const base = at.path === '/' ? '' : at.path;
  for (let first = 0; first < names.length; first += perTurn) {
    const some = names.slice(first, first + perTurn);
    const found = await root.describe(some.map((name) => `${base}/${name}`));
    for (const [position, name] of some.entries()) {
      const description = found[position];
      if (!description) continue;
      const here = { path: `${base}/${name}`, name: `${at.prefix}${name}` };
      yield* entry(walk, description, here);
      if (description.type === 'directory') yield* below(walk, { path: here.path, prefix: `${here.name}/` });
    }
  }
}

async function* entry(
  walk: Walk,
  found: FileDescription,
  at: { readonly path: string; readonly name: string },
): AsyncGenerator<TarItem> {
  const { type, mode, uid, gid, mtime, link, major, minor, xattrs } = found;
  if (type === 'socket') return;
  const item = { name: at.name, mode, uid, gid, size: 0, mtime, link, major, minor, xattrs } as const;
  const first = type === 'directory' ? undefined : walk.names.get(found.inode);
  if (first !== undefined) {
    yield { ...item, type: 'link', link: first };
    return;
  }
  if (type !== 'directory' && found.inode !== '') walk.names.set(found.inode, at.name);
  if (type !== 'file') {
    yield { ...item, type };
    return;
  }
  // It may be another file by now: what is said of it is what was opened.
  const opened = found.size === 0 ? undefined : await unlessGone(walk.root.open(at.path));
  if (!opened && found.size > 0) return;
  yield { ...item, type, size: opened?.status.size ?? 0, ...(opened && { body: () => opened.pieces() }) };
}
