import { invalidArchive } from './errors.ts';

/** The fixed fields of one 512-byte header block (POSIX ustar and GNU; offsets from tar(5)). Names are raw bytes. */
export interface RawHeader {
  readonly name: Buffer;
  /** The mode with whatever else the field holds. */
  readonly rawMode: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes that follow in the archive. */
  readonly size: number;
  /** Whole seconds; may be negative. */
  readonly mtime: number;
  /** The type flag as a character, '0' for the NUL of old archives. */
  readonly flag: string;
  readonly link: Buffer;
  readonly major: number;
  readonly minor: number;
  readonly block: Buffer;
}

export const blockSize = 512;

/** The type flags that we write, tar(5). */
export const tarFlags = {
  file: '0',
  link: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
} as const;

/** Bits of st_mode for each type, inode(7). Docker's archives carry them. */
export const typeBits = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  char: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
} as const;

export const isZeroBlock = (block: Buffer): boolean => block.every((byte) => byte === 0);

/** @throws invalid when the checksum or a number is wrong. */
export function decodeHeader(block: Buffer): RawHeader {
  checkSum(block);
  const gnu = block.toString('latin1', 257, 265) === 'ustar  \0';
  const posix = !gnu && block.toString('latin1', 257, 262) === 'ustar';
  const prefix = posix ? cString(block, 345, 155) : Buffer.alloc(0);
  const name = cString(block, 0, 100);
  const devices = gnu || posix;
  const rawMode = number(block, 100, 8);
  return {
    name: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name,
    rawMode,
    mode: rawMode & 0o7777,
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    size: number(block, 124, 12),
    mtime: number(block, 136, 12),
    flag: block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0),
    link: cString(block, 157, 100),
    major: devices ? number(block, 329, 8) : 0,
    minor: devices ? number(block, 337, 8) : 0,
    block,
  };
}

/** A number field: octal digits, or two's complement in base 256 when the first bit is set (GNU). */
export function number(block: Buffer, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  if (first & 0x80) return base256(block.subarray(offset, offset + length));
  const digits = block
    .toString('latin1', offset, offset + length)
    .replace(/^[ \0]+/, '')
    .replace(/[ \0].*$/s, '');
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) throw invalidArchive('a tar header has a number that is not octal');
  return Number.parseInt(digits, 8);
}

/** The bytes of a field up to its first NUL. */
export function cString(block: Buffer, offset = 0, length = block.length): Buffer {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
}

function base256(field: Buffer): number {
  const negative = ((field[0] ?? 0) & 0x40) !== 0;
  let value = BigInt((field[0] ?? 0) & 0x7f);
  for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte);
  if (negative) value -= 1n << BigInt(field.length * 8 - 1);
  const result = Number(value);
  if (!Number.isSafeInteger(result)) throw invalidArchive('a tar header has a number that is too large');
  return result;
}

/** Old writers summed signed bytes; both sums are accepted, as every tar does. */
function checkSum(block: Buffer): void {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < blockSize; at++) {
    const byte = at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  const stored = number(block, 148, 8);
  if (stored !== unsigned && stored !== signed) {
    throw invalidArchive('a tar header is damaged, or this is not a tar archive');
  }
}
