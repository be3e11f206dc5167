import type { Operation } from '../plan/operations.ts';
import type { FileRoot } from './contract.ts';

/**
 * Questions to a root whose answers nobody waits for one by one: the executor takes them in their order, so that what depends on
 * an earlier one finds it done. A failure comes out of a later call.
 */
export class Underway {
  readonly #root: FileRoot;
  readonly #answers: { readonly answer: Promise<void>; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(root: FileRoot) {
    this.#root = root;
  }

  /** As the root's own. @throws FileFailure of this or of an earlier question */
  async all(operations: readonly Operation[], path: string): Promise<void> {
    const answer = this.#root.all(operations, path);
    // It is looked at when its turn comes, or never when another one failed before.
    answer.catch(() => undefined);
    const bytes = operations.reduce((sum, each) => sum + (each.op === 'append' ? each.data.length : 0), 0);
    this.#answers.push({ answer, bytes });
    this.#bytes += bytes;
    while (this.#answers.length > mostAnswers || this.#bytes > mostBytes) await this.#next();
  }

  /** Waits for all of them. @throws FileFailure */
  async settled(): Promise<void> {
    while (this.#answers.length > 0) await this.#next();
  }

  async #next(): Promise<void> {
    const first = this.#answers.shift();
    this.#bytes -= first?.bytes ?? 0;
    await first?.answer;
  }
}

const mostAnswers = 64;
const mostBytes = 1 << 21;
