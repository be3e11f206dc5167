import { type Deferred, deferred, Signal } from '../../base/async.ts';
import { canceled } from '../../base/errors.ts';
import type { Connection } from './connection.ts';
import type { ExitRecord, OnOutput, OperationResult, Output, StartedShim } from './contract.ts';
import { shimVanished } from './errors.ts';
import { chunkSize, type Frame, frame, frameHead, frameOf, parseExited, parseResults } from './wire.ts';

/** One connection to a supervising shim. Its owner feeds it the frames. */
export class LiveShim implements StartedShim {
  readonly shimPid: number;
  readonly pid: number;
  readonly startedAt: number;
  /** As they came: a thousand of these live long, and the results are looked at once. */
  readonly #results: Buffer;
  readonly exited: Promise<ExitRecord>;
  readonly #exit = deferred<ExitRecord>();
  readonly #connection: Connection;
  readonly #subscribers: Set<OnOutput>;
  readonly #findRecord: () => Promise<ExitRecord | undefined>;
  readonly #memory = new Signal<void>();
  #memoryTold = false;
  #lastWrite: Promise<void> = Promise.resolve();
  #taken: Deferred<void> | undefined;
  #over = false;

  constructor(
    connection: Connection,
    state: {
      shimPid: number;
      pid: number;
      startedAt: number;
      results: Buffer;
      subscribers: Set<OnOutput>;
      /** Asked when the shim vanishes: it may have written its record before. */
      findRecord: () => Promise<ExitRecord | undefined>;
    },
  ) {
    this.#connection = connection;
    this.shimPid = state.shimPid;
    this.pid = state.pid;
    this.startedAt = state.startedAt;
    // A copy of its own: what was received is part of something larger, and so is a small Buffer.from().
    this.#results = Buffer.from(new Uint8Array(state.results).buffer);
    this.#subscribers = state.subscribers;
    this.#findRecord = state.findRecord;
    this.exited = this.#exit.promise;
    // Who does not wait for the exit need not handle its failure.
    this.exited.catch(() => undefined);
  }

  get results(): readonly OperationResult[] {
    return parseResults(this.#results).sort((a, b) => a.id - b.id);
  }

  handle({ type, data }: Frame): void | Promise<void> {
    if (type === frame.stdout || type === frame.stderr) return this.output(type, data);
    if (type === frame.taken) this.#taken?.resolve();
    if (type === frame.oom) {
      this.#memoryTold = true;
      this.#memory.emit();
    }
    if (type === frame.exited) {
      this.#exit.resolve(parseExited(data));
      this.#finish();
    }
  }

  /** Delivers one chunk to every subscriber; the promise is there when one of them asked for time. */
  output(type: number, data: Buffer): void | Promise<void> {
    const chunk: Output = { stream: type === frame.stdout ? 'stdout' : 'stderr', data };
    return deliver(this.#subscribers, chunk);
  }

  closed(): void {
    if (this.#over) return;
    this.#finish();
    const vanished = shimVanished(`process ${this.pid} ran`);
    this.#findRecord().then(
      (record) => (record ? this.#exit.resolve(record) : this.#exit.reject(vanished)),
      () => this.#exit.reject(vanished),
    );
  }

  subscribe(onOutput: OnOutput): { dispose(): void } {
    // A wrapper, so that one function may subscribe twice.
    const mine: OnOutput = (chunk) => onOutput(chunk);
    this.#subscribers.add(mine);
    if (this.#subscribers.size === 1) void this.#connection.send(frameOf(frame.subscribe, 1));
    return {
      dispose: () => {
        if (this.#subscribers.delete(mine) && this.#subscribers.size === 0) {
          void this.#connection.send(frameOf(frame.subscribe, 0));
        }
      },
    };
  }

  /** After the process's end, or when it closed its stdin, what is written goes nowhere, as in a pipe that nobody reads. */
  write(data: Uint8Array): Promise<void> {
    const before = this.#lastWrite;
    const mine = (async () => {
      await before;
      for (let at = 0; at < data.length && !this.#over; at += chunkSize) {
        const part = Buffer.from(data.buffer, data.byteOffset + at, Math.min(chunkSize, data.length - at));
        const taken = deferred<void>();
        this.#taken = taken;
        void this.#connection.send(frameHead(frame.stdin, part.length), part);
        await taken.promise;
        this.#taken = undefined;
      }
    })();
    this.#lastWrite = mine;
    return mine;
  }

  closeStdin(): void {
    const close = (): void => void this.#connection.send(frameOf(frame.stdinClose));
    if (this.#taken) void this.#lastWrite.then(close);
    else close();
  }

  onMemory(listener: () => void): { dispose(): void } {
    if (this.#memoryTold) queueMicrotask(listener);
    return this.#memory.on(listener);
  }

  resize({ rows, columns }: { readonly rows: number; readonly columns: number }): void {
    void this.#connection.send(frameOf(frame.resize, (rows & 0xffff) | ((columns & 0xffff) << 16)));
  }

  signal(signal: number): void {
    void this.#connection.send(frameOf(frame.signal, signal));
  }

  disconnect(): void {
    if (!this.#over) {
      this.#finish();
      this.#exit.reject(canceled(`watching process ${this.pid}`));
    }
    this.#subscribers.clear();
    this.#connection.close();
  }

  #finish(): void {
    this.#over = true;
    this.#taken?.resolve();
  }
}

/** Hands a chunk to all; a subscriber's failure ends nothing but its own turn. */
export function deliver(subscribers: Iterable<OnOutput>, chunk: Output): void | Promise<void> {
  const pending: Promise<void>[] = [];
  for (const onOutput of subscribers) {
    const busy = onOutput(chunk);
    if (busy) pending.push(busy.catch(() => undefined));
  }
  if (pending.length > 0) return Promise.all(pending).then(() => undefined);
}
