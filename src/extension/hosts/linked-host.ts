import type { Duplex } from 'node:stream';
import type Dockerode from 'dockerode';
import { Signal } from '../../base/async.ts';
import { canceled } from '../../base/errors.ts';
import type { Disposable } from '../../base/lifetime.ts';
import { type Phrase, phrase } from '../../base/phrases.ts';
import type { EngineKind, Host, HostState, SendOptions } from './contract.ts';
import { Engines } from './engines.ts';
import { notConnected } from './problems.ts';

/** An open way to the engines of a host. */
export interface Link {
  dial(kind: EngineKind): Duplex;
  dialPort(port: number): Duplex;
  /** Told once; the error is there unless `close` was called. */
  onDidClose(listener: (error: Error | undefined) => void): Disposable;
  close(): void;
}

export interface LinkedHostOptions {
  readonly id: string;
  readonly label: string;
  /** Brings, starts and reaches the agent. Called once for each attempt. */
  readonly open: (signal: AbortSignal, progress: (step: Phrase) => void) => Promise<Link>;
}

interface Attempt {
  readonly done: Promise<void>;
  readonly abort: AbortController;
  readonly listeners: Set<(step: Phrase) => void>;
  waiting: number;
}

/** What all hosts have in common: the states, one shared attempt to connect, and the clients on top of the link. */
export class LinkedHost implements Host {
  readonly id: string;
  readonly label: string;
  readonly #open: LinkedHostOptions['open'];
  readonly #changed = new Signal<HostState>();
  readonly #engines: Engines;
  #state: HostState = { kind: 'disconnected' };
  #link: Link | undefined;
  #attempt: Attempt | undefined;

  constructor(options: LinkedHostOptions) {
    this.id = options.id;
    this.label = options.label;
    this.#open = options.open;
    // Through `dial`, so that a client outlives the link that was open when it was made.
    this.#engines = new Engines((kind) => this.dial(kind));
  }

  get state(): HostState {
    return this.#state;
  }

  onDidChange(listener: (state: HostState) => void): Disposable {
    return this.#changed.on(listener);
  }

  async connect(signal: AbortSignal, progress?: (step: Phrase) => void): Promise<void> {
    if (signal.aborted) throw canceled(`Connecting to ${this.label}`);
    if (this.#state.kind === 'connected') return;
    // One that was given up is still cleaning up after itself.
    while (this.#attempt?.abort.signal.aborted) await this.#attempt.done.catch(() => undefined);
    this.#attempt ??= this.#begin();
    const attempt = this.#attempt;
    attempt.waiting++;
    if (progress) attempt.listeners.add(progress);
    try {
      await unless(signal, attempt.done, `Connecting to ${this.label}`);
    } finally {
      if (progress) attempt.listeners.delete(progress);
      // The attempt goes on as long as one caller wants it.
      if (--attempt.waiting === 0 && this.#attempt === attempt) {
        attempt.abort.abort();
        this.#canceled();
      }
    }
  }

  async disconnect(): Promise<void> {
    const attempt = this.#attempt;
    attempt?.abort.abort();
    await attempt?.done.catch(() => undefined);
    const link = this.#link;
    this.#link = undefined;
    link?.close();
    if (this.#state.kind !== 'disconnected') this.#become({ kind: 'disconnected' });
  }

  engine(kind: EngineKind): Dockerode {
    if (!this.#link) throw notConnected(this.label);
    return this.#engines.client(kind);
  }

  dial(kind: EngineKind): Duplex {
    if (!this.#link) throw this.#lastError() ?? notConnected(this.label);
    return this.#link.dial(kind);
  }

  dialPort(port: number): Duplex {
    if (!this.#link) throw this.#lastError() ?? notConnected(this.label);
    return this.#link.dialPort(port);
  }

  async porthole(path: string, options: { signal?: AbortSignal; question?: object } = {}): Promise<unknown> {
    return await this.#engines.json(`/porthole/v1${path}`, options);
  }

  async portholeBytes(path: string, options: { limit: number; signal?: AbortSignal }): Promise<Uint8Array> {
    return await this.#engines.bytes(`/porthole/v1${path}`, { limit: options.limit, signal: options.signal });
  }

  async portholeSend(method: 'PUT' | 'POST' | 'DELETE', path: string, options: SendOptions = {}): Promise<void> {
    await this.#engines.send(method, `/porthole/v1${path}`, options);
  }

  #begin(): Attempt {
    const abort = new AbortController();
    const listeners = new Set<(step: Phrase) => void>();
    const progress = (step: Phrase) => {
      if (abort.signal.aborted) return;
      this.#become({ kind: 'connecting', step });
      for (const listener of listeners) listener(step);
    };
    const attempt: Attempt = {
      abort,
      listeners,
      waiting: 0,
      done: this.#run(abort.signal, progress).finally(() => {
        this.#attempt = undefined;
      }),
    };
    // Callers that stopped waiting leave nobody to hear of a failure.
    attempt.done.catch(() => undefined);
    return attempt;
  }

  async #run(signal: AbortSignal, progress: (step: Phrase) => void): Promise<void> {
    let link: Link | undefined;
    try {
      progress(phrase('Connecting'));
      link = await this.#open(signal, progress);
      this.#link = link;
      const version = await unless(signal, this.#engines.client('porthole').version(), `Connecting to ${this.label}`);
      const opened = link;
      opened.onDidClose((error) => this.#lost(opened, error));
      this.#become({
        kind: 'connected',
        version: version.Version,
        kernel: version.KernelVersion ?? '',
        architecture: version.Arch,
      });
    } catch (failure) {
      this.#link = undefined;
      link?.close();
      const error = failure instanceof Error ? failure : new Error(String(failure));
      if (signal.aborted) {
        this.#canceled();
        throw canceled(`Connecting to ${this.label}`);
      }
      this.#become({ kind: 'disconnected', error });
      throw error;
    }
  }

  #lost(link: Link, error: Error | undefined): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#become({ kind: 'disconnected', ...(error && { error }) });
  }

  #canceled(): void {
    if (this.#state.kind === 'connecting') this.#become({ kind: 'disconnected' });
  }

  #lastError(): Error | undefined {
    return this.#state.kind === 'disconnected' ? this.#state.error : undefined;
  }

  #become(state: HostState): void {
    this.#state = state;
    this.#changed.emit(state);
  }
}

async function unless<T>(signal: AbortSignal, work: Promise<T>, what: string): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(canceled(what));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
  }
}
