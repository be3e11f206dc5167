import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Readable } from 'node:stream';
import { Signal } from '../../base/async.ts';
import { PortholeError } from '../../base/errors.ts';
import { DisposableStore } from '../../base/lifetime.ts';
import type { Container } from './container.ts';
import type { LogOptions, LogStream } from './contract.ts';
import { LineCutter, type LogRecord, logTime, parseRecord, tailOf } from './cri.ts';
import type { Engine } from './engine.ts';
import { logDetails } from './log-attributes.ts';
import { type LogFile, LogFiles } from './log-files.ts';
import { keepsLog } from './log-options.ts';
import { frameHeader } from './stdio-stream.ts';

/** Bytes read at once, and about the most that is given out at once. */
const chunkSize = 64 * 1024;

/** `docker logs`. The stream ends after the last line, with `follow` after the last line of the container's life. */
export function openLogs(engine: Engine, container: Container, options: LogOptions): LogStream {
  if (!keepsLog(container.record.hostConfig.LogConfig)) {
    throw new PortholeError('unsupported', 'configured logging driver does not support reading');
  }
  const tty = container.record.config.Tty === true;
  const details = options.details ? logDetails(container.record) : '';
  const chunks = logChunks(container, options, { tty, details, closing: engine.closing });
  return { tty, stream: Readable.from(chunks, { objectMode: false, highWaterMark: chunkSize }) };
}

async function* logChunks(
  container: Container,
  options: LogOptions,
  form: { readonly tty: boolean; readonly details: string; readonly closing: AbortSignal },
): AsyncGenerator<Buffer> {
  const lifetime = new DisposableStore();
  const woken = new Wake();
  const render = new Renderer(options, form);
  const files = new LogFiles(container.record.logPath);
  let file: LogFile | undefined;
  let next: LogFile | undefined;
  try {
    if (options.follow) {
      lifetime.add(container.exited.on(woken.wake));
      lifetime.add(container.removed.on(woken.wake));
      // Not AbortSignal.any: its result would stay with the engine's own signal for as long as that lives.
      for (const signal of [options.signal, form.closing]) {
        signal.addEventListener('abort', woken.wake, { once: true });
        lifetime.add({ dispose: () => signal.removeEventListener('abort', woken.wake) });
      }
      watchLog(container.record.logPath, { lifetime, wake: woken.wake });
    }
    const from = await beginning(files, options);
    if (!from) return;
    file = from.file;
    if (options.follow && options.until !== undefined) {
      const timer = setTimeout(woken.wake, Math.max(0, options.until * 1000 - Date.now()) + 1);
      lifetime.add({ dispose: () => clearTimeout(timer) });
    }
    let position = from.offset;
    const buffer = Buffer.allocUnsafe(chunkSize);
    let cutter = new LineCutter();
    while (!render.isOver && !options.signal.aborted) {
      // Asked before the read: what a life that is over by now has written is there to be read. An agent that ends stops
      // following, but what it answers is whole.
      const isFollowing = options.follow && !form.closing.aborted;
      const goesOn = isFollowing && container.life !== undefined && !isPast(options.until);
      const { bytesRead } = await file.handle.read(buffer, 0, chunkSize, position);
      position += bytesRead;
      if (bytesRead > 0) yield* render.lines(cutter.cut(buffer.subarray(0, bytesRead)));
      else if (next) {
        await file.handle.close();
        [file, next, position, cutter] = [next, undefined, 0, new LineCutter()];
      } else {
        // Once there is a next file nothing more is written to this one: it is read to its end before.
        next = await files.after(file);
        if (next) continue;
        if (!goesOn) return;
        await woken.next();
      }
    }
  } finally {
    lifetime.dispose();
    await Promise.all([file?.handle.close(), next?.handle.close()]);
  }
}

/** The directory is watched: the file gets another name when it is full. */
function watchLog(path: string, to: { readonly lifetime: DisposableStore; wake(): void }): void {
  const name = basename(path);
  const watcher = watch(dirname(path), (_, changed) => {
    if (changed === null || changed.startsWith(name)) to.wake();
  });
  // It can go away with its container; that wakes us through the container itself.
  watcher.on('error', to.wake);
  to.lifetime.add({ dispose: () => watcher.close() });
}

/** Where reading begins; undefined: nothing was ever logged. */
async function beginning(
  files: LogFiles,
  options: LogOptions,
): Promise<{ readonly file: LogFile; readonly offset: number } | undefined> {
  const { tail } = options;
  if (tail === undefined || tail < 0) {
    const oldest = await files.oldest();
    return oldest && { file: oldest, offset: 0 };
  }
  let file = await files.newest();
  for (let count = tail, goesOn = false; file; goesOn = true) {
    const { handle } = file;
    const { size } = await handle.stat();
    if (tail === 0) return { file, offset: size };
    const read = (buffer: Buffer, position: number) => handle.read(buffer, 0, buffer.length, position);
    const found = await tailOf(read, { size, count, goesOn });
    const older: LogFile | undefined = found.missing === undefined ? undefined : await files.before(file);
    if (!older) return { file, offset: found.offset };
    await handle.close();
    count = found.missing ?? 0;
    file = older;
  }
  return undefined;
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
  readonly #details: string;
  readonly #since: string;
  readonly #until: string | undefined;
  /** Streams whose last record was only a part of a line. */
  readonly #inLine = new Set<string>();
  #isOver = false;

  constructor(options: LogOptions, form: { readonly tty: boolean; readonly details: string }) {
    this.#options = options;
    this.#details = form.details;
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
      ...(beginsLine
        ? [Buffer.from(this.#options.timestamps ? `${record.time} ${this.#details}` : this.#details)]
        : []),
      record.text,
      ...(record.isWhole ? [newline] : []),
    ];
    if (this.#tty) return data;
    const text = Buffer.concat(data);
    return [frameHeader({ stream: record.stream, data: text }), text];
  }
}

const newline = Buffer.from('\n');
