/** One line of the printed table. */
export interface Row {
  readonly what: string;
  readonly unit: 'ms' | 'KiB' | 'MiB' | 's' | 'errors';
  readonly ours: number;
  /** What it is compared with, and whose figure that is. */
  readonly other?: { readonly figure: number; readonly whose: string };
  /** The share of the other that ours must not exceed, or an absolute bound. Absent: told for what it is worth. */
  readonly goal?: { readonly share: number } | { readonly most: number };
}

/** The table as lines: what, goal, measured, the other, their ratio, ok or MISS. */
export function table(rows: readonly Row[]): string[] {
  const cells = rows.map((row) => [
    row.what,
    goalText(row),
    figureText(row.ours, row.unit),
    row.other ? `${figureText(row.other.figure, row.unit)} ${row.other.whose}` : '',
    row.other ? (row.ours / row.other.figure).toFixed(3) : '',
    row.goal === undefined ? '' : isMet(row) ? 'ok' : 'MISS',
  ]);
  const all = [['what', 'goal', 'measured', 'beside', 'ratio', ''], ...cells];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((line) => (line[column] ?? '').length))) ?? [];
  return all.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** True when the row has no goal or meets it. A figure that is missing meets none. */
export function isMet({ goal, ours, other }: Row): boolean {
  if (goal === undefined) return true;
  return 'share' in goal ? other !== undefined && ours <= other.figure * goal.share : ours <= goal.most;
}

function goalText({ goal, unit }: Row): string {
  if (goal === undefined) return '';
  return 'share' in goal ? `<= ${goal.share.toFixed(3)} of it` : `<= ${goal.most} ${unit}`;
}

const figureText = (value: number, unit: string): string =>
  `${Number.isInteger(value) || value >= 100 ? value.toFixed(0) : value.toFixed(2)} ${unit}`;
