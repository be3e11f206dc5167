import type { CgroupReading } from '../../src/protocol/usage.ts';
import { pointsOf, type UsageHistory, type UsagePoint, usagePoint } from '../../src/protocol/usage-history.ts';

/** Milliseconds: what the agent keeps, too. */
const longest = 3_600_000;

/** The last hour of one container: what the agent kept, then what was read here, a point a second. */
export class Series {
  #past: readonly UsagePoint[] = [];
  #live: UsagePoint[] = [];
  #reading: CgroupReading | undefined;

  /** The latest reading; absent before the first and after an end. */
  get reading(): CgroupReading | undefined {
    return this.#reading;
  }

  get points(): readonly UsagePoint[] {
    return [...this.#past, ...this.#live];
  }

  /** What was read here stays: it is closer together. */
  setPast(history: UsageHistory): void {
    const first = this.#live[0]?.at ?? Number.POSITIVE_INFINITY;
    this.#past = pointsOf(history).filter(({ at }) => at < first);
  }

  /** Readings that come out of order or twice are dropped. */
  add(reading: CgroupReading): void {
    const last = this.points.at(-1);
    if (last && reading.at <= last.at) return;
    const begin = reading.at - longest;
    this.#live = [...this.#live.filter(({ at }) => at >= begin), usagePoint(this.#reading, reading)];
    this.#past = this.#past.filter(({ at }) => at >= begin);
    this.#reading = reading;
  }

  /** It runs no longer: a gap, so that no line leads to its next life. */
  end(at: number): void {
    if (!this.#reading) return;
    this.#reading = undefined;
    this.#live = [...this.#live, { at }];
  }
}

/** The points of the last minutes before a moment in milliseconds. */
export function within(
  points: readonly UsagePoint[],
  { minutes, to }: { readonly minutes: number; readonly to: number },
): readonly UsagePoint[] {
  const begin = to - minutes * 60_000;
  return points.filter(({ at }) => at >= begin);
}
