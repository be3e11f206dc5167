import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import * as v from 'valibot';
import { errnoOf } from '../../base/errors.ts';
import type { HistoryEntry, HistoryEvent } from '../../protocol/history.ts';
import type { Trace } from '../../protocol/trace.ts';
import { syncDirectory, writeDurable } from '../sys/durable.ts';
import { namesIfThere } from '../sys/files.ts';
import { noSuchContainer } from './errors.ts';
import { timestamp } from './record.ts';

/**
 * What happened to each container, in DATA_ROOT/history/ID.jsonl: one entry per line, appended a little after it happened, so
 * that a start never waits for it. A file outlives its container for `days` days.
 */
export interface HistoryQuery {
  /** RFC 3339 in UTC with nanoseconds; both included. */
  readonly since?: string;
  readonly until?: string;
  /** The newest so many. */
  readonly limit?: number;
  readonly withTrace: boolean;
}

/** Milliseconds: starts and ends of a moment go to the disk together. */
const patience = 200;
/** Files that are written at the same time. */
const width = 4;
/** Bytes of one container's history; beyond, the older half goes. */
const largest = 512 * 1024;
const day = 86_400_000;
const suffix = '.jsonl';

interface Pending {
  readonly entry: HistoryEntry;
  readonly trace?: () => Trace;
}

/** A line on disk: the trace, many times as long as all the rest, is compressed. */
type Stored = HistoryEntry & { readonly gzipTrace?: string };

const compress = promisify(gzip);
const expand = promisify(gunzip);

export class DiskHistory {
  readonly #root: string;
  readonly #days: number;
  #pending = new Map<string, Pending[]>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #daily: NodeJS.Timeout | undefined;
  /** Milliseconds since the epoch, of the last entry. */
  #last = 0;

  private constructor(root: string, days: number) {
    this.#root = root;
    this.#days = days;
  }

  static async open(root: string, options: { readonly days: number }): Promise<DiskHistory> {
    await mkdir(root, { recursive: true, mode: 0o700 });
    return new DiskHistory(root, options.days);
  }

