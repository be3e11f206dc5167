/**
 * What an engine answered. It is foreign: each look at it says what kind of value is wanted, and what is of another kind
 * counts as absent, so that one odd field hides no other.
 */
export class Answer {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  /** A field of an object; of anything else an absent one. */
  at(name: string): Answer {
    const found = this.entries.find(([key]) => key === name);
    return found?.[1] ?? new Answer(undefined);
  }

  get isObject(): boolean {
    return typeof this.#value === 'object' && this.#value !== null && !Array.isArray(this.#value);
  }

  /** '' when there is none. */
  get text(): string {
    return typeof this.#value === 'string' ? this.#value : '';
  }

  /** 0 when there is none: engines say so too. */
  get number(): number {
    return typeof this.#value === 'number' && Number.isFinite(this.#value) ? this.#value : 0;
  }

  get flag(): boolean {
    return this.#value === true;
  }

  /** Elements of a list. */
  get items(): readonly Answer[] {
    return Array.isArray(this.#value) ? this.#value.map((one: unknown) => new Answer(one)) : [];
  }

  /** Words of a list; others are left out. */
  get texts(): readonly string[] {
    return this.items.map(({ text }) => text).filter((text) => text !== '');
  }

  get entries(): readonly (readonly [string, Answer])[] {
    if (!this.isObject) return [];
    return Object.entries(Object(this.#value)).map(([key, value]) => [key, new Answer(value)]);
  }
}
