import { Signal } from '../../base/async.ts';
import type { Disposable } from '../../base/lifetime.ts';

/**
 * Milliseconds between two tellings. VS Code draws a tree anew at once only when nothing was told in the 200 before; what
 * comes faster puts its own waiting off again and again, so that a steady stream of events would show nothing at all.
 */
const pause = 250;

/** What of a tree is to be drawn anew: the first change is told at once, with all of its moment; what follows fast comes together. */
export class PacedChanges<Row> implements Disposable {
  readonly #told = new Signal<Row[] | undefined>();
  readonly #rows = new Set<Row>();
  #all = false;
  #moment: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** A `vscode.Event`; undefined is the whole tree. */
  readonly event = (listener: (rows: Row[] | undefined) => unknown): Disposable => this.#told.on(listener);

  /** @param row undefined for the whole tree */
  fire(row: Row | undefined): void {
    if (row === undefined) this.#all = true;
    else this.#rows.add(row);
    if (!this.#timer) this.#moment ??= setImmediate(() => this.#tell());
  }

  dispose(): void {
    clearImmediate(this.#moment);
    clearTimeout(this.#timer);
  }

  #tell(): void {
    this.#moment = undefined;
    this.#timer = undefined;
    if (!this.#all && this.#rows.size === 0) return;
    this.#timer = setTimeout(() => this.#tell(), pause);
    const rows = this.#all ? undefined : [...this.#rows];
    this.#all = false;
    this.#rows.clear();
    this.#told.emit(rows);
  }
}
