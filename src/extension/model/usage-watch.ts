import { setTimeout as delay } from 'node:timers/promises';
import type { Disposable } from '../../base/lifetime.ts';
import type { LiveUsage, ObjectRef } from '../fleet.ts';
import type { Host } from '../hosts/contract.ts';
import { usageOf } from './answers.ts';
import { eachLine } from './lines.ts';

type Listener = (usage: LiveUsage) => void;

/** Milliseconds before a statistics stream that ended is asked for again. */
const PAUSE = 1000;

interface Watched {
  readonly target: ObjectRef;
  readonly listeners: Set<Listener>;
  /** There while a stream is open. */
  stream?: AbortController;
}

/** Live usage of containers, read only while somebody listens: one statistics stream for each, however many listen. */
export class UsageWatch implements Disposable {
  readonly #host: Host;
  readonly #runs: (target: ObjectRef) => boolean;
  readonly #watched = new Map<string, Watched>();
  #isDisposed = false;

  /** @param runs whether there is anything to measure */
  constructor(host: Host, runs: (target: ObjectRef) => boolean) {
    this.#host = host;
    this.#runs = runs;
  }

  watch(target: ObjectRef, listener: Listener): Disposable {
    const key = `${target.engine}/${target.id}`;
    const watched = this.#watched.get(key) ?? { target, listeners: new Set() };
    this.#watched.set(key, watched);
    // Its own function: the same listener may be given twice.
    const mine: Listener = (usage) => listener(usage);
    watched.listeners.add(mine);
    this.update();
    return {
      dispose: () => {
        watched.listeners.delete(mine);
        if (watched.listeners.size > 0) return;
        watched.stream?.abort();
        if (this.#watched.get(key) === watched) this.#watched.delete(key);
      },
    };
  }

  /** Opens streams for what runs now and closes those of what does not; to be called when states changed. */
  update(): void {
    if (this.#isDisposed) return;
    for (const watched of this.#watched.values()) {
      const runs = this.#host.state.kind === 'connected' && this.#runs(watched.target);
      if (runs && !watched.stream) void this.#follow(watched);
      if (!runs) watched.stream?.abort();
    }
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const watched of this.#watched.values()) watched.stream?.abort();
    this.#watched.clear();
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
        if (!usage || stream.signal.aborted) return;
        for (const listener of watched.listeners) listener(usage);
      });
    } catch {
      // The container or the connection ended; both are told elsewhere.
    }
    await delay(PAUSE, undefined, { signal: stream.signal, ref: false }).catch(() => undefined);
    delete watched.stream;
    if (watched.listeners.size > 0) this.update();
  }
}
