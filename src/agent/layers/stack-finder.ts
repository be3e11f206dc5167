import type { Cursor } from './cursor.ts';
import type { IndexFile } from './index-file.ts';
import { keyOf, pathOf } from './keys.ts';
import { StackWalk } from './stack-walk.ts';

/** Looks paths up in what a stack of layers shows; those that come in the order of an index are found without going back. */
export class StackFinder {
  readonly #indexes: readonly IndexFile[];
  #walk: StackWalk;

  private constructor(indexes: readonly IndexFile[], walk: StackWalk) {
    this.#indexes = indexes;
    this.#walk = walk;
  }

  /** @param indexes bottom first. */
  static async open(indexes: readonly IndexFile[]): Promise<StackFinder> {
    return new StackFinder(indexes, await StackWalk.open(indexes));
  }

  async close(): Promise<void> {
    await this.#walk.close();
  }

  /** What is visible there; no link is followed. Valid until the next question. */
  async find(path: string): Promise<Cursor | undefined> {
    const isThere = await this.#goTo(path);
    return isThere ? this.#walk.visible() : undefined;
  }

  /** Names directly in a directory. */
  async names(directory: string): Promise<string[]> {
    const found: string[] = [];
    const key = keyOf(directory);
    const isThere = await this.#goTo(directory);
    const walk = this.#walk;
    let more = await (isThere ? walk.next() : walk.enter(directory));
    for (; more; more = await walk.skip()) {
      if (walk.visible()) found.push(pathOf(walk.key.subarray(key.length === 0 ? 0 : key.length + 1)));
    }
    return found;
  }

  async #goTo(path: string): Promise<boolean> {
    const key = keyOf(path);
    if (this.#walk.isBeyond(key)) {
      await this.#walk.close();
      this.#walk = await StackWalk.open(this.#indexes);
    }
    return (await this.#walk.enter(path)) && this.#walk.key.equals(key);
  }
}
