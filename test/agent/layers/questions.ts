import { walkChanges } from '../../../src/agent/layers/changes.ts';
import type { LayeredImage } from '../../../src/agent/layers/contract.ts';
import { JsonList } from '../../../src/agent/layers/json-list.ts';
import { walkMerged } from '../../../src/agent/layers/merged.ts';
import { indexOf, readIndex } from '../../../src/agent/layers/read-index.ts';
import type { LayerChange, LayerEntry, LayerIndex } from '../../../src/protocol/layers.ts';

const signal = new AbortController().signal;

/** What the API answers about a small image, in memory. */
export async function indexAt(image: LayeredImage, position: number): Promise<LayerIndex> {
  return await readIndex(await indexOf(image, { position, signal }));
}

export function changesAt(image: LayeredImage, position: number): Promise<LayerChange[]> {
  return listed((list) => walkChanges(image, { position, signal }, (change) => list.change(change)));
}

export async function mergedAt(image: LayeredImage, position?: number): Promise<LayerEntry[]> {
  const entries = await listed<LayerEntry & { layer?: number }>((list) =>
    walkMerged(image, { position, signal }, (entry) => list.entry(entry)),
  );
  return entries.map(({ layer: _, ...entry }) => entry);
}

/** As a client reads it. */
export async function listed<T>(make: (list: JsonList) => Promise<void>): Promise<T[]> {
  const pieces: Buffer[] = [];
  const list = new JsonList((piece) => void pieces.push(piece));
  await make(list);
  await list.end();
  return JSON.parse(Buffer.concat(pieces).toString());
}
