import type { LayerChange } from '../../protocol/layers.ts';
import { isSameContent, type Stored } from './content.ts';
import type { LayeredImage, Part } from './contract.ts';
import type { Cursor } from './cursor.ts';
import { type Aspect, differences, isContentUnknown, isSameText, isTextAll } from './differences.ts';
import { nextVisible } from './merged.ts';
import { openWalk, topOf } from './open-walk.ts';

/** A difference at one path. The cursors stand there until the visitor is done. */
export interface Change {
  readonly kind: LayerChange['kind'];
  readonly differs?: readonly Aspect[];
  readonly before?: Cursor | undefined;
  readonly after?: Cursor | undefined;
}

export type ChangeVisitor = (change: Change) => void | Promise<void>;

/**
 * What a layer changed against everything below it, in the order of paths; what a deleted directory held is deleted path by
 * path. The layers below are only read where this one says something.
 */
export async function walkChanges(image: LayeredImage, part: Part, visit: ChangeVisitor): Promise<void> {
  const layer = topOf(image, part.position);
  const walk = await openWalk(image, part);
  try {
    let more = await walk.enter(part.path ?? '');
    for (let steps = 1; more; steps++) {
      if (steps % stepsPerCheck === 0) part.signal.throwIfAborted();
      const own = walk.claims[0]?.layer === layer ? walk.claims[0] : undefined;
      const isHidden = own?.isWhiteout === true || walk.isCoveredBy(layer);
      if (own || isHidden) {
        const before = walk.visible(layer);
        const after = own?.isWhiteout ? undefined : own;
        const done = judge({ before, after, isHidden }, { left: image, right: image, visit, signal: part.signal });
        if (done) await done;
      }
      const moved = own || isHidden ? walk.next() : walk.catchUp(layer);
      more = typeof moved === 'boolean' ? moved : await moved;
    }
  } finally {
    await walk.close();
  }
}

export interface Tree extends Omit<Part, 'signal' | 'path'> {
  readonly image: LayeredImage;
}

/** In what one tree differs from another, in the order of paths. */
export async function walkDifferences(
  trees: { readonly left: Tree; readonly right: Tree },
  part: Omit<Part, 'position'>,
  visit: ChangeVisitor,
): Promise<void> {
  const { left, right } = trees;
  const [a, b] = [await openWalk(left.image, { ...left, ...part }), await openWalk(right.image, { ...right, ...part })];
  try {
    let before = await nextVisible(a, await a.enter(part.path ?? ''));
    let after = await nextVisible(b, await b.enter(part.path ?? ''));
    for (let steps = 1; before || after; steps++) {
      if (steps % stepsPerCheck === 0) part.signal.throwIfAborted();
      const order = before && after ? before.compare(after) : before ? -1 : 1;
      const found = { before: order <= 0 ? before : undefined, after: order >= 0 ? after : undefined, isHidden: true };
      const done = judge(found, { left: left.image, right: right.image, visit, signal: part.signal });
      if (done) await done;
      if (order <= 0) before = await nextVisible(a, a.next());
      if (order >= 0) after = await nextVisible(b, b.next());
    }
  } finally {
    await a.close();
    await b.close();
  }
}

/** How many paths a walk passes until it looks whether somebody still wants to know. */
const stepsPerCheck = 1024;

/** The same bytes in an image's storage: nothing has to be read to know it. */
function isSameLayer(
  before: Cursor,
  after: Cursor,
  images: { readonly left: LayeredImage; readonly right: LayeredImage },
) {
  const diffId = images.left.layers[before.layer]?.diffId ?? '';
  return diffId !== '' && diffId === images.right.layers[after.layer]?.diffId;
}

interface Found {
  readonly before: Cursor | undefined;
  readonly after: Cursor | undefined;
  /** What was before is not seen any more. */
  readonly isHidden: boolean;
}

interface Asked {
  readonly left: LayeredImage;
  readonly right: LayeredImage;
  readonly visit: ChangeVisitor;
  readonly signal: AbortSignal;
}

function judge({ before, after, isHidden }: Found, { left, right, visit, signal }: Asked): void | Promise<void> {
  if (!before || !after) {
    // The root itself is always there.
    if (after) return after.keyEnd > after.keyStart ? visit({ kind: 'added', after }) : undefined;
    if (before && isHidden) return visit({ kind: 'deleted', before });
    return undefined;
  }
  if (isSameText(before, after) && (isTextAll(before) || isSameLayer(before, after, { left, right }))) return undefined;
  const [was, is] = [before.entry(), after.entry()];
  if (isContentUnknown(was, is)) {
    const stored: [Stored, Stored] = [
      { image: left, position: before.layer, entry: was },
      { image: right, position: after.layer, entry: is },
    ];
    return isSameContent(stored, signal).then((same) => {
      const differs = differences(was, is, same);
      return differs.length > 0 ? visit({ kind: 'modified', differs, before, after }) : undefined;
    });
  }
  const differs = differences(was, is);
  return differs.length > 0 ? visit({ kind: 'modified', differs, before, after }) : undefined;
}
