import type { CgroupReading, LimitsInForce } from '../../protocol/usage.ts';
import { type FileReader, optional } from './file-reader.ts';
import { flatKeyed, limitOf, numberIn } from './parse.ts';

/** The same files on both versions. Undefined: no such controller here, or its root, which counts nothing. */
export async function pidsUsage({ file }: FileReader): Promise<CgroupReading['pids']> {
  const [current, limit, events, peak] = await Promise.all(
    ['pids.current', 'pids.max', 'pids.events', 'pids.peak'].map((name) => file('pids', name)),
  );
  if (current === undefined) return undefined;
  return {
    current: numberIn(current) ?? 0,
    ...optional('limit', limitOf(limit)),
    refused: flatKeyed(events).get('max') ?? 0,
    ...optional('peak', numberIn(peak)),
  };
}

export async function pidsLimits({ file }: FileReader): Promise<LimitsInForce['pids']> {
  const max = await file('pids', 'pids.max');
  return max === undefined ? undefined : optional('max', limitOf(max));
}
