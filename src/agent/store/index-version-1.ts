import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.ts';
import type { LayerEntry } from '../../protocol/layers.ts';
import { comparePaths } from '../layers/keys.ts';
import { writeIndex } from '../layers/write-index.ts';
import { syncDirectory } from '../sys/durable.ts';

/**
 * Earlier agents wrote a layer's index as lines of JSON, `index.jsonl`: its counts, then arrays of entries, then arrays of
 * whiteouts. Containers may stand on the layer, so it is converted where it is.
 */
export async function convertIndex(layer: string): Promise<void> {
  const old = join(layer, 'index.jsonl');
  const text = await readFile(old, 'utf8').catch((failure: unknown) => {
    if (errnoOf(failure) === 'ENOENT') return undefined;
    throw failure;
  });
  if (text === undefined) return;
  const [head = '{}', ...lines] = text.trimEnd().split('\n');
  const counts: { readonly entries: number } = JSON.parse(head);
  const entries: LayerEntry[] = [];
  const whiteouts: string[] = [];
  for (const line of lines) {
    if (entries.length < counts.entries) entries.push(...JSON.parse(line));
    else whiteouts.push(...JSON.parse(line));
  }
  entries.sort((a, b) => comparePaths(a.path, b.path));
  const temporary = join(layer, 'index.new');
  await rm(temporary, { force: true });
  await writeIndex(temporary, { entries, whiteouts: whiteouts.sort(comparePaths) });
  await rename(temporary, join(layer, 'index'));
  await syncDirectory(layer);
  await rm(old);
}
