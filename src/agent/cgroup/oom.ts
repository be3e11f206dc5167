import type { CgroupFacts } from '../plan/facts.ts';
import { flatKeyed } from './parse.ts';
import { readerOf } from './reading.ts';

/** What happened in a memory cgroup for lack of memory. */
export interface OomReading {
  /** Processes that the kernel has killed in it. */
  readonly kills: number;
  /** v1 with its killer off: processes wait until somebody gives the cgroup more memory. */
  readonly waits: boolean;
}

/** Undefined when the cgroup is gone or there is no memory controller. @param path below the root of the hierarchy */
export async function readOom(facts: CgroupFacts, path: string): Promise<OomReading | undefined> {
  const { file } = readerOf(facts, path);
  const text = await file('memory', facts.version === 2 ? 'memory.events' : 'memory.oom_control');
  if (text === undefined) return undefined;
  const figures = flatKeyed(text);
  return {
    kills: figures.get('oom_kill') ?? 0,
    // v2 has no killer that could be off.
    waits: figures.get('oom_kill_disable') === 1 && figures.get('under_oom') === 1,
  };
}
