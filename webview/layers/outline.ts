import type { LayerChange, LayerEntry } from '../../src/protocol/layers.ts';

/** One name in a directory, of a layer's changes or of a merged tree. */
export interface Item {
  readonly name: string;
  readonly path: string;
  readonly canUnfold: boolean;
  readonly kind?: LayerChange['kind'];
  readonly differs?: LayerChange['differs'];
  /** Of the file, or of the files below. */
  readonly bytes: number;
  /** Of what lies below. */
  readonly counts?: Readonly<Record<LayerChange['kind'], number>>;
  readonly entry?: LayerEntry;
  /** Position of the layer that has it. */
  readonly layer: number;
}

export interface Level {
  readonly items: readonly Item[];
  /** There are more names after the last. */
  readonly more: boolean;
}

/** What stands in one row: a name, or words about a directory that is not whole. */
export interface Line {
  readonly key: string;
  /** From 1. */
  readonly level: number;
  readonly position: number;
  readonly count: number;
  readonly is: 'item' | 'more' | 'waiting' | 'problem';
  /** Of an item. */
  readonly item?: Item;
  /** The directory, of everything else. */
  readonly directory: string;
  readonly isOpen?: boolean;
  readonly problem?: string;
}

export interface Arrangement {
  /** Kinds that are shown; undefined: everything. */
  readonly kinds?: ReadonlySet<LayerChange['kind']>;
  readonly order: 'name' | 'size';
}

type Known = { readonly level: Level; readonly isWaiting: boolean; readonly problem?: string };

const nothing: Level = { items: [], more: false };

/** A tree of which only what was unfolded is known; rows come from it in the order of the screen. */
export class Outline {
  readonly #load: (path: string, after: string) => Promise<Level>;
  readonly #changed: () => void;
  readonly #known = new Map<string, Known>();
  readonly #open = new Set<string>(['']);

  constructor(load: (path: string, after: string) => Promise<Level>, changed: () => void) {
    this.#load = load;
    this.#changed = changed;
  }

  isOpen(path: string): boolean {
    return this.#open.has(path);
  }

  /** Also what lies below when there is nothing else to see on the way: usr, then usr/share, then usr/share/doc. */
  async unfold(path: string): Promise<void> {
    this.#open.add(path);
    const known = this.#known.get(path);
    if (!known || known.problem !== undefined) await this.more(path);
    else this.#changed();
    const [only, ...others] = this.#known.get(path)?.level.items ?? [];
    if (only?.canUnfold && only.kind === undefined && only.counts && others.length === 0 && !this.isOpen(only.path)) {
      await this.unfold(only.path);
    }
  }

  fold(path: string): void {
    this.#open.delete(path);
    this.#changed();
  }

  /** The next names of a directory. */
  async more(path: string): Promise<void> {
    const known = this.#known.get(path);
    if (known?.isWaiting) return;
    const level = known?.level ?? nothing;
    this.#known.set(path, { level, isWaiting: true });
    this.#changed();
    try {
      const next = await this.#load(path, level.items.at(-1)?.name ?? '');
      this.#known.set(path, {
        level: { items: [...level.items, ...next.items], more: next.more },
        isWaiting: false,
      });
    } catch (failure) {
      const problem = failure instanceof Error ? failure.message : String(failure);
      this.#known.set(path, { level, isWaiting: false, problem });
    }
    this.#changed();
  }

  lines(arrangement: Arrangement): readonly Line[] {
    const lines: Line[] = [];
    this.#collect({ path: '', level: 1 }, arrangement, lines);
    return lines;
  }

  #collect(at: { path: string; level: number }, arrangement: Arrangement, lines: Line[]): void {
    const known = this.#known.get(at.path);
    if (!known) return;
    const items = arranged(known.level.items, arrangement);
    const rest = restOf(known);
    const count = items.length + (rest ? 1 : 0);
    const common = { level: at.level, count, directory: at.path };
    for (const [index, item] of items.entries()) {
      const isOpen = item.canUnfold && this.#open.has(item.path);
      lines.push({
        ...common,
        key: item.path,
        position: index + 1,
        is: 'item',
        item,
        ...(item.canUnfold && { isOpen }),
      });
      if (isOpen) this.#collect({ path: item.path, level: at.level + 1 }, arrangement, lines);
    }
    // No name holds a NUL: such a key is nobody else's.
    if (rest) lines.push({ ...common, ...rest, key: `${at.path}\0`, position: count });
  }
}

function restOf({ level, isWaiting, problem }: Known): Pick<Line, 'is' | 'problem'> | undefined {
  if (isWaiting) return { is: 'waiting' };
  if (problem !== undefined) return { is: 'problem', problem };
  return level.more ? { is: 'more' } : undefined;
}

/** Directories first by name; by size whatever is largest. */
function arranged(items: readonly Item[], { kinds, order }: Arrangement): readonly Item[] {
  const shown = kinds ? items.filter((item) => isShown(item, kinds)) : items;
  if (order === 'size') return shown.toSorted((a, b) => b.bytes - a.bytes);
  return shown.toSorted((a, b) => Number(isDirectory(b)) - Number(isDirectory(a)));
}

function isShown({ kind, counts }: Item, kinds: ReadonlySet<LayerChange['kind']>): boolean {
  if (kind !== undefined && kinds.has(kind)) return true;
  return counts !== undefined && [...kinds].some((one) => counts[one] > 0);
}

export const isDirectory = ({ canUnfold, entry }: Item): boolean => canUnfold || entry?.type === 'directory';
