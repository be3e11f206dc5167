import { watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Signal } from '../../base/async.ts';
import { errnoOf } from '../../base/errors.ts';
import { DisposableStore } from '../../base/lifetime.ts';
import type { Container } from './container.ts';
import type { LogOptions, LogStream } from './contract.ts';
import { LineCutter, type LogRecord, logTime, parseRecord, tailOffset } from './cri.ts';
import type { Engine } from './engine.ts';
import { frameHeader } from './stdio-stream.ts';

/** Bytes read at once, and about the most that is given out at once. */
const chunkSize = 64 * 1024;

/** `docker logs`. The stream ends after the last line, with `follow` after the last line of the container's life. */
export function openLogs(engine: Engine, container: Container, options: LogOptions): LogStream {
  const tty = container.record.config.Tty === true;
  const chunks = logChunks(container, options, { tty, signals: [options.signal, engine.closing] });
  return { tty, stream: Readable.from(chunks, { objectMode: false, highWaterMark: chunkSize }) };
}

async function* logChunks(
  container: Container,
  options: LogOptions,
  form: { readonly tty: boolean; readonly signals: readonly AbortSignal[] },
): AsyncGenerator<Buffer> {
  const lifetime = new DisposableStore();
  const woken = new Wake();
  const render = new Renderer(options, form);
  let file: FileHandle | undefined;
  try {
    if (options.follow) {
      lifetime.add(container.exited.on(woken.wake));
      lifetime.add(container.removed.on(woken.wake));
      // Not AbortSignal.any: its result would stay with the engine's own signal for as long as that lives.
      for (const signal of form.signals) {
        signal.addEventListener('abort', woken.wake, { once: true });
        lifetime.add({ dispose: () => signal.removeEventListener('abort', woken.wake) });
      }
    }
    file = await openLog(container.record.logPath);
    if (!file) return;
    if (options.follow) watchFile(container.record.logPath, { lifetime, wake: woken.wake });
    if (options.follow && options.until !== undefined) {
      const timer = setTimeout(woken.wake, Math.max(0, options.until * 1000 - Date.now()) + 1);
      lifetime.add({ dispose: () => clearTimeout(timer) });
    }
    let position = await firstPosition(file, options);
    const buffer = Buffer.allocUnsafe(chunkSize);
    const cutter = new LineCutter();
    while (!render.isOver && !form.signals.some((signal) => signal.aborted)) {
      // Asked before the read: what a life that is over by now has written is there to be read.
      const goesOn = options.follow && container.life !== undefined && !isPast(options.until);
      const { bytesRead } = await file.read(buffer, 0, chunkSize, position);
      position += bytesRead;
      if (bytesRead > 0) yield* render.lines(cutter.cut(buffer.subarray(0, bytesRead)));
      else if (goesOn) await woken.next();
      else return;
    }
  } finally {
    lifetime.dispose();
    await file?.close();
  }
}

/** Undefined: the container has never been started. */
async function openLog(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT') return undefined;
    throw failure;
  }
}

function watchFile(path: string, to: { readonly lifetime: DisposableStore; wake(): void }): void {
  const watcher = watch(path, to.wake);
  // The file can go away with its container; that wakes us through the container itself.
  watcher.on('error', to.wake);
  to.lifetime.add({ dispose: () => watcher.close() });
}

async function firstPosition(file: FileHandle, options: LogOptions): Promise<number> {
  if (options.tail === undefined || options.tail < 0) return 0;
  const { size } = await file.stat();
  return tailOffset((buffer, position) => file.read(buffer, 0, buffer.length, position), { size, count: options.tail });
}

function isPast(until: number | undefined): boolean {
  return until !== undefined && Date.now() >= until * 1000;
}

/** A wake-up that is not lost when it comes before somebody sleeps. */
class Wake {
  readonly #signal = new Signal<void>();
  #isDue = false;

  readonly wake = (): void => {
    this.#isDue = true;
    this.#signal.emit();
  };

  async next(): Promise<void> {
    if (!this.#isDue) {
      await new Promise<void>((resolve) => {
        const listening = this.#signal.on(() => {
          listening.dispose();
          resolve();
        });
      });
    }
    this.#isDue = false;
  }
}

/** Chooses and frames records, gathered into chunks of a sensible size. */
class Renderer {
  readonly #options: LogOptions;
  readonly #tty: boolean;
  readonly #since: string;
  readonly #until: string | undefined;
  /** Streams whose last record was only a part of a line. */
  readonly #inLine = new Set<string>();
  #isOver = false;

  constructor(options: LogOptions, form: { readonly tty: boolean }) {
    this.#options = options;
    this.#tty = form.tty;
    this.#since = options.since === undefined ? '' : logTime(options.since);
    this.#until = options.until === undefined ? undefined : logTime(options.until);
  }

  /** A record beyond `until` was seen: no later one can count. */
  get isOver(): boolean {
    return this.#isOver;
  }

  *lines(lines: Iterable<Buffer>): Generator<Buffer> {
    let parts: Buffer[] = [];
    let size = 0;
    for (const line of lines) {
      const record = parseRecord(line);
      if (!record) continue;
      if (this.#until !== undefined && record.time > this.#until) {
        this.#isOver = true;
        break;
      }
      const rendered = this.#render(record);
      for (const part of rendered) size += part.length;
      parts.push(...rendered);
      if (size < chunkSize) continue;
      yield Buffer.concat(parts);
      parts = [];
      size = 0;
    }
    if (size > 0) yield Buffer.concat(parts);
  }

  #render(record: LogRecord): Buffer[] {
    const beginsLine = !this.#inLine.has(record.stream);
    if (record.isWhole) this.#inLine.delete(record.stream);
    else this.#inLine.add(record.stream);
    if (record.time < this.#since || !this.#options[record.stream]) return [];
    const data = [
      ...(this.#options.timestamps && beginsLine ? [Buffer.from(`${record.time} `, 'latin1')] : []),
      record.text,
      ...(record.isWhole ? [newline] : []),
    ];
    if (this.#tty) return data;
    const text = Buffer.concat(data);
    return [frameHeader({ stream: record.stream, data: text }), text];
  }
}

const newline = Buffer.from('\n');
