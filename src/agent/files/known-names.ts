import { posix } from 'node:path';
import type { FileRoot } from './contract.ts';

/** Names in directories of a root that nobody else changes: made here, or listed once many things are put into them. */
export class KnownNames {
  readonly #root: FileRoot;
  readonly #names = new Map<string, Set<string>>();
  /** How often something was put into a directory whose names are not known. */
  #asked: { readonly parent: string; times: number } = { parent: '', times: 0 };
  #count = 0;

  constructor(root: FileRoot) {
    this.#root = root;
  }

  /** Nothing lies at a path. False: it is not known. */
  async isFree(path: string): Promise<boolean> {
    const parent = posix.dirname(path);
    const names = this.#names.get(parent) ?? (await this.#listed(parent));
    return names !== undefined && !names.has(posix.basename(path));
  }

  /** Something is put there. */
  take(path: string, { isNewDirectory }: { readonly isNewDirectory: boolean }): void {
    const names = this.#names.get(posix.dirname(path));
    // It may be a known directory by another name: a link may lead there.
    if (!names || this.#count > mostNames) this.forget();
    this.#count += 1;
    names?.add(posix.basename(path));
    if (isNewDirectory) this.#names.set(path, new Set());
  }

  /** What was a directory may be none any more. */
  forget(): void {
    this.#names.clear();
    this.#count = 0;
  }

  async #listed(parent: string): Promise<Set<string> | undefined> {
    if (this.#asked.parent !== parent) this.#asked = { parent, times: 0 };
    this.#asked.times += 1;
    if (this.#asked.times < worthListing) return undefined;
    this.#asked.times = 0;
    // Where a link is on the way, or nothing yet, each name is asked for.
    const names = await this.#root.names(parent).catch(() => undefined);
    if (!names) return undefined;
    const found = new Set(names);
    this.#count += found.size;
    this.#names.set(parent, found);
    return found;
  }
}

/** Names that are kept, for memory's sake. */
const mostNames = 100_000;
const worthListing = 16;
