import { type ShimProcess, spawnShim } from './process.ts';

/** One for a start and one for the removal that may follow it at once. */
const size = 2;
/** Milliseconds: whoever took a shim has been answered by then, and a start takes no longer. */
const patience = 8;

/**
 * Shims that wait for work: to spawn one takes the agent longer than most of what they are asked to do. They are made one at
 * a time, a little after one was taken, so that nobody waits for it. A spare one that loses its agent ends by itself.
 */
export class SpareShims {
  readonly #path: string;
  readonly #ready: ShimProcess[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  take(): ShimProcess {
    if (!this.#closed) this.#timer ??= setTimeout(() => this.#fill(), patience).unref();
    for (let spare = this.#ready.shift(); spare; spare = this.#ready.shift()) {
      if (!isThere(spare)) continue;
      spare.socket.ref();
      return spare;
    }
    return spawnShim(this.#path);
  }

  /** Ends those that wait; resolves when they are gone: whoever looks for processes that an agent left finds none of them. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const waiting = this.#ready.splice(0).filter(isThere);
    for (const { child } of waiting) child.kill('SIGKILL');
    await Promise.all(waiting.map((spare) => spare.ended()));
  }

  #fill(): void {
    this.#timer = undefined;
    if (this.#ready.length >= size) return;
    try {
      const spare = spawnShim(this.#path);
      spare.socket.unref();
      this.#ready.push(spare);
    } catch {
      // Whoever needs one next will be told why there is none.
      return;
    }
    if (this.#ready.length < size) this.#timer = setTimeout(() => this.#fill(), patience).unref();
  }
}

/** Somebody may have killed it. */
const isThere = ({ child, socket }: ShimProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null && !socket.destroyed;
