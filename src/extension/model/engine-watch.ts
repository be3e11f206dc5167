import { setTimeout as delay } from 'node:timers/promises';
import { isKind, messageOf, PortholeError } from '../../base/errors.ts';
import { phrase } from '../../base/phrases.ts';
import type { ContainerView, EngineProblem } from '../fleet.ts';
import type { EngineKind, Host } from '../hosts/contract.ts';
import type { Log } from '../ssh/services.ts';
import { containerOfList, imageOfList, newsOf, readList, type Source, volumeOfList, withEnd } from './answers.ts';
import { eachLine } from './lines.ts';
import type { Finding } from './state.ts';

export interface EngineWatchParts {
  readonly host: Host;
  readonly engine: EngineKind;
  readonly log: Log;
  /** Told everything that is learned. */
  readonly onFinding: (finding: Finding) => void;
}

/** What has to be read. `all` is the list of containers, which includes every single one. */
interface Stale {
  all: boolean;
  images: boolean;
  volumes: boolean;
  readonly containers: Set<string>;
}

/** From this many on, one list is cheaper than single looks. */
const MANY = 8;
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 30_000;
/** A stream of events that lasts this long is sound, in milliseconds. */
const STEADY = 5_000;
/** So many short ones are no accident: what is shown may be old. */
const OFTEN = 3;

/**
 * Keeps up with one engine for as long as its host is connected:
 *
 *     events: subscribe --+-- note what each event makes stale ------------------> end or error: pause, again
 *                         +-- lists, then whatever became stale meanwhile, and so on
 *
 * Subscribing comes first, so that nothing falls between the lists and the events. It never gives up: an engine that
 * does not answer is absent; one that answers nonsense or refuses keeps what it has told before, and what it does not tell
 * is named. Both are asked again after a pause that grows to half a minute.
 */
export class EngineWatch {
  readonly #parts: EngineWatchParts;
  readonly #source: Source;
  readonly #stop = new AbortController();
  #stale: Stale = freshlyStale();
  #reading: Promise<void> | undefined;
  /** Ends the pause between two attempts. */
  #hurry = new AbortController();

  constructor(parts: EngineWatchParts) {
    this.#parts = parts;
    this.#source = { host: parts.host.id, engine: parts.engine };
    void this.#run();
  }

  /** Reads the lists anew. */
  async refresh(): Promise<void> {
    this.#stale.all = true;
    this.#stale.images = true;
    this.#stale.volumes = true;
    this.#hurry.abort();
    try {
      await this.#read();
    } catch (failure) {
      // What it refuses stands in the views.
      if (!answered(failure)) throw failure;
    }
  }

