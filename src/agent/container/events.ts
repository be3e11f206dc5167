import { Signal } from '../../base/async.ts';
import { PortholeError } from '../../base/errors.ts';

/** One event as `GET /events` sends it. */
export interface EngineEvent {
  readonly type: 'container' | 'image' | 'volume' | 'network' | 'daemon' | 'builder';
  /** dockerd's action words, for example 'create', 'start', 'die', 'exec_create: sh'. */
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Nanoseconds since the epoch. */
  readonly timeNano: bigint;
}

/**
 * The engine's announcements, with the last ones kept for `since`. Events announce, they never steer: nothing inside
 * the engine waits for one.
 */
export class EventHub {
  readonly signal = new Signal<EngineEvent>();
  readonly #past: EngineEvent[] = [];
  /** Characters of what is kept: labels and command lines may be as long as a request. */
  #size = 0;
  readonly #mostListeners: number;
  #listeners = 0;
  readonly #now: () => bigint;
  readonly #keep: number;

  /** @param now nanoseconds since the epoch. @param keep how many past events `since` can reach; dockerd keeps 256. @param mostListeners clients at a time. */
  constructor(now: () => bigint, keep = 256, mostListeners = 512) {
    this.#now = now;
    this.#keep = keep;
    this.#mostListeners = mostListeners;
  }

  /** For clients: each may be some megabytes behind. @throws unavailable when there are too many of them */
  listen(listener: (event: EngineEvent) => void): { dispose(): void } {
    if (this.#listeners >= this.#mostListeners) {
      throw new PortholeError('unavailable', `too many clients listen to events: ${this.#mostListeners} are the most`);
    }
    this.#listeners++;
    const listening = this.signal.on(listener);
    let isOver = false;
    return {
      dispose: () => {
        if (!isOver) this.#listeners--;
        isOver = true;
        listening.dispose();
      },
    };
  }

  announce(event: Omit<EngineEvent, 'timeNano'>): void {
    const stamped = { ...event, timeNano: this.#now() };
    this.#past.push(stamped);
    this.#size += sizeOf(stamped);
    while (this.#past.length > this.#keep || (this.#size > mostKept && this.#past.length > 1)) {
      const oldest = this.#past.shift();
      this.#size -= oldest ? sizeOf(oldest) : 0;
    }
    this.signal.emit(stamped);
  }

  /** Past events, oldest first. */
  past(): readonly EngineEvent[] {
    return this.#past;
  }
}

const mostKept = 8 * 1024 * 1024;

function sizeOf({ action, id, attributes }: EngineEvent): number {
  return Object.entries(attributes).reduce(
    (sum, [key, value]) => sum + key.length + value.length,
    action.length + id.length,
  );
}
