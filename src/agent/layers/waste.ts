import type { LayerEntry, WastedFile, WasteReason, WasteReport } from '../../protocol/layers.ts';
import { isSameContent, type Stored } from './content.ts';
import type { LayeredImage, Part } from './contract.ts';
import type { Cursor } from './cursor.ts';
import { differences, isContentUnknown } from './differences.ts';
import { uncounted } from './errors.ts';
import { openWalk } from './open-walk.ts';
import type { StackWalk } from './stack-walk.ts';

/** Told each file that is stored and not visible at the top. */
export type WasteVisitor = (file: WastedFile) => void | Promise<void>;

/**
 * Counts the bytes of all layers, once per inode, as they are stored: those of files that are visible at the top, and the
 * others, each with the layer that stored and the layer that hid them. A file with several names in a layer is visible as
 * long as one of them is; its copy in a higher layer is another file, as overlayfs copies it up.
 *
 * @throws internal when the two do not add up to what the layers hold.
 */
export async function countWaste(
  image: LayeredImage,
  part: Omit<Part, 'path'>,
  { limit }: { readonly limit: number },
): Promise<WasteReport> {
  const pairs = new Map<string, Mutable<WasteReport['pairs'][number]>>();
  const largest = new Largest(limit);
  let wasted = 0;
  let files = 0;
  const { stored, visible } = await walkWaste(image, part, (file) => {
    const { storedBy, hiddenBy, reason, bytes } = file;
    const key = `${storedBy} ${hiddenBy} ${reason}`;
    const pair = pairs.get(key) ?? { storedBy, hiddenBy, reason, bytes: 0, files: 0 };
    pair.bytes += bytes;
    pair.files += 1;
    pairs.set(key, pair);
    wasted += bytes;
    files += 1;
    largest.add(file);
  });
  if (stored !== visible + wasted) throw uncounted(image.id, { stored, visible, wasted });
  const order = [...pairs.values()].sort((a, b) => b.bytes - a.bytes);
  return { stored, visible, wasted, files, pairs: order, largest: largest.files() };
}

/** In the order of paths, but for files with several names, which come last. */
export async function walkWaste(
  image: LayeredImage,
  part: Omit<Part, 'path'>,
  visit: WasteVisitor,
): Promise<{ readonly stored: number; readonly visible: number }> {
  const walk = await openWalk(image, part);
  const linked = new Map<string, Linked>();
  let visible = 0;
  try {
    let more = await walk.next();
    for (let steps = 1; more; steps++) {
      if (steps % 1024 === 0) part.signal.throwIfAborted();
      const top = walk.visible();
      for (const claim of walk.claims) {
        if (!claim.isFile || (claim.bytes === 0 && !claim.isLinked)) continue;
        if (claim.isLinked)
          await joinNames(claim, { image, walk, linked, signal: part.signal, isVisible: claim === top });
        else if (claim === top) visible += claim.bytes;
        else await visit(await wastedFile(claim, { image, walk, signal: part.signal }));
      }
      const moved = walk.next();
      more = typeof moved === 'boolean' ? moved : await moved;
    }
    for (const { bytes, isVisible, file } of linked.values()) {
      if (isVisible) visible += bytes;
      else if (file && bytes > 0) await visit({ ...file, bytes });
    }
    const indexes = await image.indexes(part.signal);
    const counted = indexes.slice(0, (part.position ?? indexes.length) + 1);
    return { stored: counted.reduce((sum, { totals }) => sum + totals.bytes, 0), visible };
  } finally {
    await walk.close();
  }
}

/** What is known so far of an inode with several names in one layer. */
interface Linked {
  bytes: number;
  isVisible: boolean;
  /** Of the name that was hidden last, by the highest layer. */
  file: WastedFile | undefined;
}

interface Context {
  readonly image: LayeredImage;
  readonly walk: StackWalk;
  readonly signal: AbortSignal;
}

async function joinNames(
  claim: Cursor,
  { linked, isVisible, ...context }: Context & { linked: Map<string, Linked>; isVisible: boolean },
): Promise<void> {
  const { path, hardlink = path } = claim.entry();
  const key = `${claim.layer}\0${hardlink}`;
  const inode = linked.get(key) ?? { bytes: 0, isVisible: false, file: undefined };
  linked.set(key, inode);
  inode.bytes += claim.bytes;
  if (isVisible) inode.isVisible = true;
  else if (!inode.isVisible) {
    const file = await wastedFile(claim, context);
    if (!inode.file || file.hiddenBy > inode.file.hiddenBy) inode.file = file;
  }
}

async function wastedFile(claim: Cursor, context: Context): Promise<WastedFile> {
  const hider = context.walk.hider(claim.layer);
  const entry = claim.entry();
  const base = { path: entry.path, bytes: claim.bytes, storedBy: claim.layer, hiddenBy: hider?.layer ?? claim.layer };
  if (!hider?.by) return { ...base, reason: hider?.hiding === 'replaced' ? 'type' : (hider?.hiding ?? 'type') };
  if (hider.by.isWhiteout) return { ...base, reason: 'deleted' };
  if (!hider.by.isFile) return { ...base, reason: 'type' };
  const by = { position: hider.layer, entry: hider.by.entry() };
  return { ...base, ...(await replacement({ position: claim.layer, entry }, by, context)) };
}

interface Version {
  readonly position: number;
  readonly entry: LayerEntry;
}

/** A file that another file replaced: with other content, or with the same once more. */
async function replacement(
  before: Version,
  after: Version,
  { image, signal }: Context,
): Promise<{ reason: WasteReason; differs?: WastedFile['differs'] }> {
  const files: [Stored, Stored] = [
    { image, ...before },
    { image, ...after },
  ];
  const same = isContentUnknown(before.entry, after.entry) ? await isSameContent(files, signal) : undefined;
  const differs = differences(before.entry, after.entry, same);
  if (differs.includes('content')) return { reason: 'content' };
  return differs.length > 0 ? { reason: 'metadata', differs } : { reason: 'same' };
}

/** The largest of many, without keeping the others. */
class Largest {
  readonly #limit: number;
  #files: WastedFile[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(file: WastedFile): void {
    this.#files.push(file);
    if (this.#files.length >= 2 * this.#limit + 1000) this.#files = this.files();
  }

  files(): WastedFile[] {
    return this.#files.sort((a, b) => b.bytes - a.bytes).slice(0, this.#limit);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
