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
 * Runs files of tests; what failed is run once more by itself, each file in a process of its own, because these tests meet
 * a real kernel, daemons and a browser on machines that others use too. What passes then is named as unsteady at the end of
 * the run: it is to be mended, but does not hide whether the change is good. A leak without a failed test is never excused.
 */
export async function runTwiceAtMost(files: readonly string[]): Promise<Outcome> {
  const { counts, failures } = await runMocha(files);
  const again = secondRuns(failures);
  if (counts.failed === 0 || again === undefined) return { counts, unsteady: [] };
  console.log(`\n  once more, by itself: ${failures.map(({ name }) => name).join('; ')}`);
  const failedAgain: Failure[] = [];
  for (const { file, titles } of again) {
    const second = await runMocha([file], titles);
    if (second.counts.failed > 0 && second.failures.length === 0) return { counts, unsteady: [] };
    failedAgain.push(...second.failures);
  }
  const lasting = failures.filter((failure) => failedAgain.some(({ name }) => name === failure.name));
  if (failedAgain.length > lasting.length) return { counts, unsteady: [] };
  return {
    counts: {
      ...counts,
      passed: counts.passed + failures.filter(({ title }) => title !== undefined).length - lasting.length,
      failed: lasting.length,
    },
    unsteady: failures.filter((failure) => !lasting.includes(failure)).map(({ name }) => name),
  };
}

/** What is to be run again; undefined when that would say nothing: nobody knows what failed, too much did, or it is a leak alone. */
export function secondRuns(
  failures: readonly Failure[],
): readonly { readonly file: string; readonly titles?: readonly string[] }[] | undefined {
  if (failures.length === 0 || failures.length > most) return undefined;
  const files = new Map<string, readonly Failure[]>();
  for (const failure of failures) {
    if (failure.file === undefined) continue;
    files.set(failure.file, [...(files.get(failure.file) ?? []), failure]);
  }
  if (files.size === 0) return undefined;
  return [...files].map(([file, failed]) => {
    const titles = failed.flatMap(({ title }) => title ?? []);
    // A hook that failed kept tests from running that have no failure of their own.
    return titles.length === failed.length ? { file, titles } : { file };
  });
}

async function runMocha(
  files: readonly string[],
  titles?: readonly string[],
): Promise<{ counts: Counts; failures: readonly Failure[] }> {
  const dir = await mkdtemp(join(tmpdir(), 'suite-'));
  try {
    const target = join(dir, 'failures.json');
    const flags = ['--require', './test/support/leaks.ts', '--reporter', './test/support/reporter.ts', '--forbid-only'];
    const chosen = titles === undefined ? [] : ['--grep', `^(${titles.map(literal).join('|')})$`];
    const args = ['node_modules/mocha/bin/mocha.js', ...flags, ...chosen, ...files];
    const env = { ...process.env, PORTHOLE_FAILURES: target };
    const counts = countsIn(await attempt(process.execPath, args, { cwd: root, env }));
    const failures: readonly Failure[] = JSON.parse(await readFile(target, 'utf8').catch(() => '[]'));
    return { counts, failures };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const literal = (title: string): string => title.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