  dispose(): void {
    this.#stop.abort();
    this.#hurry.abort();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const attempt = { isUp: false, began: Date.now() };
      let refused = false;
      try {
        await this.#follow(attempt);
      } catch (failure) {
        if (this.#stop.signal.aborted) return;
        refused = answered(failure);
        this.#parts.log.debug(`${this.#source.host} ${this.#source.engine}: ${messageOf(failure)}`);
      }
      if (this.#stop.signal.aborted) return;
      failures = attempt.isUp && Date.now() - attempt.began > STEADY ? 0 : failures + 1;
      if (!attempt.isUp && !refused) this.#parts.onFinding({ kind: 'absent', engine: this.#source.engine });
      if (attempt.isUp && failures >= OFTEN) this.#problem('events', eventsBreak());
      this.#hurry = new AbortController();
      const pause = Math.min(FIRST_PAUSE * 2 ** Math.max(0, failures - 1), LONGEST_PAUSE);
      const signal = AbortSignal.any([this.#hurry.signal, this.#stop.signal]);
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  async #follow(attempt: { isUp: boolean }): Promise<void> {
    const end = new AbortController();
    const signal = AbortSignal.any([end.signal, this.#stop.signal]);
    try {
      const events = await this.#subscribe(signal);
      this.#stale = freshlyStale();
      if (!events) {
        await this.#read();
        throw noEvents();
      }
      const followed = eachLine(events, (line) => this.#note(line, end));
      // While the lists are read nobody waits for `followed` yet.
      followed.catch(() => undefined);
      await this.#read();
      attempt.isUp = true;
      void delay(STEADY, undefined, { signal, ref: false }).then(
        () => this.#problem('events'),
        () => undefined,
      );
      await followed;
    } finally {
      end.abort();
    }
  }

  /** Undefined when the engine answers, but will not tell its events: its lists are worth reading all the same. */
  async #subscribe(signal: AbortSignal): Promise<NodeJS.ReadableStream | undefined> {
    try {
      return await this.#client().getEvents({ abortSignal: signal });
    } catch (failure) {
      if (!answered(failure)) throw failure;
      this.#problem('events', asError(failure));
      return undefined;
    }
  }

  #note(line: string, end: AbortController): void {
    const news = newsOf(line);
    if (!news) return;
    if (news.kind === 'images') this.#stale.images = true;
    else if (news.kind === 'volumes') this.#stale.volumes = true;
    else if (news.kind === 'execs') this.#tell({ kind: 'execs', engine: this.#source.engine, id: news.id });
    else if (news.gone) this.#removed(news.id);
    else this.#stale.containers.add(news.id);
    // A list that cannot be read must be read later: subscribing anew does.
    this.#read().catch(() => end.abort());
  }

  #removed(id: string): void {
    this.#stale.containers.delete(id);
    this.#parts.onFinding({ kind: 'container', engine: this.#source.engine, id });
    // A list that is on its way may still hold it.
    if (this.#reading) this.#stale.containers.add(id);
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readStale().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readStale(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const stale = this.#stale;
      if (!stale.all && !stale.images && !stale.volumes && stale.containers.size === 0) return;
      this.#stale = { all: false, images: false, volumes: false, containers: new Set() };
      const results = await Promise.allSettled([
        stale.all || stale.containers.size > MANY ? this.#readContainers() : this.#readSome([...stale.containers]),
        stale.images ? this.#readImages() : undefined,
        stale.volumes ? this.#readVolumes() : undefined,
      ]);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    }
  }

  #readContainers(): Promise<void> {
    return this.#list('containers', async () => {
      const answer = await this.#client().listContainers({ all: true, abortSignal: this.#stop.signal });
      const { list, unreadable } = readList(answer, (entry) => containerOfList(this.#source, entry));
      this.#tell({ kind: 'containers', engine: this.#source.engine, list: await this.#withEnds(list) });
      return unreadable;
    });
  }

  async #readSome(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const filters = { id: [...ids] };
    await this.#list('containers', async () => {
      const answer = await this.#client().listContainers({ all: true, filters, abortSignal: this.#stop.signal });
      const { list, unreadable } = readList(answer, (entry) => containerOfList(this.#source, entry));
      const views = await this.#withEnds(list);
      for (const id of ids) {
        const found = views.find((view) => view.id === id);
        this.#tell({ kind: 'container', engine: this.#source.engine, id, ...(found && { found }) });
      }
      return unreadable > 0 ? unreadable : undefined;
    });
  }

  #readImages(): Promise<void> {
    return this.#list('images', async () => {
      const answer = await this.#client().listImages({ abortSignal: this.#stop.signal });
      const { list, unreadable } = readList(answer, (entry) => imageOfList(this.#source, entry));
      this.#tell({ kind: 'images', engine: this.#source.engine, list });
      return unreadable;
    });
  }

  #readVolumes(): Promise<void> {
    return this.#list('volumes', async () => {
      const answer = await this.#client().listVolumes({ abortSignal: this.#stop.signal });
      const { list, unreadable } = readList(answer.Volumes ?? [], (entry) => volumeOfList(this.#source, entry));
      this.#tell({ kind: 'volumes', engine: this.#source.engine, list });
      return unreadable;
    });
  }

  /** What an engine refuses, or garbles, is told beside what is known of it. @param read how many entries cannot be read; undefined: of the few that were asked for, all can */
  async #list(of: EngineProblem['of'], read: () => Promise<number | undefined>): Promise<void> {
    try {
      const unreadable = await read();
      if (unreadable !== undefined) this.#problem(of, unreadable > 0 ? unreadableEntries(unreadable) : undefined);
    } catch (failure) {
      if (answered(failure)) this.#problem(of, asError(failure));
      throw failure;
    }
  }

  #problem(of: EngineProblem['of'], why?: Error): void {
    this.#tell({ kind: 'problem', engine: this.#source.engine, of, ...(why && { why }) });
  }

  /** Asks why, of those that ended badly; the others ended as they should. */
  async #withEnds(views: readonly ContainerView[]): Promise<ContainerView[]> {
    const done: ContainerView[] = [];
    // A few at a time: a host may hold hundreds of failed containers.
    for (let at = 0; at < views.length; at += MANY) {
      done.push(...(await Promise.all(views.slice(at, at + MANY).map((view) => this.#withEnd(view)))));
    }
    return done;
  }

  async #withEnd(view: ContainerView): Promise<ContainerView> {
    if (!view.exitCode) return view;
    try {
      return withEnd(view, await this.#client().getContainer(view.id).inspect({ abortSignal: this.#stop.signal }));
    } catch {
      // Removed meanwhile, or the engine is gone: then the next event or attempt tells.
      return view;
    }
  }

  #tell(finding: Finding): void {
    if (!this.#stop.signal.aborted) this.#parts.onFinding(finding);
  }

  #client() {
    return this.#parts.host.engine(this.#parts.engine);
  }
}

/** An engine is there, whatever it says: a status, or something that is no list. */
const answered = (failure: unknown): boolean =>
  isKind(failure, 'internal') || (failure instanceof Error && 'statusCode' in failure);

const asError = (failure: unknown): Error => (failure instanceof Error ? failure : new Error(messageOf(failure)));

const unreadableEntries = (count: number) =>
  new PortholeError('internal', phrase('{0} entries of the list cannot be read.', count));

const eventsBreak = () => new PortholeError('internal', phrase('The stream of events breaks again and again.'));

const noEvents = () => new PortholeError('internal', phrase('It tells no events.'));

const freshlyStale = (): Stale => ({
  all: true,
  images: true,
  volumes: true,
  containers: new Set(),
});
