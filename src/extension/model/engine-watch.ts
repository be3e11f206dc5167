import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../base/errors.ts';
import type { ContainerView } from '../fleet.ts';
import type { EngineKind, Host } from '../hosts/contract.ts';
import type { Log } from '../ssh/services.ts';
import { containerOfList, imageOfList, newsOf, type Source, volumeOfList, withEnd } from './answers.ts';
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

/**
 * Keeps up with one engine for as long as its host is connected:
 *
 *     events: subscribe --+-- note what each event makes stale ------------------> end or error: pause, again
 *                         +-- lists, then whatever became stale meanwhile, and so on
 *
 * Subscribing comes first, so that nothing falls between the lists and the events. It never gives up: an engine that
 * does not answer is absent, and asked again after a pause that grows to half a minute.
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
    await this.#read();
  }

  dispose(): void {
    this.#stop.abort();
    this.#hurry.abort();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const attempt = { isUp: false };
      try {
        await this.#follow(attempt);
      } catch (failure) {
        if (this.#stop.signal.aborted) return;
        this.#parts.log.debug(`${this.#source.host} ${this.#source.engine}: ${messageOf(failure)}`);
      }
      if (this.#stop.signal.aborted) return;
      failures = attempt.isUp ? 0 : failures + 1;
      if (!attempt.isUp) this.#parts.onFinding({ kind: 'absent', engine: this.#source.engine });
      this.#hurry = new AbortController();
      const pause = Math.min(FIRST_PAUSE * 2 ** failures, LONGEST_PAUSE);
      const signal = AbortSignal.any([this.#hurry.signal, this.#stop.signal]);
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  async #follow(attempt: { isUp: boolean }): Promise<void> {
    const end = new AbortController();
    const signal = AbortSignal.any([end.signal, this.#stop.signal]);
    try {
      const events = await this.#client().getEvents({ abortSignal: signal });
      this.#stale = freshlyStale();
      const followed = eachLine(events, (line) => this.#note(line, end));
      // While the lists are read nobody waits for `followed` yet.
      followed.catch(() => undefined);
      await this.#read();
      attempt.isUp = true;
      await followed;
    } finally {
      end.abort();
    }
  }

  #note(line: string, end: AbortController): void {
    const news = newsOf(line);
    if (!news) return;
    if (news.kind === 'images') this.#stale.images = true;
    else if (news.kind === 'volumes') this.#stale.volumes = true;
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
      await Promise.all([
        stale.all || stale.containers.size > MANY ? this.#readContainers() : this.#readSome([...stale.containers]),
        stale.images ? this.#readImages() : undefined,
        stale.volumes ? this.#readVolumes() : undefined,
      ]);
    }
  }

  async #readContainers(): Promise<void> {
    const list = await this.#client().listContainers({ all: true, abortSignal: this.#stop.signal });
    const views = list.map((info) => containerOfList(this.#source, info));
    this.#tell({ kind: 'containers', engine: this.#source.engine, list: await this.#withEnds(views) });
  }

  async #readSome(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const filters = { id: [...ids] };
    const list = await this.#client().listContainers({ all: true, filters, abortSignal: this.#stop.signal });
    const views = await this.#withEnds(list.map((info) => containerOfList(this.#source, info)));
    for (const id of ids) {
      const found = views.find((view) => view.id === id);
      this.#tell({ kind: 'container', engine: this.#source.engine, id, ...(found && { found }) });
    }
  }

  async #readImages(): Promise<void> {
    const list = await this.#client().listImages({ abortSignal: this.#stop.signal });
    this.#tell({
      kind: 'images',
      engine: this.#source.engine,
      list: list.map((info) => imageOfList(this.#source, info)),
    });
  }

  async #readVolumes(): Promise<void> {
    const { Volumes } = await this.#client().listVolumes({ abortSignal: this.#stop.signal });
    this.#tell({
      kind: 'volumes',
      engine: this.#source.engine,
      list: (Volumes ?? []).map((info) => volumeOfList(this.#source, info)),
    });
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

const freshlyStale = (): Stale => ({
  all: true,
  images: true,
  volumes: true,
  containers: new Set(),
});
