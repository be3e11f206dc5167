import type { LayerEntry, LayerIndex } from '../../protocol/layers.ts';
import type { LayeredImage } from './contract.ts';
import { noSuchLayer } from './errors.ts';
import type { IndexFile } from './index-file.ts';
import { pathOf } from './keys.ts';
import { topOf } from './open-walk.ts';
import { StackWalk } from './stack-walk.ts';

/** Of one layer. @throws not-found */
export async function indexOf(
  image: LayeredImage,
  { position, signal }: { readonly position: number; readonly signal: AbortSignal },
): Promise<IndexFile> {
  const index = (await image.indexes(signal))[topOf(image, position)];
  if (!index) throw noSuchLayer(image.id, position);
  return index;
}

/** Told each record of one layer, in order. */
export async function walkIndex(
  index: IndexFile,
  visit: { entry(text: Buffer): void | Promise<void>; whiteout(path: string): void | Promise<void> },
): Promise<void> {
  const walk = await StackWalk.open([index]);
  try {
    for (let more = await walk.next(); more; more = await walk.next()) {
      const [record] = walk.claims;
      if (!record) continue;
      if (record.isWhiteout) await visit.whiteout(pathOf(record.key));
      else await visit.entry(record.text);
    }
  } finally {
    await walk.close();
  }
}

/** The whole index in memory. */
export async function readIndex(index: IndexFile): Promise<LayerIndex> {
  const entries: LayerEntry[] = [];
  const whiteouts: string[] = [];
  await walkIndex(index, {
    entry: (text) => void entries.push(JSON.parse(text.toString('utf8'))),
    whiteout: (path) => void whiteouts.push(path),
  });
  return { entries, whiteouts };
}
