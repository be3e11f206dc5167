import type { Output } from '../shim/contract.ts';

/** Somebody who sees a process's output. */
export interface OutputClient {
  /** Takes a chunk. A promise holds the process back until it settles. */
  offer(chunk: Output): void | Promise<void>;
  /** From now on `offer` must take what comes: the process is dead and what is left is what the kernel's buffers held. */
  drain(): void;
  /** Nothing more will come. */
  finish(): void;
}

/** Milliseconds between two looks at a process whose output is held back. */
const deathCheckInterval = 200;

/**
 * Gives one process's output to any number of clients at the pace of the slowest one. With nobody listening the
 * subscription to the shim is let go, so that a container without clients costs the agent nothing.
 */
export class OutputHub {
  readonly #clients = new Set<OutputClient>();
  #subscribe: (() => { dispose(): void }) | undefined;
  #subscription: { dispose(): void } | undefined;
  #waiting = 0;
  #isDead: () => Promise<boolean> = async () => false;
  #watch: NodeJS.Timeout | undefined;

  get hasClients(): boolean {
    return this.#clients.size > 0;
  }

  add(client: OutputClient): void {
    this.#clients.add(client);
    this.#adjust();
  }

  remove(client: OutputClient): void {
    this.#clients.delete(client);
    this.#adjust();
  }

  /**
   * A process begins. `subscribe` connects `deliver` to it; it is called when the first client comes.
   * With `subscribed` its output is being delivered already. `isDead` is asked only while a client holds the process back:
   * a client that stands still must not keep a dead process from being seen as dead.
   */
  begin(
    subscribe: () => { dispose(): void },
    options: { readonly subscribed: boolean; isDead(): Promise<boolean> },
  ): void {
    this.#isDead = options.isDead;
    this.#subscription = options.subscribed ? { dispose: () => undefined } : undefined;
    this.#subscribe = options.subscribed ? undefined : subscribe;
    this.#adjust();
  }

  readonly deliver = (chunk: Output): void | Promise<void> => {
    const pending: Promise<void>[] = [];
    for (const client of this.#clients) {
      const taken = client.offer(chunk);
      if (taken) pending.push(taken);
    }
    if (pending.length === 0) return;
    this.#waiting++;
    this.#watchDeath();
    return Promise.all(pending).then(() => {
      this.#waiting--;
    });
  };

  /** The process's output has ended: so have its clients. */
  end(): void {
    this.#subscribe = undefined;
    this.#subscription?.dispose();
    this.#subscription = undefined;
    for (const client of [...this.#clients]) client.finish();
    this.#clients.clear();
  }

  #watchDeath(): void {
    this.#watch ??= setTimeout(async () => {
      this.#watch = undefined;
      if (this.#waiting === 0) return;
      if (await this.#isDead()) for (const client of this.#clients) client.drain();
      else this.#watchDeath();
    }, deathCheckInterval);
  }

  #adjust(): void {
    if (this.hasClients) {
      this.#subscription ??= this.#subscribe?.();
    } else if (this.#subscribe) {
      this.#subscription?.dispose();
      this.#subscription = undefined;
    }
  }
}
