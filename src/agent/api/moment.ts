import { goDuration } from '../../base/go-duration.ts';
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
  // Alone it is no duration to Docker, but the beginning of time.
  if ('nanoseconds' in ago && text !== '0') return now - ago.nanoseconds / 1e6;
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
