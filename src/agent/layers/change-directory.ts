import type { ChangeDirectory, ChangeRow, ChangeTotals } from '../../protocol/layers.ts';
import type { Change } from './changes.ts';
import { pathOf } from './keys.ts';

/**
 * Arranges changes, as they come, as the rows of one directory: each name with its own change and the totals of what
 * changed below it, so that a tree unfolds level by level.
 */
export class ChangeCollector {
  readonly #path: string;
  readonly #prefix: number;
  readonly #page: { readonly after: Buffer; readonly limit: number };
  readonly #rows: Draft[] = [];
  readonly #totals = noChanges();
  #own: ChangeRow['change'];
  #row: Draft | undefined;
  #count = 0;
  #hasMore = false;

  /** @param directory key of it; of `page.after` a name's bytes, empty for the first page. */
  constructor(directory: Buffer, page: { readonly after: Buffer; readonly limit: number }) {
    this.#path = pathOf(directory);
    this.#prefix = directory.length === 0 ? 0 : directory.length + 1;
    this.#page = page;
  }

  add(change: Change): void {
    const cursor = change.after ?? change.before;
    if (!cursor) return;
    const length = cursor.keyEnd - cursor.keyStart;
    if (length < this.#prefix || length === 0) {
      this.#own = ownChange(change);
      return;
    }
    count(this.#totals, change);
    const from = cursor.keyStart + this.#prefix;
    const end = nameEnd(cursor.block, from, cursor.keyEnd);
    let row = this.#row;
    if (!row || !isNameAt(row.name, cursor.block, { from, end })) {
      row = this.#begin(Buffer.from(cursor.block.subarray(from, end)));
      this.#row = row;
    }
    if (end < cursor.keyEnd) count(row.below, change);
    else if (row.isShown) row.change = ownChange(change);
  }

  finish(): ChangeDirectory {
    const rows = this.#rows.map(({ name, change, below }): ChangeRow => {
      const text = pathOf(name);
      const path = this.#path === '' ? text : `${this.#path}/${text}`;
      return { name: text, path, ...(change && { change }), below };
    });
    return {
      path: this.#path,
      ...(this.#own && { change: this.#own }),
      totals: this.#totals,
      rows,
      more: this.#hasMore,
    };
  }

  /** Names before and after the page count in the totals and have no row. */
  #begin(name: Buffer): Draft {
    const isBefore = this.#page.after.length > 0 && Buffer.compare(name, this.#page.after) <= 0;
    const isShown = !isBefore && this.#count < this.#page.limit;
    if (!isBefore && !isShown) this.#hasMore = true;
    const row: Draft = { name, isShown, below: noChanges() };
    if (isShown) {
      this.#count += 1;
      this.#rows.push(row);
    }
    return row;
  }
}

interface Draft {
  readonly name: Buffer;
  readonly isShown: boolean;
  readonly below: Totals;
  change?: ChangeRow['change'];
}

type Totals = { -readonly [K in keyof ChangeTotals]: ChangeTotals[K] };

const noChanges = (): Totals => ({ added: 0, modified: 0, deleted: 0, storedBytes: 0, hiddenBytes: 0 });

function count(totals: Totals, { kind, before, after }: Change): void {
  totals[kind] += 1;
  if (after?.isFile) totals.storedBytes += after.bytes;
  if (before?.isFile) totals.hiddenBytes += before.bytes;
}

function ownChange({ kind, differs, before, after }: Change): NonNullable<ChangeRow['change']> {
  return {
    kind,
    ...(differs && { differs }),
    ...(before && { before: before.entry() }),
    ...(after && { after: after.entry() }),
  };
}

function isNameAt(
  name: Buffer,
  block: Buffer,
  { from, end }: { readonly from: number; readonly end: number },
): boolean {
  if (end - from !== name.length) return false;
  // Of two names that follow each other most differ at their end.
  for (let position = name.length - 1; position >= 0; position--) {
    if (name[position] !== block[from + position]) return false;
  }
  return true;
}

function nameEnd(block: Buffer, from: number, end: number): number {
  for (let position = from; position < end; position++) if (block[position] === 0) return position;
  return end;
}
