import type { CgroupReading, Pressure } from '../../protocol/usage.ts';
import type { CgroupFacts, CgroupV1 } from '../plan/facts.ts';
import { readIfThere } from '../sys/files.ts';
import { nanosecondsPerTick } from '../sys/machine.ts';
import { flatKeyed, limitOf, nestedKeyed, numberIn, sumOf } from './parse.ts';

/**
 * Live figures of one cgroup, straight from its files. Controllers that it is not in are absent.
 * @param path below the root of each hierarchy, with a leading slash
 */
export async function readCgroup(facts: CgroupFacts, path: string): Promise<CgroupReading> {
  const at = Date.now();
  const parts = facts.version === 1 ? await readV1(facts, path) : await readV2(`${facts.root}${path}`);
  return { at, version: facts.version, path, ...parts };
}

type Parts = Omit<CgroupReading, 'at' | 'version' | 'path'>;

const nanosecondsPerMicrosecond = 1000;

async function readV1(facts: CgroupV1, path: string): Promise<Parts> {
  const reader = (controller: string) => {
    const root = facts.hierarchies.find((one) => one.controllers.includes(controller))?.root;
    return async (file: string): Promise<string | undefined> =>
      root === undefined ? undefined : readIfThere(`${root}${path}/${file}`);
  };
  const [cpu, memory, pids, io] = await Promise.all([
    cpuV1(reader('cpuacct'), reader('cpu')),
    memoryV1(reader('memory')),
    pidsOf(reader('pids')),
    ioV1(reader('blkio')),
  ]);
  return { ...cpu, ...memory, ...pids, ...io };
}

type Reader = (file: string) => Promise<string | undefined>;

async function cpuV1(account: Reader, control: Reader): Promise<Pick<Parts, 'cpu'>> {
  const [usage, stat, throttling, quota, period] = await Promise.all([
    account('cpuacct.usage'),
    account('cpuacct.stat'),
    control('cpu.stat'),
    control('cpu.cfs_quota_us'),
    control('cpu.cfs_period_us'),
  ]);
  if (usage === undefined) return {};
  const times = flatKeyed(stat);
  const throttled = flatKeyed(throttling);
  const [quotaUs, periodUs] = [numberIn(quota), numberIn(period)];
  return {
    cpu: {
      usage: numberIn(usage) ?? 0,
      user: (times.get('user') ?? 0) * nanosecondsPerTick,
      system: (times.get('system') ?? 0) * nanosecondsPerTick,
      throttledTime: throttled.get('throttled_time') ?? 0,
      throttledPeriods: throttled.get('nr_throttled') ?? 0,
      periods: throttled.get('nr_periods') ?? 0,
      ...optional('limit', quotaUs !== undefined && quotaUs > 0 && periodUs ? quotaUs / periodUs : undefined),
    },
  };
}

async function memoryV1(read: Reader): Promise<Pick<Parts, 'memory'>> {
  const [current, peak, limit, swapped, kernel, statText, oom] = await Promise.all([
    read('memory.usage_in_bytes'),
    read('memory.max_usage_in_bytes'),
    read('memory.limit_in_bytes'),
    read('memory.memsw.usage_in_bytes'),
    read('memory.kmem.usage_in_bytes'),
    read('memory.stat'),
    read('memory.oom_control'),
  ]);
  if (current === undefined) return {};
  const stat = flatKeyed(statText);
  const used = numberIn(current) ?? 0;
  const withSwap = numberIn(swapped);
  return {
    memory: {
      current: used,
      ...optional('peak', numberIn(peak)),
      anon: stat.get('total_rss') ?? stat.get('rss') ?? 0,
      file: stat.get('total_cache') ?? stat.get('cache') ?? 0,
      ...optional('kernel', numberIn(kernel)),
      ...optional('swap', withSwap === undefined ? stat.get('total_swap') : Math.max(0, withSwap - used)),
      inactiveFile: stat.get('total_inactive_file') ?? 0,
      ...optional('limit', limitOf(limit)),
      oomKills: flatKeyed(oom).get('oom_kill') ?? 0,
    },
  };
}

/** The same files on both versions. */
async function pidsOf(read: Reader): Promise<Pick<Parts, 'pids'>> {
  const [current, limit, events] = await Promise.all([read('pids.current'), read('pids.max'), read('pids.events')]);
  if (current === undefined) return {};
  return {
    pids: {
      current: numberIn(current) ?? 0,
      ...optional('limit', limitOf(limit)),
      refused: flatKeyed(events).get('max') ?? 0,
    },
  };
}

