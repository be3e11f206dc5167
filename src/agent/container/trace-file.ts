import { join } from 'node:path';
import type { Trace } from '../../protocol/trace.ts';
import { readJsonFile } from '../sys/durable.ts';
import { replaceFile } from './bundle.ts';

/** Milliseconds after a start: its caller has been answered by then, and a container that lives shorter needs no file. */
const patience = 50;

/** The trace of a container's last start: rendered and written a little after the start, which it must not slow down. */
export class TraceFile {
  readonly #path: string;
  #render: (() => Trace) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(directory: string) {
    this.#path = join(directory, 'trace.json');
  }

  keep(render: () => Trace): void {
    this.drop();
    this.#render = render;
    this.#timer = setTimeout(() => {
      // Only an explanation: a full disk must not fail what it explains.
      this.flush().catch(() => undefined);
    }, patience);
  }

  /** Forgets what is not written yet: its container is going away. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#render = undefined;
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    const render = this.#render;
    if (!render) return;
    await replaceFile(this.#path, JSON.stringify(render()));
    if (this.#render === render) this.#render = undefined;
  }

  /** Undefined: it has never been started. */
  async read(): Promise<Trace | undefined> {
    if (this.#render) return this.#render();
    const stored = await readJsonFile(this.#path);
    return isTrace(stored) ? stored : undefined;
  }
}

/** Only this engine writes it, in one piece. */
function isTrace(value: unknown): value is Trace {
  return typeof value === 'object' && value !== null && 'steps' in value;
}
