import { performance } from 'node:perf_hooks';

/** Durations of one thing done again and again, in milliseconds. */
export interface Timing {
  readonly median: number;
  readonly min: number;
  readonly p90: number;
  readonly count: number;
}

/** Runs a task `warm` times unmeasured, then `count` times measured, one after another. */
export async function time(
  task: () => Promise<unknown>,
  { count = 20, warm = 2 }: { count?: number; warm?: number } = {},
): Promise<Timing> {
  for (let at = 0; at < warm; at += 1) await task();
  const durations: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const begun = performance.now();
    await task();
    durations.push(performance.now() - begun);
  }
  return timing(durations);
}

/** Sums up durations that were measured elsewhere. */
export function timing(durations: readonly number[]): Timing {
  const sorted = [...durations].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { median: at(0.5), min: at(0), p90: at(0.9), count: sorted.length };
}

/** One line of the printed table. */
export interface Row {
  readonly what: string;
  readonly ours: number;
  readonly theirs: number;
  /** Whose figure `theirs` is. */
  readonly against: string;
  readonly unit: 'ms' | 'KiB';
  /** The share of theirs that ours should not exceed, or an absolute bound. */
  readonly goal?: { readonly share: number } | { readonly most: number };
}

/** The table as lines: figures, their ratio, whether a goal is met. */
export function table(rows: readonly Row[]): string[] {
  const cells = rows.map((row) => [
    row.what,
    `${figure(row.ours)} ${row.unit}`,
    `${figure(row.theirs)} ${row.unit} (${row.against})`,
    (row.ours / row.theirs).toFixed(2),
    goalText(row),
  ]);
  const all = [['what (median)', 'porthole', 'the other', 'ratio', 'goal'], ...cells];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((line) => (line[column] ?? '').length))) ?? [];
  return all.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** True when the row has no goal or meets it. */
export function isMet({ goal, ours, theirs }: Row): boolean {
  if (goal === undefined) return true;
  return 'share' in goal ? ours <= theirs * goal.share : ours <= goal.most;
}

function goalText(row: Row): string {
  if (row.goal === undefined) return '';
  const bound =
    'share' in row.goal ? `at most ${row.goal.share.toFixed(2)} of it` : `at most ${row.goal.most} ${row.unit}`;
  return `${bound}: ${isMet(row) ? 'met' : 'MISSED'}`;
}

const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));