async function ioV1(read: Reader): Promise<Pick<Parts, 'io'>> {
  // The recursive files are CFQ's and BFQ's; the throttle files are always there and count this cgroup alone.
  const [bytes, count] = await Promise.all([
    read('blkio.throttle.io_service_bytes_recursive').then((text) => text ?? read('blkio.throttle.io_service_bytes')),
    read('blkio.throttle.io_serviced_recursive').then((text) => text ?? read('blkio.throttle.io_serviced')),
  ]);
  if (bytes === undefined) return {};
  return {
    io: {
      readBytes: sumOf(bytes, 'Read'),
      writeBytes: sumOf(bytes, 'Write'),
      reads: sumOf(count, 'Read'),
      writes: sumOf(count, 'Write'),
    },
  };
}

async function readV2(directory: string): Promise<Parts> {
  const read: Reader = (file) => readIfThere(`${directory}/${file}`);
  const [cpu, memory, pids, io, pressure] = await Promise.all([
    cpuV2(read),
    memoryV2(read),
    pidsOf(read),
    ioV2(read),
    pressureOf(read),
  ]);
  return { ...cpu, ...memory, ...pids, ...io, ...pressure };
}

async function cpuV2(read: Reader): Promise<Pick<Parts, 'cpu'>> {
  const [statText, max] = await Promise.all([read('cpu.stat'), read('cpu.max')]);
  if (statText === undefined) return {};
  const stat = flatKeyed(statText);
  const nanoseconds = (name: string): number => (stat.get(name) ?? 0) * nanosecondsPerMicrosecond;
  const [quota, period] = (max ?? 'max').trim().split(' ').map(Number);
  return {
    cpu: {
      usage: nanoseconds('usage_usec'),
      user: nanoseconds('user_usec'),
      system: nanoseconds('system_usec'),
      throttledTime: nanoseconds('throttled_usec'),
      throttledPeriods: stat.get('nr_throttled') ?? 0,
      periods: stat.get('nr_periods') ?? 0,
      ...optional('limit', quota !== undefined && quota > 0 && period ? quota / period : undefined),
    },
  };
}

async function memoryV2(read: Reader): Promise<Pick<Parts, 'memory'>> {
  const [current, peak, max, swap, statText, events] = await Promise.all([
    read('memory.current'),
    read('memory.peak'),
    read('memory.max'),
    read('memory.swap.current'),
    read('memory.stat'),
    read('memory.events'),
  ]);
  if (current === undefined) return {};
  const stat = flatKeyed(statText);
  return {
    memory: {
      current: numberIn(current) ?? 0,
      ...optional('peak', numberIn(peak)),
      anon: stat.get('anon') ?? 0,
      file: stat.get('file') ?? 0,
      ...optional('kernel', stat.get('kernel')),
      ...optional('swap', numberIn(swap)),
      inactiveFile: stat.get('inactive_file') ?? 0,
      ...optional('limit', limitOf(max)),
      oomKills: flatKeyed(events).get('oom_kill') ?? 0,
    },
  };
}

async function ioV2(read: Reader): Promise<Pick<Parts, 'io'>> {
  const text = await read('io.stat');
  if (text === undefined) return {};
  const total = { readBytes: 0, writeBytes: 0, reads: 0, writes: 0 };
  for (const device of nestedKeyed(text)) {
    total.readBytes += device.get('rbytes') ?? 0;
    total.writeBytes += device.get('wbytes') ?? 0;
    total.reads += device.get('rios') ?? 0;
    total.writes += device.get('wios') ?? 0;
  }
  return { io: total };
}

async function pressureOf(read: Reader): Promise<Pick<Parts, 'pressure'>> {
  const kinds = ['cpu', 'memory', 'io'] as const;
  const pressure: Partial<Record<(typeof kinds)[number], Pressure>> = {};
  await Promise.all(
    kinds.map(async (kind) => {
      const parsed = parsePressure(await read(`${kind}.pressure`));
      if (parsed !== undefined) pressure[kind] = parsed;
    }),
  );
  return Object.keys(pressure).length === 0 ? {} : { pressure };
}

function parsePressure(text: string | undefined): Pressure | undefined {
  const lines = new Map<string, Pressure['some']>();
  for (const line of (text ?? '').split('\n')) {
    const match = /^(some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=[\d.]+ total=(\d+)/.exec(line);
    if (match === null) continue;
    lines.set(match[1] ?? '', { avg10: Number(match[2]), avg60: Number(match[3]), total: Number(match[4]) });
  }
  const [some, full] = [lines.get('some'), lines.get('full')];
  return some === undefined ? undefined : { some, ...optional('full', full) };
}

/** A property that is left out when there is no value: `exactOptionalPropertyTypes` tells the two apart. */
function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  const found: { [P in K]?: V } = {};
  if (value !== undefined) found[key] = value;
  return found;
}
