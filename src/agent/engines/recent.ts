/** Milliseconds for which an answer of an engine counts: a view asks many questions about one image at once. */
const freshness = 10_000;

/** What was found out a moment ago. */
export class Recent<T> {
  #found: { readonly value: T; readonly at: number } | undefined;

  async get(find: () => Promise<T>): Promise<T> {
    const found = this.#found;
    if (found && Date.now() - found.at < freshness) return found.value;
    const value = await find();
    this.#found = { value, at: Date.now() };
    return value;
  }
}