  /** @param trace rendered when it is written. */
  add(container: { readonly id: string; readonly name: string }, event: HistoryEvent, trace?: () => Trace): void {
    const { id, name } = container;
    // Never the same time twice: entries are asked for by it, and ordered.
    this.#last = Math.max(Date.now(), this.#last + 0.001);
    const entry: HistoryEntry = { time: timestamp(this.#last), id, name, ...event };
    const waiting = this.#pending.get(id);
    const one = trace ? { entry, trace } : { entry };
    if (waiting) waiting.push(one);
    else this.#pending.set(id, [one]);
    this.#timer ??= setTimeout(() => void this.flush(), patience).unref();
  }

  /** Everything that happened is on disk afterwards, as far as the disk takes it. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#pending;
    this.#pending = new Map();
    if (batch.size > 0) this.#writing = this.#writing.then(() => this.#write(batch));
    return this.#writing;
  }

  /** @throws not-found for a container of which nothing is known. */
  async of(id: string, query: HistoryQuery): Promise<HistoryEntry[]> {
    await this.flush();
    const found = chosen(await this.#read(id), query);
    return Promise.all(found.map((entry) => shown(entry, query.withTrace)));
  }

  /** The id of a container that may be gone, by full id, by its last name or by a unique prefix. @throws not-found */
  async idOf(nameOrId: string): Promise<string> {
    await this.flush();
    const ids = await this.#ids();
    if (ids.includes(nameOrId)) return nameOrId;
    const named: HistoryEntry[] = [];
    for (const id of ids) {
      const last = (await this.#read(id)).at(-1);
      if (last?.name === nameOrId.replace(/^\//, '')) named.push(last);
    }
    const newest = named.sort((a, b) => (a.time < b.time ? -1 : 1)).at(-1);
    if (newest) return newest.id;
    const [only, another] = /^[0-9a-f]+$/.test(nameOrId) ? ids.filter((id) => id.startsWith(nameOrId)) : [];
    if (only === undefined || another !== undefined) throw noSuchContainer(nameOrId);
    return only;
  }

  /** Of all containers together. */
  async all(query: HistoryQuery): Promise<HistoryEntry[]> {
    await this.flush();
    const since = query.since === undefined ? 0 : Date.parse(query.since);
    let found: Stored[] = [];
    for (const id of await this.#ids()) {
      // Nothing was written to it since.
      if (since > 0 && (await this.#changedAt(id)) < since - 1000) continue;
      found.push(...chosen(await this.#read(id), query));
      if (query.limit !== undefined && found.length > 2 * query.limit + 1000) found = newestOf(found, query.limit);
    }
    return Promise.all(newestOf(found, query.limit).map((entry) => shown(entry, query.withTrace)));
  }

  /** Removes what is too old of containers that are gone, now and every day. */
  async keepClean(isThere: (id: string) => boolean): Promise<void> {
    const tooOld = Date.now() - this.#days * day;
    for (const id of await this.#ids()) {
      if (!isThere(id) && (await this.#changedAt(id)) <= tooOld) await rm(this.#path(id), { force: true });
    }
    this.#daily = setTimeout(() => this.keepClean(isThere).catch(() => undefined), day).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#daily);
    await this.flush();
  }

  async #write(batch: Map<string, Pending[]>): Promise<void> {
    let isNew = false;
    const rest = [...batch];
    const worker = async (): Promise<void> => {
      for (let next = rest.shift(); next; next = rest.shift()) {
        const [id, pending] = next;
        // Only an account of what happened: a full disk must not fail what it tells of.
        if (await this.#append(id, pending).catch(() => false)) isNew = true;
      }
    };
    // Side by side: a disk makes several files last in little more time than one.
    await Promise.all(Array.from({ length: width }, worker));
    if (isNew) await syncDirectory(this.#root).catch(() => undefined);
  }

  /** True when the file was not there before. */
  async #append(id: string, pending: readonly Pending[]): Promise<boolean> {
    const lines = await Promise.all(pending.map(lineOf));
    const file = await open(this.#path(id), 'a', 0o600);
    let size: number;
    try {
      ({ size } = await file.stat());
      await file.writeFile(lines.join(''));
      await file.datasync();
    } finally {
      await file.close();
    }
    if (size > largest) await this.#trim(id);
    return size === 0;
  }

  /** The first entry, which tells of the creation, and the newer half of the others. */
  async #trim(id: string): Promise<void> {
    const [first, ...rest] = await this.#read(id);
    if (first === undefined) return;
    const lines = rest.map((entry) => `${JSON.stringify(entry)}\n`);
    for (let size = lines.join('').length; size > largest / 2; ) size -= lines.shift()?.length ?? size;
    await writeDurable(this.#path(id), `${JSON.stringify(first)}\n${lines.join('')}`, { mode: 0o600 });
  }

  async #read(id: string): Promise<Stored[]> {
    let text: string;
    try {
      text = await readFile(this.#path(id), 'utf8');
    } catch (failure) {
      if (errnoOf(failure) === 'ENOENT') return [];
      throw failure;
    }
    return text.split('\n').flatMap(parsed);
  }

  async #ids(): Promise<string[]> {
    const names = (await namesIfThere(this.#root)) ?? [];
    return names.filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, -suffix.length));
  }

  /** Milliseconds since the epoch. */
  async #changedAt(id: string): Promise<number> {
    return stat(this.#path(id)).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
  }

  #path(id: string): string {
    return join(this.#root, `${id}${suffix}`);
  }
}

async function lineOf({ entry, trace }: Pending): Promise<string> {
  const zipped = trace && (await compress(JSON.stringify(trace()), { level: 1 })).toString('base64');
  return `${JSON.stringify(zipped ? { ...entry, gzipTrace: zipped } : entry)}\n`;
}

/** Only this engine writes it; a disk or a person may have changed it. */
const isEntry = (value: unknown): value is Stored => v.is(Shape, value);

const Shape = v.looseObject({
  ...{ time: v.pipe(v.string(), v.isoTimestamp()), id: v.string(), name: v.string(), event: v.string() },
  gzipTrace: v.optional(v.string()),
});

/** Nothing for a line that a crash or a full disk cut off. */
function parsed(line: string): Stored[] {
  if (line === '') return [];
  try {
    const found: unknown = JSON.parse(line);
    return isEntry(found) ? [found] : [];
  } catch {
    return [];
  }
}

function chosen(entries: readonly Stored[], { since, until, limit }: HistoryQuery): Stored[] {
  const inTime = entries.filter(
    ({ time }) => (since === undefined || time >= since) && (until === undefined || time <= until),
  );
  return limit === undefined ? inTime : inTime.slice(Math.max(0, inTime.length - limit));
}

function newestOf(entries: readonly Stored[], limit: number | undefined): Stored[] {
  const sorted = [...entries].sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return limit === undefined ? sorted : sorted.slice(Math.max(0, sorted.length - limit));
}

async function shown({ gzipTrace, ...entry }: Stored, withTrace: boolean): Promise<HistoryEntry> {
  if (gzipTrace === undefined || !withTrace) return entry;
  const trace = await traceIn(gzipTrace).catch(() => undefined);
  if (trace === undefined) return entry;
  return entry.event === 'started' || entry.event === 'start-failed' ? { ...entry, trace } : entry;
}

/** A trace is some kilobytes; what would become more is none. */
const largestTrace = 16 * 1024 * 1024;

async function traceIn(zipped: string): Promise<Trace> {
  return JSON.parse((await expand(Buffer.from(zipped, 'base64'), { maxOutputLength: largestTrace })).toString());
}
