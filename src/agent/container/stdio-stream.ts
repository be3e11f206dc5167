import { Duplex } from 'node:stream';
import type { Output } from '../shim/contract.ts';
import { DetachFilter, defaultDetachKeys, parseDetachKeys } from './detach-keys.ts';
import type { OutputClient } from './output.ts';

/** Where a client's typing goes. */
export interface StdinSink {
  write(data: Uint8Array): Promise<void>;
  /** The client's side of stdin has ended. */
  end(): void;
}

export interface StdioOptions {
  readonly tty: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Absent: what the client writes is dropped. */
  readonly stdin?: StdinSink;
  /** '' or absent: Docker's default. They count with a terminal only. */
  readonly detachKeys?: string;
  /** The detach keys were typed. */
  onDetach(): void;
  /** The stream is over, from whichever side. */
  onClose(): void;
}

/**
 * A client's view of a process's stdio, in Docker's framing: raw bytes with a terminal, else frames of
 * [1 stdout or 2 stderr, 0, 0, 0, length (u32 big endian)] and the bytes.
 */
export class StdioStream extends Duplex implements OutputClient {
  readonly #options: StdioOptions;
  readonly #keys: DetachFilter | undefined;
  #taken: (() => void) | undefined;
  #draining = false;
  #stdinEnded = false;

  constructor(options: StdioOptions) {
    super({ readableHighWaterMark: 64 * 1024, writableHighWaterMark: 64 * 1024 });
    this.#options = options;
    const keys = options.detachKeys ? parseDetachKeys(options.detachKeys) : defaultDetachKeys;
    this.#keys = options.tty && options.stdin ? new DetachFilter(keys) : undefined;
  }

  get takesInput(): boolean {
    return this.#options.stdin !== undefined;
  }

  offer(chunk: Output): void | Promise<void> {
    if (this.destroyed || this.readableEnded) return;
    if (chunk.stream === 'stdout' ? !this.#options.stdout : !this.#options.stderr) return;
    if (!this.#options.tty) this.push(frameHeader(chunk));
    if (this.push(chunk.data) || this.#draining) return;
    return new Promise((resolve) => {
      this.#taken = resolve;
    });
  }

  drain(): void {
    this.#draining = true;
    this.#release();
  }

  /** Nothing more will come; what the client still writes goes nowhere. */
  finish(): void {
    if (!this.destroyed) this.push(null);
    this.#release();
  }

  override _read(): void {
    this.#release();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (failure?: Error | null) => void): void {
    const typed = this.#keys ? this.#keys.feed(chunk) : { pass: chunk, detach: false };
    const written = typed.pass.length > 0 ? this.#options.stdin?.write(typed.pass) : undefined;
    const settle = () => {
      if (typed.detach) {
        this.#options.onDetach();
        this.finish();
      }
      done();
    };
    // A process that has gone takes no input; that it has gone shows in its output and exit code.
    if (written) written.then(settle, settle);
    else settle();
  }

  override _final(done: (failure?: Error | null) => void): void {
    this.#endStdin();
    done();
  }

  override _destroy(failure: Error | null, done: (failure?: Error | null) => void): void {
    this.#release();
    this.#endStdin();
    this.#options.onClose();
    done(failure);
  }

  #endStdin(): void {
    if (this.#stdinEnded) return;
    this.#stdinEnded = true;
    this.#options.stdin?.end();
  }

  #release(): void {
    this.#taken?.();
    this.#taken = undefined;
  }
}

/** Header of one frame of Docker's multiplexed stream. */
export function frameHeader(chunk: Output): Buffer {
  const header = Buffer.alloc(8);
  header[0] = chunk.stream === 'stdout' ? 1 : 2;
  header.writeUInt32BE(chunk.data.length, 4);
  return header;
}
