import { buildAll } from './build.ts';
import { ensureTestPrograms } from './prerequisites.ts';
import type { Outcome } from './second-look.ts';
import type { Counts } from './suite-counts.ts';
import { findSuites } from './suites.ts';

/** `npm test [-- NAME ...]`: every suite, or those whose names contain one of the words. */
const wanted = process.argv.slice(2);
const results: { name: string; counts: Counts; seconds: number }[] = [];
const unsteady: string[] = [];

await ensureTestPrograms();
await timed('build', async () => {
  await buildAll();
  return { counts: { passed: 1, failed: 0, skipped: 0 }, unsteady: [] };
});
for (const suite of await findSuites()) {
  if (wanted.length > 0 && !wanted.some((word) => suite.name.includes(word))) continue;
  await timed(suite.name, () => suite.run());
}

console.log('');
for (const { name, counts, seconds } of results) {
  const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
  console.log(`  ${name.padEnd(22)} ${line} (${seconds.toFixed(0)} s)`);
}
for (const what of unsteady) console.log(`  unsteady, failed once and passed by itself: ${what}`);
const sum = (key: keyof Counts) => results.reduce((total, { counts }) => total + counts[key], 0);
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
process.exitCode = sum('failed') === 0 ? 0 : 1;

async function timed(name: string, run: () => Promise<Outcome>): Promise<void> {
  console.log(`\n=== ${name}`);
  const begun = Date.now();
  let counts: Counts;
  try {
    const outcome = await run();
    counts = outcome.counts;
    unsteady.push(...outcome.unsteady.map((what) => `${name}: ${what}`));
  } catch (failure) {
    console.error(failure instanceof Error ? failure.message : failure);
    counts = { passed: 0, failed: 1, skipped: 0 };
  }
  results.push({ name, counts, seconds: (Date.now() - begun) / 1000 });
}
