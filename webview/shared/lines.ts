import type { UsagePoint } from '../../src/protocol/usage-history.ts';

/** Names of the theme's tokens, and how a line is broken: two lines that a person cannot tell by colour differ in this. */
export const strokes = [
  { color: '--ph-blue', dash: [] },
  { color: '--ph-green', dash: [9, 3] },
  { color: '--ph-purple', dash: [2, 3] },
  { color: '--ph-orange', dash: [9, 3, 2, 3] },
  { color: '--ph-red', dash: [5, 3] },
  { color: '--ph-yellow', dash: [14, 4] },
] as const;

/** One line of a chart: a value of each point, undefined where there is none. */
export interface Line {
  readonly name: string;
  readonly of: (point: UsagePoint) => number | undefined;
  /** Whose points; absent: of the one container. */
  readonly source: number;
  readonly limit?: (point: UsagePoint) => number | undefined;
}
