import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { PortholeError } from '../../../base/errors.ts';
import { withoutTrailing } from '../../../base/trailing.ts';
import type { FileEntry } from '../../../protocol/files.ts';
import type { FileRoot } from '../../files/contract.ts';
import { FileFailure } from '../../files/errors.ts';
import { filled } from '../../files/filled.ts';
import { badParameter } from '../errors.ts';
import { sendRanged } from '../ranged.ts';
import { type Call, empty, json, type Reply, type Route } from '../route.ts';

/** Files of a root that is not trusted, on their way to an answer. */
export interface Visited {
  readonly root: FileRoot;
  /** @throws forbidden where nothing may be written. */
  checkWritable(path: string): void;
}

export type Visit = (
  call: Call,
  options: { readonly writable: boolean },
  task: (visited: Visited) => Promise<Reply>,
) => Promise<Reply>;

/** Files below `base`, without a process inside: whatever is there, no path leads out of the root. */
export function fileRoutes(base: string, visit: Visit): readonly Route[] {
  const route = (
    method: Route['method'],
    name: string,
    act: (call: Call, visited: Visited) => Promise<Reply>,
  ): Route => ({
    method,
    path: `${base}/${name}`,
    handler: (call) =>
      visit(call, { writable: method !== 'GET' && method !== 'HEAD' }, (visited) => act(call, visited)),
  });
  return [
    route('GET', 'tree', tree),
    route('GET', 'entry', entry),
    route('GET', 'file', readFile),
    route('HEAD', 'file', readFile),
    route('PUT', 'file', writeFile),
    route('DELETE', 'file', remove),
    route('POST', 'directory', makeDirectory),
    route('POST', 'rename', rename),
  ];
}

/** Files of a volume. */
export const volumeFileRoutes = fileRoutes('/porthole/v1/volumes/{name}', (call, _, task) =>
  call.engine.volumes.visit(call.param('name'), call.signal, (root) => task({ root, checkWritable: () => undefined })),
);

/** Files of a container, whether it runs or not. */
export const containerFileRoutes = fileRoutes('/porthole/v1/containers/{id}', (call, { writable }, task) =>
  call.engine.containers.visit(call.param('id'), { writable, signal: call.signal }, task),
);

const nothingAt = (path: string) => new PortholeError('not-found', `nothing is at ${path}`);

/** What lies directly in a directory; a link to one is followed within the root. */
async function tree(call: Call, { root }: Visited): Promise<Reply> {
  const path = await root.resolve(pathOf(call, 'path', { root: true }));
  const there = await root.status(path);
  if (!there) throw nothingAt(path);
  if (there.type !== 'directory') throw badParameter(`${path} is not a directory`);
  const names = await root.names(path);
  return json(await entriesOf(root, path, names));
}

/** What lies at a path itself; links on the way to it are followed within the root. */
async function entry(call: Call, { root }: Visited): Promise<Reply> {
  const asked = pathOf(call, 'path', { root: true });
  const path = asked === '/' ? '/' : await inParent(root, asked);
  const [found] = await entriesOf(root, posix.dirname(path), [posix.basename(path)]);
  if (!found) throw nothingAt(path);
  return json(found);
}

async function entriesOf(root: FileRoot, directory: string, names: readonly string[]): Promise<FileEntry[]> {
  const paths = names.map((name) => posix.join(directory, name));
  const found = await root.describe(paths);
  const leads = await leadsOf(
    root,
    paths.filter((_, at) => found[at]?.type === 'symlink'),
  );
  return names.flatMap((name, at) => {
    const description = found[at];
    // It went meanwhile.
    if (!description) return [];
    const { type, mode, uid, gid, size, mtime, link } = description;
    const lead = leads.get(paths[at] ?? '');
    const { seconds, nanoseconds } = mtime;
    return [
      {
        ...{ name, type, mode, uid, gid, size, mtime: seconds, mtimeNs: nanoseconds },
        ...(type === 'symlink' && { link }),
        ...(lead && { leads: lead }),
      },
    ];
  });
}

