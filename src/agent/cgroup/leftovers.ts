import { setTimeout as delay } from 'node:timers/promises';
import { PortholeError } from '../../base/errors.ts';
import { hierarchyOf } from '../plan/cgroup-path.ts';
import type { CgroupFacts } from '../plan/facts.ts';
import { removeDirectoryIfThere, writeIfThere } from '../sys/files.ts';
import { killProcess } from '../sys/signals.ts';
import { childrenOf, processesIn, rootsOf } from './tree.ts';

/**
 * Kills every process in a cgroup and waits until it is empty. On v2 with one write (Linux 5.14); on v1 process by
 * process, again until none is left, frozen ones thawed first. Rejects with `conflict` when `deadline` passes.
 *
 * @param options.deadline milliseconds, 5000 unless told.
 */
export async function killCgroup(
  facts: CgroupFacts,
  path: string,
  options: { readonly deadline?: number } = {},
): Promise<void> {
  const end = Date.now() + (options.deadline ?? 5000);
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    let pids = await processesIn(facts, path);
    if (pids.length === 0) return;
    if (Date.now() > end) throw stillBusy(path, pids);
    // While they stand still nobody forks behind our back: a fork bomb is faster than we are.
    if (await freeze(facts, path)) pids = await processesIn(facts, path);
    const killedAll = facts.version === 2 && (await writeIfThere(`${facts.root}${path}/cgroup.kill`, '1'));
    if (!killedAll) for (const pid of pids) killProcess(pid);
    await thaw(facts, path);
    await delay(pause);
  }
}

/**
 * Removes a cgroup and everything below it from every hierarchy: what a crash left behind. A cgroup that is not there is
 * fine. A just emptied cgroup can stay busy for a moment, so the removal is tried for a short while.
 * @throws conflict when it still has processes
 */
export async function removeCgroup(facts: CgroupFacts, path: string): Promise<void> {
  for (const root of rootsOf(facts)) {
    for (let attempt = 0; !(await removeTree(`${root}${path}`)); attempt++) {
      if (attempt === 20) throw stillBusy(path, await processesIn(facts, path));
      await delay(5 * (attempt + 1));
    }
  }
}

const stillBusy = (path: string, pids: readonly number[]) =>
  new PortholeError('conflict', `cgroup ${path} still has processes: ${pids.slice(0, 10).join(', ') || 'unknown'}`);

/** On v1 only: cgroup.kill of v2 leaves no gap. */
async function freeze(facts: CgroupFacts, path: string): Promise<boolean> {
  const root = freezerOf(facts);
  return root !== undefined && writeIfThere(`${root}${path}/freezer.state`, 'FROZEN');
}

/** A frozen process of v1 dies only after it has been thawed, and with it every cgroup above it. */
async function thaw(facts: CgroupFacts, path: string): Promise<void> {
  const root = freezerOf(facts);
  if (root !== undefined) await thawBelow(`${root}${path}`);
}

async function thawBelow(directory: string): Promise<void> {
  await writeIfThere(`${directory}/freezer.state`, 'THAWED');
  for (const child of await childrenOf(directory)) await thawBelow(child);
}

function freezerOf(facts: CgroupFacts): string | undefined {
  return facts.version === 2 ? undefined : hierarchyOf(facts, 'freezer');
}

async function removeTree(directory: string): Promise<boolean> {
  for (const child of await childrenOf(directory)) {
    if (!(await removeTree(child))) return false;
  }
  return removeDirectoryIfThere(directory);
}
