import type { LayerIndex } from '../../protocol/layers.ts';
import { type IndexTotals, IndexWriter } from './index-writer.ts';
import { keyOf } from './keys.ts';

/** Writes the index of a layer that is described in memory, its entries and its whiteouts each in order. */
export async function writeIndex(path: string, { entries, whiteouts }: LayerIndex): Promise<IndexTotals> {
  const linked = new Set<string>();
  for (const { hardlink } of entries) if (hardlink !== undefined) linked.add(hardlink);
  return await IndexWriter.write(path, async (writer) => {
    let written = 0;
    for (const entry of entries) {
      const key = keyOf(entry.path);
      for (let hidden = whiteouts[written]; hidden !== undefined && keyOf(hidden).compare(key) < 0; ) {
        await writer.addWhiteout(hidden);
        written += 1;
        hidden = whiteouts[written];
      }
      await writer.add(entry, { linked: linked.has(entry.path) });
    }
    for (const hidden of whiteouts.slice(written)) await writer.addWhiteout(hidden);
    return await writer.finish();
  });
}
