import { ancestorsOf, hierarchyOf } from '../plan/cgroup-path.ts';
import { handedDown, handedDownFrom } from '../plan/cgroup-plan.ts';
import type { CgroupFacts, CgroupV2 } from '../plan/facts.ts';
import { makeDirectories, namesIfThere, removeDirectoryIfThere, writeIfThere } from '../sys/files.ts';
import { rootsOf } from './tree.ts';

/** Microseconds; 0: as the kernel has them. */
export interface RealtimeShare {
  readonly period: number;
  readonly runtime: number;
}

/**
 * Makes the cgroup that containers' cgroups will be in, where it is not there yet, and looks at what a cgroup below it
 * has: the names of the files, which tell the limits that this kernel knows.
 *
 * @param options.realtime what the parent's containers may use together of real-time scheduling (v1 only): a cgroup
 * can give its children no more than it has, and a new one has none
 * @throws EACCES, EROFS and the like where nothing may be made
 */
export async function prepareParent(
  facts: CgroupFacts,
  parent: string,
  options: { readonly realtime?: RealtimeShare } = {},
): Promise<ReadonlySet<string>> {
  const below = parent === '/' ? '' : parent;
  const roots = rootsOf(facts);
  await Promise.all(roots.map((root) => makeDirectories(`${root}${below}`)));
  if (facts.version === 2) await handDown(facts, below);
  else if (options.realtime) await shareRealtime(facts, below, options.realtime);
  const found = await Promise.all(roots.map((root) => filesOfChild(`${root}${below}`)));
  return new Set(found.flat());
}

/** As a container's plan does, so that the child that is looked at has what a container's cgroup will have. */
async function handDown(facts: CgroupV2, parent: string): Promise<void> {
  const controllers = facts.controllers.filter((name) => handedDown.has(name)).map((name) => `+${name}`);
  if (controllers.length === 0) return;
  for (const path of handedDownFrom(`${parent}/child`, facts.delegated)) {
    await writeIfThere(`${facts.root}${path}/cgroup.subtree_control`, controllers.join(' '));
  }
}

async function shareRealtime(facts: CgroupFacts, parent: string, share: RealtimeShare): Promise<void> {
  if (facts.version === 2 || parent === '') return;
  const root = hierarchyOf(facts, 'cpu');
  if (root === undefined) return;
  for (const path of [...ancestorsOf(parent), parent]) {
    if (share.period > 0) await writeIfThere(`${root}${path}/cpu.rt_period_us`, String(share.period));
    if (share.runtime > 0) await writeIfThere(`${root}${path}/cpu.rt_runtime_us`, String(share.runtime));
  }
}

async function filesOfChild(parent: string): Promise<string[]> {
  const child = `${parent}/look-${process.pid}`;
  await makeDirectories(child);
  try {
    return (await namesIfThere(child)) ?? [];
  } finally {
    await removeDirectoryIfThere(child);
  }
}