/** Where links lead, by their paths; those that lead nowhere are left out. */
async function leadsOf(
  root: FileRoot,
  links: readonly string[],
): Promise<ReadonlyMap<string, NonNullable<FileEntry['leads']>>> {
  const resolved: { readonly link: string; readonly path: string }[] = [];
  for (const link of links) {
    try {
      resolved.push({ link, path: await root.resolve(link) });
    } catch (failure) {
      // A circle of links leads nowhere.
      if (!(failure instanceof FileFailure)) throw failure;
    }
  }
  const found = await root.describe(resolved.map(({ path }) => path));
  return new Map(
    resolved.flatMap(({ link, path }, at) => {
      const target = found[at];
      return target === undefined || target.type === 'symlink'
        ? []
        : [[link, { path, type: target.type, size: target.size }] as const];
    }),
  );
}

/** The content, or with `Range` a part of it; links are followed within the root. */
async function readFile(call: Call, { root }: Visited): Promise<Reply> {
  const file = await root.open(await root.resolve(pathOf(call)));
  const { size } = file.status;
  return sendRanged(call, {
    size,
    stream: (range) => Readable.from(filled(file.pieces(range), range ? range.end - range.start + 1 : size)),
  });
}

/**
 * Writes a file whole: it takes its place in one move. Owner and mode are those of the file before, else of the query
 * (`mode` in octal, `uid`, `gid`), else root's and 644.
 */
async function writeFile(call: Call, { root, checkWritable }: Visited): Promise<Reply> {
  const path = await root.resolve(pathOf(call));
  checkWritable(path);
  const before = await root.status(path);
  if (before && before.type !== 'file') throw badParameter(`${path} is no regular file`);
  await root.write(path, bytes(call.upload()), attributesOf(call, before ?? { mode: 0o644, uid: 0, gid: 0 }));
  return empty(204);
}

async function* bytes(stream: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  for await (const part of stream) if (Buffer.isBuffer(part)) yield part;
}

async function makeDirectory(call: Call, { root, checkWritable }: Visited): Promise<Reply> {
  const path = await inParent(root, pathOf(call));
  checkWritable(path);
  await root.mkdir(path, attributesOf(call, { mode: 0o755, uid: 0, gid: 0 }));
  return empty(201);
}

/** A file or link itself, or a directory with everything in it. */
async function remove(call: Call, { root, checkWritable }: Visited): Promise<Reply> {
  const path = await inParent(root, pathOf(call));
  checkWritable(path);
  if (!(await root.status(path))) throw nothingAt(path);
  await root.remove(path);
  return empty(204);
}

/** Never over something that is there. */
async function rename(call: Call, { root, checkWritable }: Visited): Promise<Reply> {
  const [from, to] = [await inParent(root, pathOf(call, 'from')), await inParent(root, pathOf(call, 'to'))];
  checkWritable(from);
  checkWritable(to);
  if (await root.status(to)) throw new PortholeError('conflict', `${to} is there already`);
  await root.rename(from, to);
  return empty(204);
}

/** Links on the way are followed, the last part is meant itself. */
async function inParent(root: FileRoot, path: string): Promise<string> {
  return posix.join(await root.resolve(posix.dirname(path)), posix.basename(path));
}

function pathOf(call: Call, name = 'path', options: { readonly root: boolean } = { root: false }): string {
  const given = call.query.text(name);
  if (given.includes('\0')) throw badParameter(`the parameter ${name} holds NUL`);
  // Not normalized: what `..` behind a link means is for the root to say.
  const path = `/${withoutTrailing(given, '/')}`;
  if (options.root) return path;
  if (/^\/*$/.test(path)) throw badParameter(`the parameter ${name} is missing`);
  if (/(^|\/)\.\.?$/.test(path)) throw badParameter(`the parameter ${name} cannot end in a dot`);
  return path;
}

function attributesOf(
  call: Call,
  otherwise: { readonly mode: number; readonly uid: number; readonly gid: number },
): { mode: number; uid: number; gid: number } {
  const mode = call.query.text('mode');
  if (mode !== '' && !/^[0-7]{1,4}$/.test(mode)) throw badParameter('mode is octal, 0 to 7777');
  return {
    mode: mode === '' ? otherwise.mode : Number.parseInt(mode, 8),
    uid: idOf(call, 'uid') ?? otherwise.uid,
    gid: idOf(call, 'gid') ?? otherwise.gid,
  };
}

function idOf(call: Call, name: 'uid' | 'gid'): number | undefined {
  const id = call.query.whole(name);
  if (id !== undefined && (id < 0 || id > 0xfffffffe)) throw badParameter(`${name} is 0 to 4294967294`);
  return id;
}
