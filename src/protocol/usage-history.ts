import type { CgroupReading, Pressure } from './usage.ts';

/**
 * What is told of a cgroup's use in the time between two readings, or at the later one:
 *
 * | column | unit |
 * |---|---|
 * | `cpu`, `cpuLimit` | percent of one CPU, on average |
 * | `throttledPeriods` | percent of the scheduler's periods in which the limit held it back |
 * | `throttledTime` | milliseconds of waiting in each second; of all its threads together |
 * | `memory`, `anon`, `file`, `kernel`, `swap`, `memoryLimit` | bytes |
 * | `kills` | processes that the kernel killed for lack of memory |
 * | `read`, `write` | bytes in each second, of block devices |
 * | `pids`, `pidsLimit` | processes and threads |
 * | `pressureCpu`, `pressureMemory`, `pressureIo` | percent of the time in which something of it waited |
 */
export const usageColumns = [
  'cpu',
  'cpuLimit',
  'throttledPeriods',
  'throttledTime',
  'memory',
  'anon',
  'file',
  'kernel',
  'swap',
  'memoryLimit',
  'kills',
  'read',
  'write',
  'pids',
  'pidsLimit',
  'pressureCpu',
  'pressureMemory',
  'pressureIo',
] as const;
export type UsageColumn = (typeof usageColumns)[number];

/** Absent: the kernel does not tell it, or there is no reading before. A point without any value is an end: it ran no longer. */
export interface UsagePoint extends Readonly<Partial<Record<UsageColumn, number>>> {
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** `GET /porthole/v1/containers/{id}/usage` */
export interface UsageHistory {
  /** Milliseconds since the epoch: readings have been kept from here on, because the agent began then. */
  readonly since: number;
  /** Milliseconds between two readings now; the older they are the farther apart those are that stay. */
  readonly interval: number;
  /** Milliseconds since the epoch, ascending. */
  readonly at: readonly number[];
  /** As many values as moments; one without any value is left out. */
  readonly columns: Readonly<Partial<Record<UsageColumn, readonly (number | null)[]>>>;
}

/** `GET /porthole/v1/containers/{id}/update/plan?change={...}`: what `update` with that body would write into cgroup files, done without writing. */
export interface UpdatePlan {
  /** False: it does not run, so its next start writes the limits. */
  readonly live: boolean;
  /** In the order in which they would be done. */
  readonly writes: readonly PlannedWrite[];
  readonly warnings: readonly string[];
}

export interface PlannedWrite {
  /** The operation as a plan shows it. */
  readonly line: string;
  /** Of the file on the host; absent for what is no write of a value. */
  readonly path?: string;
  readonly value?: string;
  /** What the file holds now. */
  readonly was?: string;
  readonly why: string;
}

/** Pure. @param before the reading before of the same life; without one there are no rates */
export function usagePoint(before: CgroupReading | undefined, now: CgroupReading): UsagePoint {
  const seconds = before ? (now.at - before.at) / 1000 : 0;
  const rate = (was: number | undefined, is: number | undefined): number | undefined =>
    was === undefined || is === undefined || is < was || seconds <= 0 ? undefined : (is - was) / seconds;
  const { cpu, memory, io, pids, pressure } = now;
  const stalled = (of: Pressure | undefined, was: Pressure | undefined) =>
    percentOf(rate(was?.some.total, of?.some.total), 1e6);
  const periods = rate(before?.cpu?.periods, cpu?.periods);
  const held = rate(before?.cpu?.throttledPeriods, cpu?.throttledPeriods);
  const values: Readonly<Record<UsageColumn, number | undefined>> = {
    cpu: percentOf(rate(before?.cpu?.usage, cpu?.usage), 1e9),
    cpuLimit: percentOf(cpu?.limit, 1),
    throttledPeriods: periods === 0 ? 0 : periods === undefined ? undefined : percentOf(held, periods),
    throttledTime: milliseconds(rate(before?.cpu?.throttledTime, cpu?.throttledTime)),
    memory: memory?.current,
    anon: memory?.anon,
    file: memory?.file,
    kernel: memory?.kernel,
    swap: memory?.swap,
    memoryLimit: memory?.limit,
    kills: before?.memory && memory ? Math.max(0, memory.oomKills - before.memory.oomKills) : undefined,
    read: rate(before?.io?.readBytes, io?.readBytes),
    write: rate(before?.io?.writeBytes, io?.writeBytes),
    pids: pids?.current,
    pidsLimit: pids?.limit,
    pressureCpu: stalled(pressure?.cpu, before?.pressure?.cpu),
    pressureMemory: stalled(pressure?.memory, before?.pressure?.memory),
    pressureIo: stalled(pressure?.io, before?.pressure?.io),
  };
  return pointFrom(now.at, (column) => values[column]);
}

/** A point of the values that there are. */
export function pointFrom(at: number, valueAt: (column: UsageColumn) => number | undefined): UsagePoint {
  const point: { -readonly [K in keyof UsagePoint]: UsagePoint[K] } = { at };
  for (const column of usageColumns) {
    const value = valueAt(column);
    if (value !== undefined) point[column] = value;
  }
  return point;
}

/** The points of a history, oldest first. */
export function pointsOf({ at, columns }: UsageHistory): UsagePoint[] {
  return at.map((moment, index) => pointFrom(moment, (column) => columns[column]?.[index] ?? undefined));
}

const percentOf = (part: number | undefined, whole: number): number | undefined =>
  part === undefined ? undefined : (part / whole) * 100;
const milliseconds = (nanoseconds: number | undefined): number | undefined =>
  nanoseconds === undefined ? undefined : nanoseconds / 1e6;
