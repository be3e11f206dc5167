import { badParameter } from './errors.ts';
import type { Filters } from './filters.ts';
import { Query } from './query.ts';

/** The `until` filter of prune routes. Undefined when it is not asked for, else milliseconds since the epoch. */
export function pruneUntil(filters: Filters, now: number): number | undefined {
  const [value, another] = filters.get('until');
  if (another !== undefined) throw badParameter('more than one until filter specified');
  return value === undefined ? undefined : momentOf(value, now);
}

/**
 * Milliseconds since the epoch from a point in time, or from how long ago in Go's form ('10m', '1h30m').
 * @throws invalid for anything else.
 */
export function momentOf(text: string, now: number): number {
  const ago = goDuration(text);
  if (ago !== undefined) return now - ago;
  const nanoseconds = pointOf(text);
  return nanoseconds === undefined ? 0 : Number(nanoseconds / 1_000n) / 1_000;
}

function pointOf(text: string): bigint | undefined {
  try {
    return new Query({ until: text }).nanoTime('until');
  } catch {
    throw badParameter(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  }
}

const milliseconds: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};
const part = /(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)/g;

/** Undefined when it is no duration. */
function goDuration(text: string): number | undefined {
  const unsigned = text.replace(/^[+-]/, '');
  const parts = [...unsigned.matchAll(part)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== unsigned) return undefined;
  const sum = parts.reduce((total, [, amount, unit = '']) => total + Number(amount) * (milliseconds[unit] ?? 0), 0);
  return text.startsWith('-') ? -sum : sum;
}
