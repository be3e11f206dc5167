import type { CgroupReading, LimitsInForce } from '../../protocol/usage.ts';
import { type FileReader, optional } from './file-reader.ts';
import { flatKeyed, limitOf, numberIn } from './parse.ts';

/** Undefined: no such controller here. */
export async function memoryUsage(read: FileReader): Promise<CgroupReading['memory']> {
  return read.version === 1 ? usageV1(read) : usageV2(read);
}

async function usageV1({ file }: FileReader): Promise<CgroupReading['memory']> {
  const [current, peak, limit, swapped, kernel, statText, oom, failures] = await Promise.all(
    [
      'memory.usage_in_bytes',
      'memory.max_usage_in_bytes',
      'memory.limit_in_bytes',
      'memory.memsw.usage_in_bytes',
      'memory.kmem.usage_in_bytes',
      'memory.stat',
      'memory.oom_control',
      'memory.failcnt',
    ].map((name) => file('memory', name)),
  );
  if (current === undefined) return undefined;
  const stat = flatKeyed(statText);
  const used = numberIn(current) ?? 0;
  const withSwap = numberIn(swapped);
  const oomKills = flatKeyed(oom).get('oom_kill') ?? 0;
  return {
    current: used,
    ...optional('peak', numberIn(peak)),
    anon: stat.get('total_rss') ?? stat.get('rss') ?? 0,
    file: stat.get('total_cache') ?? stat.get('cache') ?? 0,
    ...optional('kernel', numberIn(kernel)),
    ...optional('swap', withSwap === undefined ? stat.get('total_swap') : Math.max(0, withSwap - used)),
    inactiveFile: stat.get('total_inactive_file') ?? 0,
    ...optional('limit', limitOf(limit)),
    oomKills,
    events: { ...optional('max', numberIn(failures)), oomKill: oomKills },
  };
}

async function usageV2({ file }: FileReader): Promise<CgroupReading['memory']> {
  const [current, peak, max, swap, statText, eventsText] = await Promise.all(
    ['memory.current', 'memory.peak', 'memory.max', 'memory.swap.current', 'memory.stat', 'memory.events'].map((name) =>
      file('memory', name),
    ),
  );
  // The root of v2 has memory.stat alone.
  if (current === undefined && statText === undefined) return undefined;
  const stat = flatKeyed(statText);
  const events = flatKeyed(eventsText);
  const oomKill = events.get('oom_kill') ?? 0;
  return {
    current: numberIn(current) ?? (stat.get('anon') ?? 0) + (stat.get('file') ?? 0) + (stat.get('kernel') ?? 0),
    ...optional('peak', numberIn(peak)),
    anon: stat.get('anon') ?? 0,
    file: stat.get('file') ?? 0,
    ...optional('kernel', stat.get('kernel')),
    ...optional('swap', numberIn(swap)),
    inactiveFile: stat.get('inactive_file') ?? 0,
    ...optional('limit', limitOf(max)),
    oomKills: oomKill,
    events: {
      ...optional('low', events.get('low')),
      ...optional('high', events.get('high')),
      ...optional('max', events.get('max')),
      ...optional('oom', events.get('oom')),
      oomKill,
    },
  };
}

export async function memoryLimits(read: FileReader): Promise<LimitsInForce['memory']> {
  const { file } = read;
  const all = (names: readonly string[]) => Promise.all(names.map((name) => file('memory', name)));
  if (read.version === 2) {
    const [max, high, low, swap] = await all(['memory.max', 'memory.high', 'memory.low', 'memory.swap.max']);
    if (max === undefined) return undefined;
    const reservation = numberIn(low);
    return {
      ...optional('max', limitOf(max)),
      ...optional('high', limitOf(high)),
      ...optional('reservation', reservation === 0 ? undefined : reservation),
      ...optional('swap', limitOf(swap)),
    };
  }
  const [max, both, soft, swappiness, control] = await all([
    'memory.limit_in_bytes',
    'memory.memsw.limit_in_bytes',
    'memory.soft_limit_in_bytes',
    'memory.swappiness',
    'memory.oom_control',
  ]);
  if (max === undefined) return undefined;
  const [limit, withSwap] = [limitOf(max), limitOf(both)];
  return {
    ...optional('max', limit),
    ...optional('reservation', limitOf(soft)),
    ...optional('swap', limit === undefined || withSwap === undefined ? undefined : withSwap - limit),
    ...optional('swappiness', numberIn(swappiness)),
    killerOff: flatKeyed(control).get('oom_kill_disable') === 1,
  };
}
