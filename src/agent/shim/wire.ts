import { PortholeError } from '../../base/errors.ts';
import type { ExitRecord, OperationResult } from './contract.ts';

/**
 * Frame types; the shim's end, with every payload, is wire.h. The agent speaks to shims of this version and older ones: a
 * frame never changes its meaning, and whoever does not know one skips it. 2 added `ask` and `oom`.
 */
export const protocolVersion = 2;
export const frame = {
  ops: 1,
  batch: 2,
  stdin: 3,
  stdinClose: 4,
  resize: 5,
  signal: 6,
  subscribe: 7,
  ask: 8,
  hello: 65,
  result: 66,
  done: 67,
  started: 68,
  stdout: 69,
  stderr: 70,
  exited: 71,
  failed: 72,
  taken: 73,
  oom: 80,
} as const;

/** Bytes: the most that one stdin frame carries, and the most that one operations frame does. */
export const chunkSize = 32768;
export const planLimit = (8 << 20) - 8;

const headSize = 8;
/** Bytes: the shim's buffers hold no larger one. */
const frameLimit = 8 << 20;
const recordMagic = 0x31524850;

export function frameHead(type: number, size: number): Buffer {
  const head = Buffer.allocUnsafe(headSize);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(size, 4);
  return head;
}

/** A frame of 32-bit numbers. */
export function frameOf(type: number, ...numbers: number[]): Buffer {
  const whole = Buffer.allocUnsafe(headSize + numbers.length * 4);
  frameHead(type, numbers.length * 4).copy(whole);
  numbers.forEach((number, i) => {
    whole.writeUInt32LE(number >>> 0, headSize + i * 4);
  });
  return whole;
}

export interface Frame {
  readonly type: number;
  readonly data: Buffer;
}

/** Cuts a byte stream into frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /** The next whole frame, if it has arrived. @throws RangeError for one that no shim sends */
  next(): Frame | undefined {
    if (this.#size < headSize) return undefined;
    const head = this.#front(headSize);
    const size = head.readUInt32LE(4);
    if (size > frameLimit) throw new RangeError(`a frame of ${size} bytes`);
    if (this.#size < headSize + size) return undefined;
    const all = this.#front(headSize + size);
    this.#size -= headSize + size;
    // An empty part would keep the whole chunk in memory, for as long as nothing else comes.
    if (this.#size === 0) this.#chunks = [];
    else this.#chunks[0] = all.subarray(headSize + size);
    return { type: all.readUInt32LE(0), data: all.subarray(headSize, headSize + size) };
  }

  /** The first chunk, made long enough. */
  #front(size: number): Buffer {
    const first = this.#chunks[0];
    if (first && first.length >= size) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}

export interface Hello {
  readonly version: number;
  readonly state: 'executor' | 'running';
  readonly shimPid: number;
  readonly pid: number;
  /** Milliseconds since the epoch, 0 before. */
  readonly startedAt: number;
  /** As `parseResults` takes them. */
  readonly results: Buffer;
}

/** @throws RangeError when it is none */
export function parseHello(data: Buffer): Hello {
  return {
    version: data.readUInt32LE(0),
    state: data.readUInt32LE(4) === 1 ? 'running' : 'executor',
    shimPid: data.readUInt32LE(8),
    pid: data.readUInt32LE(12),
    startedAt: milliseconds(data.readBigUInt64LE(16)),
    results: data.subarray(24),
  };
}

export function parseStarted(data: Buffer): { pid: number; startedAt: number } {
  return { pid: data.readUInt32LE(0), startedAt: milliseconds(data.readBigUInt64LE(8)) };
}

export function parseResults(data: Buffer): OperationResult[] {
  const results: OperationResult[] = [];
  for (let at = 0; at + 20 <= data.length; ) {
    const size = data.readUInt32LE(at + 16);
    const result = {
      id: data.readUInt32LE(at),
      errno: data.readUInt32LE(at + 4),
      nanoseconds: Number(data.readBigUInt64LE(at + 8)),
    };
    at += 20;
    results.push(size > 0 ? { ...result, data: Buffer.from(data.subarray(at, at + size)) } : result);
    at += size;
  }
  return results;
}

/** The payload of an exited frame; the exit record is the same behind four bytes, 'PHR1'. */
export function parseExited(data: Buffer): ExitRecord {
  const status = data.readUInt32LE(0);
  const signal = status & 0x7f;
  return {
    exitCode: signal === 0 ? (status >> 8) & 0xff : 128 + signal,
    ...(signal === 0 ? {} : { signal }),
    exitedAt: milliseconds(data.readBigUInt64LE(8)),
    after: parseResults(data.subarray(16)),
  };
}

/** @param path only for the error's words. */
export function parseRecord(file: Buffer, path: string): ExitRecord {
  if (file.length < 20 || file.readUInt32LE(0) !== recordMagic) {
    throw new PortholeError('internal', `${path} is not an exit record`);
  }
  return parseExited(file.subarray(4));
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n) / 1000;
}
