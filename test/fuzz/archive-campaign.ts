import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, PortholeError } from '../../src/base/errors.ts';
import { Rig, streamOf } from '../agent/store/rig.ts';
import { hostileArchive } from './archives.ts';
import { Random } from './random.ts';

export interface ArchiveReport {
  /** How many came to what end: 'taken', or the kind of the refusal. */
  readonly ends: ReadonlyMap<string, number>;
  /** What must not be, with the number of the archive within its campaign. */
  readonly findings: readonly string[];
  /** Descriptors of this process at the end that were not there at the beginning. */
  readonly descriptors: readonly string[];
}

/** Gives archives to a store of its own, one after the other: each is refused or taken, and then removed again. */
export async function stormArchives(options: {
  readonly seed: number;
  readonly count: number;
  readonly first?: number;
  readonly progress?: (done: number) => void;
}): Promise<ArchiveReport> {
  const { seed, count, first = 0 } = options;
  const ends = new Map<string, number>();
  const findings: string[] = [];
  const rig = new Rig();
  await rig.open();
  try {
    await writeFile(join(rig.directory, 'canary'), 'untouched');
    await mkdir(join(rig.directory, 'beside'));
    await rig.image([]);
    await empty(rig);
    const files = await rig.files();
    const before = await descriptors();
    for (let index = first; index < first + count; index++) {
      if ((index - first) % 500 === 0) options.progress?.(index - first);
      const { how, data } = await hostileArchive(Random.of(seed, index));
      const end = await give(rig, how, data);
      ends.set(end.end, (ends.get(end.end) ?? 0) + 1);
      if (end.problem !== undefined) findings.push(`#${index}: ${end.problem}`);
      const left = (await rig.files()).filter((name) => !files.includes(name));
      if (left.length > 0) findings.push(`#${index}: left ${left.slice(0, 5).join(' ')}`);
      if ((await stray(rig)) !== undefined) findings.push(`#${index}: ${await stray(rig)}`);
      if (left.length > 0 || findings.length > 20) break;
    }
    const after = await descriptors();
    return { ends, findings, descriptors: after.filter((one) => !before.includes(one)) };
  } finally {
    await rig.close();
  }
}

async function give(rig: Rig, how: 'load' | 'import', data: Buffer): Promise<{ end: string; problem?: string }> {
  const signal = new AbortController().signal;
  try {
    if (how === 'load') await rig.load(data, signal);
    else await rig.store.importTar(streamOf(data), { signal, reference: 'fuzz:1' });
  } catch (failure) {
    if (failure instanceof PortholeError && (failure.kind === 'invalid' || failure.kind === 'unsupported')) {
      const listed = rig.store.list().length;
      return { end: failure.kind, ...(listed > 0 && { problem: 'an image of a refused archive' }) };
    }
    return {
      end: 'failed',
      problem: failure instanceof Error ? (failure.stack ?? failure.message) : messageOf(failure),
    };
  }
  const problem = await look(rig).catch((failure: unknown) => `it cannot be looked at: ${messageOf(failure)}`);
  await empty(rig);
  return { end: 'taken', ...(problem !== undefined && { problem }) };
}

/** Whoever shows an image reads all of it. */
async function look(rig: Rig): Promise<string | undefined> {
  for (const { id } of rig.store.list()) {
    for (const { position, counts } of rig.store.layers(id)) {
      const { entries } = await rig.index(id, position);
      if (entries.length !== counts.entries) return `layer ${position} of ${id} has another number of entries`;
    }
  }
  return undefined;
}

async function empty(rig: Rig): Promise<void> {
  const unused = { force: true, usedBy: () => [] };
  for (const { id } of rig.store.list()) await rig.store.remove(id, unused);
}

async function stray(rig: Rig): Promise<string | undefined> {
  const places = ['/escape', '/tmp/escape', '/etc/absolute', '/b'];
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return `${found} is there`;
  if ((await readFile(join(rig.directory, 'canary'), 'utf8')) !== 'untouched') return 'the canary has changed';
  const beside = (await readdir(rig.directory)).sort().join(' ');
  return beside === 'beside canary root' ? undefined : `beside the store: ${beside}`;
}

async function descriptors(): Promise<string[]> {
  const numbers = await readdir('/proc/self/fd');
  const targets = await Promise.all(numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => '')));
  return targets.filter((target) => target !== '');
}
