import { hierarchyOf } from '../plan/cgroup-path.ts';
import type { CgroupV1 } from '../plan/facts.ts';
import { readIfThere, writeIfThere } from '../sys/files.ts';

/**
 * v1: moves the processes of a cgroup into the one of the same path in another hierarchy, while they run. A child that
 * is born meanwhile to one that has not moved yet is found on the next round.
 */
export async function moveProcesses(
  facts: CgroupV1,
  path: string,
  options: { readonly from: string; readonly to: string },
): Promise<void> {
  const moved = new Set<string>();
  for (let isNew = true; isNew; ) {
    isNew = false;
    const pids = ((await readIfThere(`${hierarchyOf(facts, options.from)}${path}/cgroup.procs`)) ?? '').split('\n');
    for (const pid of pids) {
      if (pid === '' || moved.has(pid)) continue;
      moved.add(pid);
      isNew = true;
      // One that has ended by now is none to move.
      await writeIfThere(`${hierarchyOf(facts, options.to)}${path}/cgroup.procs`, pid);
    }
  }
}
