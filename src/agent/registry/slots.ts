import { canceled } from '../../base/errors.ts';

/** So many tasks at a time; the others wait in their order. */
export class Slots {
  #free: number;
  readonly #what: string;
  readonly #waiting: (() => void)[] = [];

  /** @param what a task is, for whoever is told that his was canceled. */
  constructor(count: number, what: string) {
    this.#free = count;
    this.#what = what;
  }

  /** @param onWait told when there is none free at once. @returns what gives it back; @throws canceled */
  async take({ signal, onWait }: { readonly signal: AbortSignal; readonly onWait?: () => void }): Promise<() => void> {
    if (signal.aborted) throw canceled(this.#what);
    if (this.#free > 0) this.#free -= 1;
    else {
      onWait?.();
      await new Promise<void>((resolve, reject) => {
        const mine = (): void => {
          signal.removeEventListener('abort', leave);
          resolve();
        };
        const leave = (): void => {
          this.#waiting.splice(this.#waiting.indexOf(mine), 1);
          reject(canceled(this.#what));
        };
        this.#waiting.push(mine);
        signal.addEventListener('abort', leave, { once: true });
      });
    }
    let isBack = false;
    return () => {
      if (isBack) return;
      isBack = true;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    };
  }
}
