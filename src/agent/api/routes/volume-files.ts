import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { PortholeError } from '../../../base/errors.ts';
import type { VolumeEntry } from '../../../protocol/volumes.ts';
import type { FileDescription, FileRoot, Piece } from '../../files/contract.ts';
import { badParameter } from '../errors.ts';
import { sendRanged } from '../ranged.ts';
import { type Call, empty, json, type Reply, type Route } from '../route.ts';

const volume = '/porthole/v1/volumes/{name}';

/** Files of a volume, without a container: whatever is in it, no path leads out of it. */
export const volumeFileRoutes: readonly Route[] = [
  { method: 'GET', path: `${volume}/tree`, handler: (call) => inVolume(call, tree) },
  { method: 'GET', path: `${volume}/file`, handler: (call) => inVolume(call, readFile) },
  { method: 'HEAD', path: `${volume}/file`, handler: (call) => inVolume(call, readFile) },
  { method: 'PUT', path: `${volume}/file`, handler: (call) => inVolume(call, writeFile) },
  { method: 'DELETE', path: `${volume}/file`, handler: (call) => inVolume(call, remove) },
  { method: 'POST', path: `${volume}/directory`, handler: (call) => inVolume(call, makeDirectory) },
  { method: 'POST', path: `${volume}/rename`, handler: (call) => inVolume(call, rename) },
];

const nothingAt = (path: string) => new PortholeError('not-found', `nothing is at ${path} in the volume`);

type Visit = (call: Call, root: FileRoot) => Promise<Reply>;

async function inVolume(call: Call, visit: Visit): Promise<Reply> {
  return call.engine.volumes.visit(call.param('name'), call.signal, (root) => visit(call, root));
}

/** What lies directly in a directory; a link to one is followed within the volume. */
async function tree(call: Call, root: FileRoot): Promise<Reply> {
  const path = await root.resolve(pathOf(call, 'path', { root: true }));
  const names = await root.names(path);
  const found = await root.describe(names.map((name) => posix.join(path, name)));
  return json(names.flatMap((name, at) => entryOf(name, found[at])));
}

function entryOf(name: string, description: FileDescription | undefined): VolumeEntry[] {
  // It went meanwhile.
  if (!description) return [];
  const { type, mode, uid, gid, size, mtime, link } = description;
  const { seconds, nanoseconds } = mtime;
  return [
    { name, type, mode, uid, gid, size, mtime: seconds, mtimeNs: nanoseconds, ...(type === 'symlink' && { link }) },
  ];
}

/** The content, or with `Range` a part of it; links are followed within the volume. */
async function readFile(call: Call, root: FileRoot): Promise<Reply> {
  const file = await root.open(await root.resolve(pathOf(call)));
  const { size } = file.status;
  return sendRanged(call, {
    size,
    stream: (range) => Readable.from(filled(file.pieces(range), range ? range.end - range.start + 1 : size)),
  });
}

/** Bytes where the file has holes, and where it became shorter: the length has been promised. */
async function* filled(pieces: AsyncIterable<Piece>, length: number): AsyncGenerator<Buffer> {
  let left = length;
  for await (const piece of pieces) {
    if (Buffer.isBuffer(piece)) {
      left -= piece.length;
      yield piece;
    } else {
      left -= piece.hole;
      yield* zeros(piece.hole);
    }
  }
  yield* zeros(left);
}

function* zeros(count: number): Generator<Buffer> {
  const most = Buffer.alloc(Math.min(count, 65_536));
  for (let left = count; left > 0; left -= most.length) yield most.subarray(0, left);
}

/**
 * Writes a file whole: it takes its place in one move. Owner and mode are those of the file before, else of the query
 * (`mode` in octal, `uid`, `gid`), else root's and 644.
 */
async function writeFile(call: Call, root: FileRoot): Promise<Reply> {
  const path = await root.resolve(pathOf(call));
  const before = await root.status(path);
  if (before && before.type !== 'file') throw badParameter(`${path} is no regular file`);
  await root.write(path, bytes(call.upload()), attributesOf(call, before ?? { mode: 0o644, uid: 0, gid: 0 }));
  return empty(204);
}

async function* bytes(stream: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  for await (const part of stream) if (Buffer.isBuffer(part)) yield part;
}

async function makeDirectory(call: Call, root: FileRoot): Promise<Reply> {
  await root.mkdir(await inParent(root, pathOf(call)), attributesOf(call, { mode: 0o755, uid: 0, gid: 0 }));
  return empty(201);
}

/** A file or link itself, or a directory with everything in it. */
async function remove(call: Call, root: FileRoot): Promise<Reply> {
  const path = await inParent(root, pathOf(call));
  if (!(await root.status(path))) throw nothingAt(path);
  await root.remove(path);
  return empty(204);
}

/** Never over something that is there. */
async function rename(call: Call, root: FileRoot): Promise<Reply> {
  const [from, to] = [await inParent(root, pathOf(call, 'from')), await inParent(root, pathOf(call, 'to'))];
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
  // Not normalized: what `..` behind a link means is for the volume to say.
  const path = `/${given}`.replace(/(?<=.)\/+$/, '');
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
