import type { UsageColumn, UsagePoint } from '../../src/protocol/usage-history.ts';
import type { Line } from '../shared/lines.ts';

export type ChartId = 'cpu' | 'throttled' | 'memory' | 'disk' | 'pids' | 'pressure';

type Translate = (sentence: string, ...values: (string | number)[]) => string;

const column =
  (name: UsageColumn) =>
  (point: UsagePoint): number | undefined =>
    point[name];

/** The lines of each chart for one container: what it is made of. Pure. */
export function linesOfOne(t: Translate): Readonly<Record<ChartId, readonly Line[]>> {
  const line = (name: string, of: UsageColumn, limit?: UsageColumn): Line => ({
    name,
    of: column(of),
    source: 0,
    ...(limit && { limit: column(limit) }),
  });
  return {
    cpu: [line(t('CPU'), 'cpu', 'cpuLimit')],
    throttled: [line(t('Held back'), 'throttledPeriods')],
    memory: [
      line(t('All of it'), 'memory', 'memoryLimit'),
      line(t('Anonymous'), 'anon'),
      line(t('File cache'), 'file'),
      line(t('Kernel'), 'kernel'),
      line(t('Swap'), 'swap'),
    ],
    disk: [line(t('Read'), 'read'), line(t('Written'), 'write')],
    pids: [line(t('PIDs'), 'pids', 'pidsLimit')],
    pressure: [line(t('CPU'), 'pressureCpu'), line(t('Memory'), 'pressureMemory'), line(t('Disk'), 'pressureIo')],
  };
}

/** For several containers: one line for each. Pure. */
export function linesOfMany(names: readonly string[]): Readonly<Record<ChartId, readonly Line[]>> {
  const each = (of: Line['of'], limit?: UsageColumn): Line[] =>
    names.map((name, source) => ({ name, of, source, ...(limit && { limit: column(limit) }) }));
  return {
    cpu: each(column('cpu'), 'cpuLimit'),
    throttled: each(column('throttledPeriods')),
    memory: each(column('memory'), 'memoryLimit'),
    disk: each(({ read, write }) =>
      read === undefined && write === undefined ? undefined : (read ?? 0) + (write ?? 0),
    ),
    pids: each(column('pids'), 'pidsLimit'),
    pressure: each(({ pressureCpu, pressureMemory, pressureIo }) =>
      pressureCpu === undefined ? undefined : Math.max(pressureCpu, pressureMemory ?? 0, pressureIo ?? 0),
    ),
  };
}
