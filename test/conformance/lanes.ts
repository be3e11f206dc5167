/**
 * Work on several engines at once: most of the time an engine waits for a process or for the disk.
 * Each item is begun a little before its test asks for it.
 */
export class Lanes<Item, Lane, Result = void> {
  readonly #order: readonly Item[];
  readonly #perform: (item: Item, lane: Lane) => Promise<Result>;
  readonly #free: Lane[];
  readonly #waiting: ((lane: Lane) => void)[] = [];
  readonly #begun = new Map<Item, Promise<Result>>();
  readonly #count: number;

  constructor(order: readonly Item[], lanes: readonly Lane[], perform: (item: Item, lane: Lane) => Promise<Result>) {
    this.#order = order;
    this.#perform = perform;
    this.#free = [...lanes];
    this.#count = lanes.length;
  }

  /** Resolves with what came of it. @throws what its work threw */
  async run(item: Item): Promise<Result> {
    const at = this.#order.indexOf(item);
    for (const next of this.#order.slice(at, at + this.#count)) this.#begin(next);
    return await this.#begin(item);
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#begun.values());
  }

  #begin(item: Item): Promise<Result> {
    const begun = this.#begun.get(item) ?? this.#onFreeLane(item);
    this.#begun.set(item, begun);
    // Whoever asks for it learns of its failure; one that nobody asks for (`-g`) has none.
    begun.catch(() => undefined);
    return begun;
  }

  async #onFreeLane(item: Item): Promise<Result> {
    const lane = this.#free.pop() ?? (await new Promise<Lane>((resolve) => this.#waiting.push(resolve)));
    try {
      return await this.#perform(item, lane);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(lane);
      else this.#free.push(lane);
    }
  }
}
