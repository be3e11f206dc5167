import { nameOf } from '../sys/names.ts';
import { ByteSource } from './byte-source.ts';
import { invalidArchive, unsupportedArchive } from './errors.ts';
import { blockSize, cString, decodeHeader, isZeroBlock, type RawHeader } from './tar-header.ts';
import { decodePax, type PaxRecords, paxNumber, paxTime } from './tar-pax.ts';
import { checkSparse, isPaxSparse1, oldGnuSparse, paxSparse, paxSparse1, type SparseMap } from './tar-sparse.ts';

/**
 * A reader of tar archives: POSIX ustar and pax, GNU and the old v7 format, as docker, BuildKit, umoci, GNU tar and
 * busybox write them. It is our own because extended attributes (file capabilities) are bytes, which tar-stream's pax
 * decoder turns into text, and because it reads sparse files.
 *
 * @example
 * for await (const entry of readTar(stream)) {
 *   if (entry.type === 'file') for await (const piece of entry.body()) use(piece);
 * }
 */
export interface TarEntry {
  /** As written, for example './etc/passwd'; what is not UTF-8 as `sys/names.ts` has it. */
  readonly name: string;
  readonly type: 'file' | 'link' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo';
  readonly mode: number;
  /** The field as it is: Docker's archives have bits of the file's type in it. */
  readonly rawMode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of the file's content, holes included. */
  readonly size: number;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
  /** Target of a link or symlink. */
  readonly link: string;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** The content, once; what is not read is passed over. */
  body(): AsyncGenerator<Piece>;
}

/** A part of a file's content. */
export type Piece = Buffer | Hole;

export interface Hole {
  /** Number of bytes that read as zero and are not stored. */
  readonly hole: number;
}

/** As the Go readers: a longer name or attribute is an attack, not a file. */
const longestSpecial = 1 << 20;
/** Writers fill up the last record, which is 10 KiB long in most archives. */
const longestTail = 1 << 26;
const largestId = 0xff_ff_ff_fe;
/** 12 and 20 bits (linux/kdev_t.h). */
const largestMajor = 0xfff;
const largestMinor = 0xfffff;
const xattrPrefix = 'SCHILY.xattr.';

/** Reads to the very end of `stream`, so that a digest over it covers what follows the archive too. */
export async function* readTar(stream: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const source = new ByteSource(stream);
  try {
    yield* entries(source);
    // What is compressed can be any number of zeros in a few bytes.
    if (!(await source.drain(longestTail))) throw invalidArchive(`more than ${longestTail} bytes come behind its end`);
  } finally {
    await source.close();
  }
}

async function* entries(source: ByteSource): AsyncGenerator<TarEntry> {
  let global: PaxRecords = new Map();
  let special = new Special();
  let previous = 'its first entry';
  for (;;) {
    const block = await source.take(blockSize);
    if (block.length === 0 || isZeroBlock(block)) break;
    if (block.length < blockSize) throw invalidArchive(`it ends in the middle of a header, after ${previous}`);
    const header = decodeHeader(block);
    if (header.size < 0) throw invalidArchive('a tar header has a negative size');
    if (specialFlags.has(header.flag)) {
      const data = await takeSpecial(source, header);
      if (header.flag === 'g') global = merged(global, ownCopies(decodePax(data)));
      else special = special.with(header.flag, data);
      continue;
    }
    const body = new Body(source, special.stored(header, global));
    const entry = await describe(header, special, { global, source, body });
    special = new Special();
    if (entry) {
      previous = `'${entry.name}'`;
      yield entry;
    }
    await body.finish(previous);
  }
  if (!special.isEmpty) throw invalidArchive('it ends after an extended header');
}

const specialFlags = new Set(['x', 'X', 'g', 'L', 'K']);

async function takeSpecial(source: ByteSource, header: RawHeader): Promise<Buffer> {
  if (header.size > longestSpecial) throw invalidArchive('an extended header is too long');
  const data = await source.take(header.size);
  if (data.length < header.size || !(await source.skip(padding(header.size)))) {
    throw invalidArchive('it ends in the middle of an extended header');
  }
  return data;
}

/** Any number of headers may come before one entry: what they add up to is bounded as each of them is. */
function merged(before: PaxRecords, more: PaxRecords): PaxRecords {
  const all = before.size === 0 ? more : new Map([...before, ...more]);
  let bytes = 0;
  for (const [key, value] of all) bytes += key.length + value.length;
  if (bytes > longestSpecial) throw invalidArchive('its extended headers are too long together');
  return all;
}

/** A value is a part of its header: kept as it is, each would keep a whole header in memory. */
function ownCopies(records: PaxRecords): PaxRecords {
  return new Map([...records].map(([key, value]) => [key, Buffer.from(value)]));
}

/** What the extended headers before an entry say. */
class Special {
  readonly pax: PaxRecords;
  readonly longName: Buffer | undefined;
  readonly longLink: Buffer | undefined;

  constructor(parts: { pax?: PaxRecords; longName?: Buffer | undefined; longLink?: Buffer | undefined } = {}) {
    this.pax = parts.pax ?? new Map();
    this.longName = parts.longName;
    this.longLink = parts.longLink;
  }

  get isEmpty(): boolean {
    return this.pax.size === 0 && !this.longName && !this.longLink;
  }

  with(flag: string, data: Buffer): Special {
    if (flag === 'L') return new Special({ ...this, longName: cString(data) });
    if (flag === 'K') return new Special({ ...this, longLink: cString(data) });
    return new Special({ ...this, pax: merged(this.pax, ownCopies(decodePax(data))) });
  }

