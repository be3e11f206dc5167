import type { CgroupReading, LimitsInForce } from '../../protocol/usage.ts';
import { nanosecondsPerTick } from '../sys/machine.ts';
import { type FileReader, optional } from './file-reader.ts';
import { flatKeyed, numberIn } from './parse.ts';

const nanosecondsPerMicrosecond = 1000;

/** Undefined: no such controller here. */
export async function cpuUsage(read: FileReader): Promise<CgroupReading['cpu']> {
  return read.version === 1 ? usageV1(read) : usageV2(read);
}

async function usageV1({ file }: FileReader): Promise<CgroupReading['cpu']> {
  const [usage, stat, throttling, quota, period] = await Promise.all([
    file('cpuacct', 'cpuacct.usage'),
    file('cpuacct', 'cpuacct.stat'),
    file('cpu', 'cpu.stat'),
    file('cpu', 'cpu.cfs_quota_us'),
    file('cpu', 'cpu.cfs_period_us'),
  ]);
  if (usage === undefined) return undefined;
  const times = flatKeyed(stat);
  const throttled = flatKeyed(throttling);
  return {
    usage: numberIn(usage) ?? 0,
    user: (times.get('user') ?? 0) * nanosecondsPerTick,
    system: (times.get('system') ?? 0) * nanosecondsPerTick,
    throttledTime: throttled.get('throttled_time') ?? 0,
    throttledPeriods: throttled.get('nr_throttled') ?? 0,
    periods: throttled.get('nr_periods') ?? 0,
    ...optional('limit', share(numberIn(quota), numberIn(period))),
  };
}

async function usageV2({ file }: FileReader): Promise<CgroupReading['cpu']> {
  const [statText, max] = await Promise.all([file('cpu', 'cpu.stat'), file('cpu', 'cpu.max')]);
  if (statText === undefined) return undefined;
  const stat = flatKeyed(statText);
  const nanoseconds = (name: string): number => (stat.get(name) ?? 0) * nanosecondsPerMicrosecond;
  const { quota, period } = quotaOf(max);
  return {
    usage: nanoseconds('usage_usec'),
    user: nanoseconds('user_usec'),
    system: nanoseconds('system_usec'),
    throttledTime: nanoseconds('throttled_usec'),
    throttledPeriods: stat.get('nr_throttled') ?? 0,
    periods: stat.get('nr_periods') ?? 0,
    ...optional('limit', share(quota, period)),
  };
}

/** CPUs. */
function share(quota: number | undefined, period: number | undefined): number | undefined {
  return quota !== undefined && quota > 0 && period ? quota / period : undefined;
}

function quotaOf(max: string | undefined): { quota: number | undefined; period: number | undefined } {
  const [quota, period] = (max ?? '').split(' ');
  return { quota: numberIn(quota), period: numberIn(period) };
}

export async function cpuLimits(read: FileReader): Promise<LimitsInForce['cpu']> {
  const { file } = read;
  if (read.version === 2) {
    const [weight, max] = await Promise.all([file('cpu', 'cpu.weight'), file('cpu', 'cpu.max')]);
    if (weight === undefined) return undefined;
    const { quota, period } = quotaOf(max);
    return { ...optional('quota', quota), ...optional('period', period), ...optional('weight', numberIn(weight)) };
  }
  const [shares, quota, period, runtime, realtimePeriod] = await Promise.all(
    ['cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpu.rt_runtime_us', 'cpu.rt_period_us'].map(async (name) =>
      numberIn(await file('cpu', name)),
    ),
  );
  if (shares === undefined) return undefined;
  return {
    ...optional('quota', quota !== undefined && quota > 0 ? quota : undefined),
    ...optional('period', period),
    shares,
    ...optional('realtimeRuntime', runtime),
    ...optional('realtimePeriod', realtimePeriod),
  };
}

export async function cpusetLimits({ file, version }: FileReader): Promise<LimitsInForce['cpuset']> {
  const names = version === 1 ? ['cpus', 'mems'] : ['cpus.effective', 'mems.effective'];
  const [cpus, mems] = await Promise.all(names.map((name) => file('cpuset', `cpuset.${name}`)));
  return cpus === undefined || mems === undefined ? undefined : { cpus: cpus.trim(), mems: mems.trim() };
}
