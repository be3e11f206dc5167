import { type Deferred, deferred } from '../../base/async.ts';
import type { BuildOutput } from './contract.ts';

type Word = (output: BuildOutput) => void;

/** Several tell something at the same time; it is heard one after the other, in their order. */
export class OrderedOutput {
  readonly #output: BuildOutput;
  readonly #lanes: Lane[] = [];
  #current = 0;

  constructor(output: BuildOutput) {
    this.#output = output;
  }

  /** The next one's. It must be closed. */
  lane(): BuildOutput & { close(): void } {
    const lane: Lane = { waiting: [], size: 0, isClosed: false, turn: deferred() };
    const number = this.#lanes.push(lane) - 1;
    if (number === this.#current) lane.turn.resolve();
    const say = (word: Word, size = 0): void => {
      if (number === this.#current) {
        word(this.#output);
        return;
      }
      lane.waiting.push(word);
      lane.size += size;
    };
    return {
      stdout: (text) => say((output) => output.stdout(text), text.length),
      stderr: (text) => say((output) => output.stderr(text), text.length),
      progress: (line) => say((output) => output.progress(line)),
      image: (id) => say((output) => output.image(id)),
      ready: async (signal) => {
        if (number !== this.#current && lane.size < mostWaiting) return;
        await unlessAborted(lane.turn.promise, signal);
        await this.#output.ready(signal);
      },
      close: () => {
        lane.isClosed = true;
        this.#go();
      },
    };
  }

  #go(): void {
    while (this.#lanes[this.#current]?.isClosed) {
      this.#current++;
      const next = this.#lanes[this.#current];
      for (const word of next?.waiting.splice(0) ?? []) word(this.#output);
      next?.turn.resolve();
    }
  }
}

interface Lane {
  readonly waiting: Word[];
  /** Characters of what waits. */
  size: number;
  isClosed: boolean;
  readonly turn: Deferred<void>;
}

/** Characters that are kept of somebody whose turn has not come; who says more waits. */
const mostWaiting = 1 << 20;

async function unlessAborted(task: Promise<void>, signal: AbortSignal): Promise<void> {
  const stop = deferred<void>();
  const abort = (): void => stop.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([task, stop.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
