import type { CgroupFacts } from '../plan/facts.ts';
import { readIfThere } from '../sys/files.ts';
import { flatKeyed } from './parse.ts';

/** What happened in a memory cgroup for lack of memory. */
export interface OomReading {
  /** Processes that the kernel has killed in it. */
  readonly kills: number;
  /** v1 with its killer off: processes wait until somebody gives the cgroup more memory. */
  readonly waits: boolean;
}

/** Undefined when the cgroup is gone or there is no memory controller. @param path below the root of the hierarchy */
export async function readOom(facts: CgroupFacts, path: string): Promise<OomReading | undefined> {
  if (facts.version === 2) {
    const events = await readIfThere(`${facts.root}${path}/memory.events`);
    return events === undefined ? undefined : { kills: flatKeyed(events).get('oom_kill') ?? 0, waits: false };
  }
  const root = facts.hierarchies.find((one) => one.controllers.includes('memory'))?.root;
  const text = root === undefined ? undefined : await readIfThere(`${root}${path}/memory.oom_control`);
  if (text === undefined) return undefined;
  const control = flatKeyed(text);
  return {
    kills: control.get('oom_kill') ?? 0,
    waits: control.get('oom_kill_disable') === 1 && control.get('under_oom') === 1,
  };
}
