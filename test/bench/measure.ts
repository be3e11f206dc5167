import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/** Durations of one thing done again and again, in milliseconds. */
export interface Timing {
  readonly median: number;
  /** The median of the shortest of each three: what it takes when nothing else happens on the machine. */
  readonly undisturbed: number;
  readonly count: number;
}

/** Sums up durations in the order in which they were measured. */
export function timing(durations: readonly number[]): Timing {
  const shortest: number[] = [];
  for (let at = 0; at < durations.length; at += 3) shortest.push(Math.min(...durations.slice(at, at + 3)));
  return { median: median(durations), undisturbed: median(shortest), count: durations.length };
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Milliseconds that a task took. */
export async function timed(task: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await task();
  return performance.now() - begun;
}

/** Milliseconds between turns. */
const rest = 50;

/**
 * The tasks take turns, so that the machine's mood meets all of them alike. Each gives back its milliseconds, which may leave
 * out what it only prepares. The first rounds, three where not told otherwise, warm what there is to be warmed. Before each
 * turn there is a rest: an engine clears up after it has answered, and what that takes is not the next one's.
 */
export async function inTurns<Name extends string>(
  tasks: Readonly<Record<Name, () => Promise<number>>>,
  options: { readonly rounds: number; readonly rest?: number; readonly warming?: number },
): Promise<(name: Name) => Timing> {
  const durations = new Map<string, number[]>();
  for (let round = -(options.warming ?? 3); round < options.rounds; round += 1) {
    for (const [name, task] of Object.entries<() => Promise<number>>(tasks)) {
      await delay(options.rest ?? rest);
      const took = await task();
      if (round >= 0) durations.set(name, [...(durations.get(name) ?? []), took]);
    }
  }
  return (name) => timing(durations.get(name) ?? []);
}
