import type { LayerEntry } from '../../protocol/layers.ts';
import type { LayeredImage, Part } from './contract.ts';
import type { Cursor } from './cursor.ts';
import { noDirectory, nothingAt } from './errors.ts';
import { keyOf } from './keys.ts';
import { openWalk, topOf } from './open-walk.ts';
import { StackFinder } from './stack-finder.ts';
import type { StackWalk } from './stack-walk.ts';

/** Told each visible entry, in the order of paths; `layer` of the cursor is the one that has it. */
export type EntryVisitor = (entry: Cursor) => void | Promise<void>;

/** The merged tree of layers 0..position, or what of it lies at and below a path. */
export async function walkMerged(image: LayeredImage, part: Part, visit: EntryVisitor): Promise<void> {
  const walk = await openWalk(image, part);
  try {
    let entry = await nextVisible(walk, await walk.enter(part.path ?? ''));
    for (let steps = 1; entry; steps++) {
      if (steps % 1024 === 0) part.signal.throwIfAborted();
      const done = visit(entry);
      if (done) await done;
      entry = await nextVisible(walk, walk.next());
    }
  } finally {
    await walk.close();
  }
}

/** What lies directly in a directory: what lies deeper is passed over, not read. */
export interface Page {
  /** Name that the page begins after; '' for the first. */
  readonly after: string;
  readonly limit: number;
}

/** @throws not-found, invalid for what is no directory. */
export async function walkDirectory(
  image: LayeredImage,
  { page, ...part }: Part & { readonly page: Page },
  visit: EntryVisitor,
): Promise<void> {
  const walk = await openWalk(image, part);
  const path = part.path ?? '';
  try {
    let more = await walk.enter(path);
    const isThere = more && walk.key.equals(keyOf(path));
    const found = isThere ? walk.visible() : undefined;
    // An image without any entry still has a root.
    if (!found && path !== '') throw nothingAt(path);
    if (found && !found.isDirectory) throw noDirectory(path);
    if (isThere) more = await walk.next();
    if (page.after !== '') more = await walk.seek(Buffer.concat([keyOf(childOf(path, page.after)), Buffer.from([1])]));
    for (let count = 0; more && count < page.limit; more = await walk.skip()) {
      const entry = walk.visible();
      if (!entry) continue;
      part.signal.throwIfAborted();
      count += 1;
      await visit(entry);
    }
  } finally {
    await walk.close();
  }
}

/** What is visible at a path in layers 0..position, and which layer has it. No link is followed. */
export async function lookUp(
  image: LayeredImage,
  { position, path, signal }: Part & { readonly path: string },
): Promise<{ readonly entry: LayerEntry; readonly position: number } | undefined> {
  const finder = await StackFinder.open((await image.indexes(signal)).slice(0, topOf(image, position) + 1));
  try {
    const found = await finder.find(path);
    return found && { entry: found.entry(), position: found.layer };
  } finally {
    await finder.close();
  }
}

/** The first that is visible from the walk's present path on, when there is one. */
export function nextVisible(
  walk: StackWalk,
  more: boolean | Promise<boolean>,
): Cursor | undefined | Promise<Cursor | undefined> {
  let goes = more;
  for (;;) {
    if (typeof goes !== 'boolean') return goes.then((found) => nextVisible(walk, found));
    const entry = goes ? walk.visible() : undefined;
    if (entry || !goes) return entry;
    goes = walk.next();
  }
}

export const childOf = (directory: string, name: string): string => (directory === '' ? name : `${directory}/${name}`);
