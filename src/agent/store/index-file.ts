import { open, readFile } from 'node:fs/promises';
import type { LayerEntry, LayerIndex } from '../../protocol/layers.ts';
import { damagedStore } from './errors.ts';

/**
 * A layer's index on disk: lines of JSON, first `{"version":1,"entries":N,"whiteouts":N}`, then arrays of at most 1,000
 * entries, then arrays of at most 1,000 whiteouts. Lines keep each piece far below V8's longest string, whatever the layer.
 */
export async function writeIndex(path: string, index: LayerIndex): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    const { version, entries, whiteouts } = index;
    await file.write(`${JSON.stringify({ version, entries: entries.length, whiteouts: whiteouts.length })}\n`);
    for (const list of [entries, whiteouts]) {
      for (let at = 0; at < list.length; at += perLine) {
        await file.write(`${JSON.stringify(list.slice(at, at + perLine))}\n`);
      }
    }
  } finally {
    await file.close();
  }
}

/** @throws internal when the file is not what `writeIndex` wrote. */
export async function readIndex(path: string): Promise<LayerIndex> {
  const lines = linesOf(await readFile(path));
  try {
    const head: { version: number; entries: number; whiteouts: number } = JSON.parse(lines.next().value ?? '{}');
    if (head.version !== 1) throw damagedStore(`${path} has an unknown version`);
    const entries: LayerEntry[] = [];
    const whiteouts: string[] = [];
    while (entries.length < head.entries) append(entries, lines.next().value);
    while (whiteouts.length < head.whiteouts) append(whiteouts, lines.next().value);
    return { version: 1, entries, whiteouts };
  } catch (failure) {
    throw damagedStore(`${path} is incomplete`, { cause: failure });
  }
}

const perLine = 1_000;

function append<T>(list: T[], line: string | undefined): void {
  const items: T[] = JSON.parse(line ?? '');
  for (const item of items) list.push(item);
}

function* linesOf(data: Buffer): Generator<string, undefined> {
  for (let at = 0; at < data.length; ) {
    const end = data.indexOf(0x0a, at);
    yield data.toString('utf8', at, end === -1 ? data.length : end);
    at = end === -1 ? data.length : end + 1;
  }
}
