import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { canceled } from '../../base/errors.ts';
import { FilterFailed, filtered } from '../sys/filter.ts';
import { invalidArchive, unsupportedArchive } from './errors.ts';

export type Bytes = AsyncIterable<Uint8Array>;

/**
 * The bytes of a stream until the signal says stop. The stream is not destroyed when the reader gives up early: it may be
 * an HTTP request that still has to be answered.
 */
export async function* abortable(stream: Readable, options: { signal: AbortSignal; doing: string }): Bytes {
  const { signal, doing } = options;
  const stop = (): void => void stream.destroy(canceled(`the request to ${doing}`));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Passes the content of a layer on. @throws invalid at its end when it has another digest than its image says. */
export async function* verified(source: Bytes, diffId: string): Bytes {
  const hash = createHash('sha256');
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== diffId) {
    throw invalidArchive(`a layer's content has the digest ${actual}, but its image says ${diffId}`);
  }
}

export async function* buffers(source: Bytes): AsyncGenerator<Buffer> {
  for await (const piece of source) yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}

/** @param onBytes gets the bytes that have passed, with each piece before it is read */
export async function* counted(source: Bytes, onBytes: (passed: number) => void): Bytes {
  let passed = 0;
  for await (const chunk of source) {
    passed += chunk.length;
    onBytes(passed);
    yield chunk;
  }
}

/**
 * Undoes the compression that the first bytes show; what is not compressed passes through. For bytes that come from elsewhere
 * there is `UnpackLimits`.
 */
export async function* decompressed(source: Bytes): Bytes {
  const iterator = source[Symbol.asyncIterator]();
  try {
    let head: Buffer = Buffer.alloc(0);
    let ended = false;
    while (head.length < longestMagic && !ended) {
      const next = await iterator.next();
      if (next.done) ended = true;
      else head = Buffer.concat([head, next.value]);
    }
    const whole = rest(head, iterator, ended);
    const codec = magics.find(({ magic }) => head.subarray(0, magic.length).equals(magic));
    if (!codec) yield* whole;
    else yield* codec.open(whole);
  } finally {
    await iterator.return?.();
  }
}

/** What a file holds is compressed with zstd. */
export async function isZstd(file: FileHandle): Promise<boolean> {
  const head = Buffer.alloc(zstdMagic.length);
  await file.read(head, 0, head.length, 0);
  return head.equals(zstdMagic);
}

async function* rest(head: Buffer, iterator: AsyncIterator<Uint8Array>, ended: boolean): Bytes {
  if (head.length > 0) yield head;
  for (let done = ended; !done; ) {
    const next = await iterator.next();
    done = next.done === true;
    if (!next.done) yield next.value;
  }
}

async function* through(source: Bytes, codec: Transform): Bytes {
  // A failure of the source or the codec comes out of the iteration; pipeline destroys both.
  const finished = pipeline(Readable.from(source), codec).catch(() => undefined);
  try {
    yield* codec;
  } finally {
    await finished;
  }
}

const chunkSize = 1 << 18;
const longestMagic = 6;
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

const magics: readonly { readonly magic: Buffer; open(source: Bytes): Bytes }[] = [
  { magic: Buffer.from([0x1f, 0x8b]), open: (source) => through(source, zlib.createGunzip({ chunkSize })) },
  { magic: zstdMagic, open: unzstd },
  { magic: Buffer.from('BZh'), open: (source) => byProgram(source, 'bzip2') },
  { magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), open: (source) => byProgram(source, 'xz') },
];

/** Node has it from 22.15 on; its type declarations here are those of Node 20. Before, the host's program does it. */
async function* unzstd(source: Bytes): Bytes {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  const codec: unknown = typeof create === 'function' ? create({ chunkSize }) : undefined;
  if (codec instanceof Transform) yield* through(source, codec);
  else yield* byProgram(source, 'zstd');
}

/** Node has no codec for these; dockerd too starts a program for xz. */
async function* byProgram(source: Bytes, name: keyof typeof programs): Bytes {
  try {
    yield* filtered(source, [name, '-d', '-c']);
  } catch (failure) {
    if (!(failure instanceof FilterFailed)) throw failure;
    if (failure.isMissing) throw unsupportedArchive(`it is compressed with ${name}, and ${programs[name]}`);
    // The zstd program does not say who it is.
    throw invalidArchive(failure.message.includes(name) ? failure.message : `${name}: ${failure.message}`);
  }
}

/** What a host lacks that has not the program of this name. */
const programs = {
  bzip2: 'the host has no program bzip2',
  xz: 'the host has no program xz',
  zstd: 'the host has neither Node 22.15 nor a program zstd',
} as const;
