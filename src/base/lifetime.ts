/** Anything that is opened and must be closed. VS Code's `Disposable` has this shape too. */
export interface Disposable {
  dispose(): void;
}

/** Collects what one owner opened and closes it in reverse order, once. */
export class DisposableStore implements Disposable {
  readonly #items: Disposable[] = [];
  #disposed = false;

  /** Adds an item and returns it. An item added after `dispose` is closed at once, so that nothing leaks. */
  add<T extends Disposable>(item: T): T {
    if (this.#disposed) item.dispose();
    else this.#items.push(item);
    return item;
  }

  get isDisposed(): boolean {
    return this.#disposed;
  }

  dispose(): void {
    this.#disposed = true;
    const failures: unknown[] = [];
    for (let item = this.#items.pop(); item; item = this.#items.pop()) {
      try {
        item.dispose();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures);
  }
}

/**
 * Undo steps of a multi-step effect, run newest first.
 *
 * @example
 * const cleanup = new CleanupStack();
 * try {
 *   await mkdir(dir); cleanup.push(() => rm(dir));
 *   await fill(dir);
 *   cleanup.release();              // success: keep everything
 * } catch (failure) {
 *   await cleanup.unwind(failure);  // failure: undo, then throw the first failure
 * }
 */
export class CleanupStack {
  #steps: (() => unknown)[] = [];

  push(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Forgets every step: the effect is complete and stays. */
  release(): void {
    this.#steps = [];
  }

  /** Runs every step, then throws `failure`. A failed clean-up is kept beside it and never hides it. */
  async unwind(failure: unknown): Promise<never> {
    const alsoFailed = await this.run();
    if (alsoFailed.length > 0 && failure instanceof Error && failure.cause === undefined) {
      failure.cause = new AggregateError(alsoFailed, 'clean-up failed too');
    }
    throw failure;
  }

  /** Runs every step, newest first, and returns what failed. */
  async run(): Promise<unknown[]> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (failure) {
        failures.push(failure);
      }
    }
    return failures;
  }
}
