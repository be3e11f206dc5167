import { bytesOf } from '../sys/names.ts';
import type { Piece, TarEntry } from './tar.ts';
import { blockSize, tarFlags } from './tar-header.ts';

/** An entry to be written; `body` has about `size` bytes: what is missing is filled with zeros, what is too much is left out. */
export interface TarItem extends Omit<TarEntry, 'body' | 'rawMode'> {
  body?(): AsyncIterable<Piece>;
}

/**
 * Writes a tar archive in POSIX ustar, with pax headers where ustar cannot say it: long or foreign names, attributes, large
 * numbers. Times are whole seconds, as Docker has them, so that no entry needs a pax header for its time alone.
 */
export async function* writeTar(items: AsyncIterable<TarItem>): AsyncGenerator<Buffer> {
  yield* gathered(blocks(items));
}

async function* blocks(items: AsyncIterable<TarItem>): AsyncGenerator<Buffer> {
  for await (const item of items) {
    yield headerOf(item);
    if (item.type === 'file' && item.size > 0) yield* contentOf(item);
  }
  yield zeros.subarray(0, 2 * blockSize);
}

const zeros = Buffer.alloc(1 << 16);

async function* contentOf(item: TarItem): AsyncGenerator<Buffer> {
  let left = item.size;
  for await (const piece of item.body?.() ?? []) {
    if ('hole' in piece) {
      yield* zerosOf(Math.min(left, piece.hole));
      left -= Math.min(left, piece.hole);
    } else {
      yield piece.subarray(0, left);
      left -= Math.min(left, piece.length);
    }
    if (left === 0) break;
  }
  yield* zerosOf(left + ((blockSize - (item.size % blockSize)) % blockSize));
}

export function* zerosOf(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= zeros.length) yield zeros.subarray(0, Math.min(left, zeros.length));
}

const enough = 1 << 16;

/** Small pieces become one: each costs a turn of everything behind. */
async function* gathered(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    size += piece.length;
    if (size < enough) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(waiting);
}

interface Fields {
  readonly name: Buffer;
  readonly prefix?: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly flag: string;
  readonly link: Buffer;
  readonly major: number;
  readonly minor: number;
}

function headerOf(item: TarItem): Buffer {
  const name = bytesOf(item.type === 'directory' && !item.name.endsWith('/') ? `${item.name}/` : item.name);
  const link = bytesOf(item.type === 'link' || item.type === 'symlink' ? item.link : '');
  const size = item.type === 'file' ? item.size : 0;
  const { seconds } = item.mtime;
  const pax: [string, Buffer | string][] = [];
  const place = placeOf(name);
  if (!place) pax.push(['path', name]);
  if (link.length > nameSize || !isAscii(link)) pax.push(['linkpath', link]);
  const fits = (value: number, digits: number): boolean => value >= 0 && value < 8 ** digits;
  if (!fits(size, 11)) pax.push(['size', String(size)]);
  if (!fits(item.uid, 7)) pax.push(['uid', String(item.uid)]);
  if (!fits(item.gid, 7)) pax.push(['gid', String(item.gid)]);
  if (!fits(seconds, 11)) pax.push(['mtime', String(seconds)]);
  for (const [key, value] of item.xattrs) pax.push([`SCHILY.xattr.${key}`, value]);
  const own = block({
    ...(place ?? { name: asciiOf(name).subarray(0, nameSize) }),
    mode: item.mode,
    uid: fits(item.uid, 7) ? item.uid : 0,
    gid: fits(item.gid, 7) ? item.gid : 0,
    size: fits(size, 11) ? size : 0,
    mtime: fits(seconds, 11) ? seconds : 0,
    flag: tarFlags[item.type],
    link: asciiOf(link).subarray(0, nameSize),
    major: item.major,
    minor: item.minor,
  });
  return pax.length === 0 ? own : Buffer.concat([paxHeader(name, pax), own]);
}

const nameSize = 100;
const prefixSize = 155;

/** Where ustar has room for a name; undefined: nowhere. */
function placeOf(name: Buffer): { name: Buffer; prefix?: Buffer } | undefined {
  if (!isAscii(name)) return undefined;
  if (name.length <= nameSize) return { name };
  // The slash of a directory at the end does not part anything.
  const slash = name.lastIndexOf(0x2f, Math.min(prefixSize, name.length - 2));
  if (slash <= 0 || name.length - slash - 1 > nameSize) return undefined;
  return { name: name.subarray(slash + 1), prefix: name.subarray(0, slash) };
}

const isAscii = (bytes: Buffer): boolean => bytes.every((byte) => byte < 0x80);
const asciiOf = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte & 0x7f));

function paxHeader(name: Buffer, records: readonly [string, Buffer | string][]): Buffer {
  const data = Buffer.concat(records.map(([key, value]) => paxRecord(key, Buffer.from(value))));
  const head = block({
    name: Buffer.concat([Buffer.from('PaxHeaders.0/'), asciiOf(name)]).subarray(0, nameSize),
    mode: 0,
    uid: 0,
    gid: 0,
    size: data.length,
    mtime: 0,
    flag: 'x',
    link: Buffer.alloc(0),
    major: 0,
    minor: 0,
  });
  return Buffer.concat([head, data, zeros.subarray(0, (blockSize - (data.length % blockSize)) % blockSize)]);
}

/** `LENGTH KEY=VALUE\n`, whose length counts its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([bytesOf(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function block(fields: Fields): Buffer {
  const header = Buffer.alloc(blockSize);
  const octal = (value: number, at: number, digits: number): void => {
    header.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
  };
  fields.name.copy(header, 0);
  octal(fields.mode, 100, 7);
  octal(fields.uid, 108, 7);
  octal(fields.gid, 116, 7);
  octal(fields.size, 124, 11);
  octal(fields.mtime, 136, 11);
  header.fill(' ', 148, 156);
  header.write(fields.flag, 156, 'latin1');
  fields.link.copy(header, 157);
  header.write('ustar\x0000', 257, 'latin1');
  octal(fields.major, 329, 7);
  octal(fields.minor, 337, 7);
  fields.prefix?.copy(header, 345);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