  /** Bytes that follow the header in the archive. */
  stored(header: RawHeader, global: PaxRecords): number {
    const size = this.pax.get('size') ?? global.get('size');
    if (withoutBody.has(header.flag)) return 0;
    return size ? paxNumber(size) : header.size;
  }
}

/** Links, devices, directories and fifos have no data, whatever their size field says (as GNU tar and Go read them). */
const withoutBody = new Set(['1', '2', '3', '4', '5', '6']);

const types: Readonly<Record<string, TarEntry['type']>> = {
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
  D: 'directory',
};

interface Context {
  readonly global: PaxRecords;
  readonly source: ByteSource;
  readonly body: Body;
}

/** Undefined for a volume label, which is no file. */
async function describe(header: RawHeader, special: Special, context: Context): Promise<TarEntry | undefined> {
  if (header.flag === 'V') return undefined;
  const pax: PaxRecords = context.global.size > 0 ? new Map([...context.global, ...special.pax]) : special.pax;
  const name = text(pax.get('GNU.sparse.name') ?? pax.get('path') ?? special.longName ?? header.name, 'an entry name');
  const type = types[header.flag];
  if (!type) throw unsupportedArchive(`'${name}' has the unknown tar type '${header.flag}'`);
  const { body } = context;
  const sparse = type === 'file' ? await sparseMap(header, pax, context) : undefined;
  if (sparse) body.spread(sparse);
  // Before POSIX a directory was a file whose name ends with a slash.
  const old = type === 'file' && name.endsWith('/');
  const mtime = pax.get('mtime');
  return {
    name,
    type: old ? 'directory' : type,
    mode: header.mode,
    rawMode: header.rawMode,
    uid: id(pax.get('uid'), header.uid),
    gid: id(pax.get('gid'), header.gid),
    size: type === 'file' ? (sparse?.size ?? body.stored) : 0,
    mtime: mtime ? paxTime(mtime) : { seconds: header.mtime, nanoseconds: 0 },
    link: text(pax.get('linkpath') ?? special.longLink ?? header.link, `the link of '${name}'`),
    ...deviceOf(header, type, name),
    xattrs: xattrsOf(pax),
    body: () => body.read(name),
  };
}

async function sparseMap(header: RawHeader, pax: PaxRecords, context: Context): Promise<SparseMap | undefined> {
  const { source, body } = context;
  let map: SparseMap | undefined;
  if (header.flag === 'S') map = await oldGnuSparse(header.block, source);
  else if (isPaxSparse1(pax)) {
    const found = await paxSparse1(pax, source, body.stored);
    body.consumed(found.taken);
    map = found.map;
  } else map = paxSparse(pax);
  if (map) checkSparse(map, body.stored);
  return map;
}

/** The stored bytes of one entry. */
class Body {
  readonly #source: ByteSource;
  readonly #padding: number;
  #left: number;
  #map: SparseMap | undefined;

  constructor(source: ByteSource, stored: number) {
    this.#source = source;
    this.#left = stored;
    this.#padding = padding(stored);
  }

  /** Bytes of content in the archive. */
  get stored(): number {
    return this.#left;
  }

  /** Bytes of the stored size that were not content. */
  consumed(bytes: number): void {
    this.#left -= bytes;
  }

  spread(map: SparseMap): void {
    this.#map = map;
  }

  async *read(name: string): AsyncGenerator<Piece> {
    if (!this.#map) return yield* this.#data(this.#left, name);
    let at = 0;
    for (const { offset, length } of this.#map.segments) {
      if (offset > at) yield { hole: offset - at };
      yield* this.#data(length, name);
      at = offset + length;
    }
    if (this.#map.size > at) yield { hole: this.#map.size - at };
  }

  async *#data(length: number, name: string): AsyncGenerator<Piece> {
    for (let missing = length; missing > 0; ) {
      const part = await this.#source.some(missing);
      if (part.length === 0) throw invalidArchive(`it ends in the middle of '${name}'`);
      missing -= part.length;
      this.#left -= part.length;
      yield part;
    }
  }

  async finish(name: string): Promise<void> {
    if (!(await this.#source.skip(this.#left))) throw invalidArchive(`it ends in the middle of ${name}`);
    this.#left = 0;
    // The `docker` command leaves it out behind the last file of a context whose Dockerfile is elsewhere; Go reads that too.
    await this.#source.skip(this.#padding);
  }
}

const padding = (size: number): number => (blockSize - (size % blockSize)) % blockSize;

function text(bytes: Buffer, what: string): string {
  if (bytes.includes(0)) throw invalidArchive(`${what} has a NUL byte`);
  return nameOf(bytes);
}

function id(fromPax: Buffer | undefined, fromHeader: number): number {
  const value = fromPax ? paxNumber(fromPax) : fromHeader;
  if (value < 0 || value > largestId) throw invalidArchive(`owner ${value} is out of range`);
  return value;
}

/** A number that is larger than the kernel's becomes another device there, without a word. */
function deviceOf({ major, minor }: RawHeader, type: TarEntry['type'], name: string) {
  if (type !== 'char' && type !== 'block') return { major, minor };
  if (major < 0 || minor < 0 || major > largestMajor || minor > largestMinor) {
    throw invalidArchive(`'${name}' is the device ${major}:${minor}, whose number is out of range`);
  }
  return { major, minor };
}

function xattrsOf(pax: PaxRecords): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const [key, value] of pax) if (key.startsWith(xattrPrefix)) found.set(key.slice(xattrPrefix.length), value);
  return found;
}
