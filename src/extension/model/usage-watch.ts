import { setTimeout as delay } from 'node:timers/promises';
import type { Disposable } from '../../base/lifetime.ts';
import type { LiveUsage, ObjectRef } from '../fleet.ts';
import { agentLines } from '../hosts/agent-lines.ts';
import type { Host } from '../hosts/contract.ts';
import { usageOf, usagesOf } from './answers.ts';
import { eachLine } from './lines.ts';

type Listener = (usage: LiveUsage) => void;

/** Milliseconds before a stream that ended is asked for again. */
const PAUSE = 1000;

interface Watched {
  readonly target: ObjectRef;
  readonly listeners: Set<Listener>;
  /** What was told last. */
  usage?: LiveUsage;
  /** There while a stream of its own is open. */
  stream?: AbortController;
}

/**
 * Live usage of containers, read only while somebody listens. Our agent tells that of all its containers in one stream, which
 * is silent while they sleep; of other engines each container has a statistics stream, however many listen.
 */
export class UsageWatch implements Disposable {
  readonly #host: Host;
  readonly #runs: (target: ObjectRef) => boolean;
  readonly #watched = new Map<string, Watched>();
  #ours: AbortController | undefined;
  #isDisposed = false;

  /** @param runs whether there is anything to measure */
  constructor(host: Host, runs: (target: ObjectRef) => boolean) {
    this.#host = host;
    this.#runs = runs;
  }

  watch(target: ObjectRef, listener: Listener): Disposable {
    const key = keyOf(target);
    const watched = this.#watched.get(key) ?? { target, listeners: new Set() };
    this.#watched.set(key, watched);
    // Its own function: the same listener may be given twice.
    const mine: Listener = (usage) => listener(usage);
    watched.listeners.add(mine);
    // What has not changed since is not told again.
    if (watched.usage) mine(watched.usage);
    this.update();
    return {
      dispose: () => {
        watched.listeners.delete(mine);
        if (watched.listeners.size > 0) return;
        watched.stream?.abort();
        if (this.#watched.get(key) === watched) this.#watched.delete(key);
        if (!this.#wantsOurs()) this.#ours?.abort();
      },
    };
  }

  /** Opens streams for what runs now and closes those of what does not; to be called when states changed. */
  update(): void {
    if (this.#isDisposed) return;
    for (const watched of this.#watched.values()) {
      const runs = this.#measures(watched);
      if (!runs) delete watched.usage;
      if (watched.target.engine === 'porthole') continue;
      if (runs && !watched.stream) void this.#follow(watched);
      if (!runs) watched.stream?.abort();
    }
    if (!this.#wantsOurs()) this.#ours?.abort();
    else if (!this.#ours) void this.#followOurs();
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const watched of this.#watched.values()) watched.stream?.abort();
    this.#watched.clear();
    this.#ours?.abort();
  }

  #measures({ target }: Watched): boolean {
    return this.#host.state.kind === 'connected' && this.#runs(target);
  }

  #wantsOurs(): boolean {
    return [...this.#watched.values()].some((one) => one.target.engine === 'porthole' && this.#measures(one));
  }

  async #followOurs(): Promise<void> {
    const stream = new AbortController();
    this.#ours = stream;
    try {
      const lines = await agentLines(
        this.#host,
        { path: '/porthole/v1/usage', query: { interval: PAUSE } },
        stream.signal,
      );
      await eachLine(lines, (line) => {
        if (stream.signal.aborted) return;
        for (const { id, ...usage } of usagesOf(line)) {
          const watched = this.#watched.get(keyOf({ engine: 'porthole', id }));
          if (watched) tell(watched, usage);
        }
      });
    } catch {
      // The agent or the connection ended, which is told elsewhere.
    }
    await delay(PAUSE, undefined, { signal: stream.signal, ref: false }).catch(() => undefined);
    this.#ours = undefined;
    this.update();
  }

  async #follow(watched: Watched): Promise<void> {
    const stream = new AbortController();
    watched.stream = stream;
    const { engine, id } = watched.target;
    try {
      // The types of dockerode leave `abortSignal` out for streams.
      const options: { stream: true; abortSignal: AbortSignal } = { stream: true, abortSignal: stream.signal };
      const lines = await this.#host.engine(engine).getContainer(id).stats(options);
      await eachLine(lines, (line) => {
        const usage = usageOf(line);
        if (usage && !stream.signal.aborted) tell(watched, usage);
      });
    } catch {
      // The container or the connection ended; both are told elsewhere.
    }
    await delay(PAUSE, undefined, { signal: stream.signal, ref: false }).catch(() => undefined);
    delete watched.stream;
    if (watched.listeners.size > 0) this.update();
  }
}

const keyOf = ({ engine, id }: Pick<ObjectRef, 'engine' | 'id'>): string => `${engine}/${id}`;

function tell(watched: Watched, usage: LiveUsage): void {
  watched.usage = usage;
  for (const listener of watched.listeners) listener(usage);
}
