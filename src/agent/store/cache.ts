/** Keeps what was used last, up to a total weight. A value being made is shared by everybody who asks for it. */
export class WeightedCache<T> {
  readonly #entries = new Map<string, { readonly value: Promise<T>; weight: number }>();
  readonly #limit: number;
  readonly #weigh: (value: T) => number;
  #total = 0;

  constructor(limit: number, weigh: (value: T) => number) {
    this.#limit = limit;
    this.#weigh = weigh;
  }

  get(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#entries.get(key);
    if (known) {
      // A Map iterates in insertion order: the first is the one unused for longest.
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.value;
    }
    const entry = { value: make(), weight: 0 };
    this.#entries.set(key, entry);
    entry.value.then(
      (value) => {
        if (this.#entries.get(key) !== entry) return;
        entry.weight = this.#weigh(value);
        this.#total += entry.weight;
        this.#trim(key);
      },
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    return entry.value;
  }

  delete(key: string): void {
    this.#total -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }

  #trim(keep: string): void {
    for (const [key, { weight }] of this.#entries) {
      if (this.#total <= this.#limit) return;
      if (key !== keep && weight > 0) this.delete(key);
    }
  }
}
