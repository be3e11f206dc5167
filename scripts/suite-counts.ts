import { stripVTControlCharacters } from 'node:util';

/** How a suite went. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Reads Mocha's summary, or a last line `N passed, N failed, N skipped`. A bad end without a failed test is a failure. */
export function countsIn({ code, output }: { code: number; output: string }): Counts {
  const plain = stripVTControlCharacters(output);
  const last = [...plain.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1);
  const counts = last
    ? { passed: Number(last[1]), failed: Number(last[2]), skipped: Number(last[3]) }
    : { passed: summary(plain, 'passing'), failed: summary(plain, 'failing'), skipped: summary(plain, 'pending') };
  if (code !== 0 && counts.failed === 0) return { ...counts, failed: 1 };
  if (code === 0 && counts.passed + counts.skipped === 0) return { ...counts, failed: 1 };
  return counts;
}

const summary = (text: string, word: string): number =>
  [...text.matchAll(new RegExp(`^\\s*(\\d+) ${word}\\b`, 'gm'))].reduce((sum, [, count]) => sum + Number(count), 0);
