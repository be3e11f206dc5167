import { compare, type Engines } from './compare.ts';
import type { Scenario } from './scenario.ts';

/**
 * Scenarios on several pairs of engines at once: most of a scenario's time an engine waits for a process or for the disk.
 * Each is begun a little before its test asks for it.
 */
export class Lanes {
  readonly #order: readonly Scenario[];
  readonly #free: Engines[];
  readonly #waiting: ((engines: Engines) => void)[] = [];
  readonly #begun = new Map<Scenario, Promise<void>>();
  readonly #count: number;

  constructor(order: readonly Scenario[], lanes: readonly Engines[]) {
    this.#order = order;
    this.#free = [...lanes];
    this.#count = lanes.length;
  }

  /** Resolves when the engines agreed. @throws what they differ in */
  async run(scenario: Scenario): Promise<void> {
    const at = this.#order.indexOf(scenario);
    for (const next of this.#order.slice(at, at + this.#count)) this.#begin(next);
    await this.#begin(scenario);
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#begun.values());
  }

  #begin(scenario: Scenario): Promise<void> {
    const begun = this.#begun.get(scenario) ?? this.#onFreeLane(scenario);
    this.#begun.set(scenario, begun);
    // Whoever asks for it learns of its failure; one that nobody asks for (`-g`) has none.
    begun.catch(() => undefined);
    return begun;
  }

  async #onFreeLane(scenario: Scenario): Promise<void> {
    const engines = this.#free.pop() ?? (await new Promise<Engines>((resolve) => this.#waiting.push(resolve)));
    try {
      await compare(scenario, engines);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(engines);
      else this.#free.push(engines);
    }
  }
}
