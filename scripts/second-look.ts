import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Failure } from '../test/support/reporter.ts';
import { root } from './paths.ts';
import { attempt } from './processes.ts';
import { type Counts, countsIn } from './suite-counts.ts';

/** How a suite went, and what failed in it once and passed when it ran again by itself. */
export interface Outcome {
  readonly counts: Counts;
  readonly unsteady: readonly string[];
}

/** More failures than this are no accident. */
const most = 8;

/**
 * Runs files of tests; a file in which something failed is run once more, in a process of its own, because these tests meet a
 * real kernel, daemons and a browser on machines that others use too. What failed in one of the two runs only is named as
 * unsteady at the end of the whole: it is to be mended, but does not hide whether the change is good. A leak without a failed
 * test is never excused.
 */
export async function runTwiceAtMost(files: readonly string[]): Promise<Outcome> {
  const { counts, failures } = await runMocha(files);
  const again = filesToRunAgain(failures);
  if (counts.failed === 0 || again === undefined) return { counts, unsteady: [] };
  console.log(`\n  once more, by itself: ${again.join(' ')}`);
  const second: Failure[] = [];
  for (const file of again) {
    const run = await runMocha([file]);
    if (run.counts.failed > 0 && run.failures.length === 0) return { counts, unsteady: [] };
    second.push(...run.failures);
  }
  return compared(counts, failures, second);
}

/** What is to be run again; undefined when that would say nothing: nobody knows what failed, too much did, or it is a leak alone. */
export function filesToRunAgain(failures: readonly Failure[]): readonly string[] | undefined {
  const files = new Set(failures.flatMap(({ file }) => file ?? []));
  return files.size === 0 || failures.length > most ? undefined : [...files];
}

/** What failed in both runs has failed, and so has a leak of the second one, which no other file can have left. */
export function compared(counts: Counts, first: readonly Failure[], second: readonly Failure[]): Outcome {
  const isIn = (failures: readonly Failure[], { name }: Failure) => failures.some((one) => one.name === name);
  const lasting = second.filter((failure) => failure.file === undefined || isIn(first, failure));
  const unsteady = [
    ...first.filter((failure) => !isIn(second, failure)),
    ...second.filter((failure) => !lasting.includes(failure)),
  ];
  const mended = first.filter(({ title }) => title !== undefined).filter((failure) => !isIn(second, failure)).length;
  return {
    counts: { ...counts, passed: counts.passed + mended, failed: lasting.length },
    unsteady: unsteady.map(({ name }) => name),
  };
}

async function runMocha(files: readonly string[]): Promise<{ counts: Counts; failures: readonly Failure[] }> {
  const dir = await mkdtemp(join(tmpdir(), 'suite-'));
  try {
    const target = join(dir, 'failures.json');
    const flags = ['--require', './test/support/leaks.ts', '--reporter', './test/support/reporter.ts', '--forbid-only'];
    const args = ['node_modules/mocha/bin/mocha.js', ...flags, ...files];
    const env = { ...process.env, PORTHOLE_FAILURES: target };
    const counts = countsIn(await attempt(process.execPath, args, { cwd: root, env }));
    const failures: readonly Failure[] = JSON.parse(await readFile(target, 'utf8').catch(() => '[]'));
    return { counts, failures };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
