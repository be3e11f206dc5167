import { setImmediate as turn } from 'node:timers/promises';
import type { CgroupReading } from '../../protocol/usage.ts';
import { type UsageHistory, usagePoint } from '../../protocol/usage-history.ts';
import { UsageSeries } from './usage-series.ts';

/** A container that runs: what is to be read. */
export interface Recorded {
  readonly id: string;
  readonly path: string;
  readonly startedAt: string;
}

export interface RecorderParts {
  /** Those that run now. */
  running(): readonly Recorded[];
  /** A container that is gone is forgotten. */
  isThere(id: string): boolean;
  read(path: string): Promise<CgroupReading>;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Milliseconds between two readings of one container; with many containers, per container. */
const shortest = 5_000;
const perContainer = 30;
/** Milliseconds after something happened: what happens together is read together. */
const soon = 150;

interface Entry {
  readonly series: UsageSeries;
  before?: { readonly reading: CgroupReading; readonly startedAt: string };
}

/**
 * Keeps readings of every running container, so that a page that opens shows what was. cgroup files announce no change of
 * their numbers: this has to poll, and does so the less often the more there is to read. In memory alone: a new agent begins
 * anew, because a disk that is written to every few seconds costs hosts more than an hour of past is worth.
 */
export class UsageRecorder {
  readonly #parts: RecorderParts;
  readonly #entries = new Map<string, Entry>();
  readonly #since: number;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  readonly #asked = new Set<string>();
  #round: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    this.#since = parts.now();
  }

  /** Milliseconds. */
  get interval(): number {
    return Math.max(shortest, this.#parts.running().length * perContainer);
  }

  /** Bytes that the readings take. */
  get size(): number {
    return [...this.#entries.values()].reduce((sum, { series }) => sum + series.size, 0);
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#again(), this.interval).unref();
  }

  /** Something happened to a container: it is read soon, and when it has ended that is noted. */
  note(id: string): void {
    this.#asked.add(id);
    this.#soon ??= setTimeout(() => void this.#readAsked(), soon).unref();
  }

  /** @param since milliseconds since the epoch: only what is later */
  of(id: string, since: number): UsageHistory {
    const found = this.#entries.get(id)?.series.history(since) ?? { at: [], columns: {} };
    return { since: this.#since, interval: this.interval, ...found };
  }

  /** Reads all that run, and forgets those that are gone. */
  read(ids?: ReadonlySet<string>): Promise<void> {
    this.#round = this.#round.then(() => this.#readAll(ids));
    return this.#round;
  }

  async close(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#soon);
    await this.#round;
  }

  async #again(): Promise<void> {
    await this.read();
    if (!this.#isOver) this.start();
  }

  async #readAsked(): Promise<void> {
    this.#soon = undefined;
    const ids = new Set(this.#asked);
    this.#asked.clear();
    await this.read(ids);
  }

  async #readAll(ids: ReadonlySet<string> | undefined): Promise<void> {
    const running = this.#parts.running();
    const detail = running.length > 100 ? 20 : 60;
    for (const one of running) {
      if (this.#isOver) return;
      if (ids && !ids.has(one.id)) continue;
      await this.#readOne(one, detail);
      // Requests come first: a thousand readings in a row would hold them up.
      await turn();
    }
    const lives = new Set(running.map(({ id }) => id));
    for (const [id, { series }] of this.#entries) {
      if (lives.has(id)) continue;
      if (!this.#parts.isThere(id)) this.#entries.delete(id);
      else if (!series.isEnded) series.add({ at: this.#parts.now() }, detail);
    }
  }

  async #readOne({ id, path, startedAt }: Recorded, detail: number): Promise<void> {
    // It may end while it is read; its end is noted then.
    const reading = await this.#parts.read(path).catch(() => undefined);
    if (!reading || Object.keys(reading).length <= 3) return;
    const entry: Entry = this.#entries.get(id) ?? { series: new UsageSeries() };
    const before = entry.before?.startedAt === startedAt ? entry.before.reading : undefined;
    entry.series.add(usagePoint(before, reading), detail);
    entry.before = { reading, startedAt };
    this.#entries.set(id, entry);
  }
}
