import { PortholeError } from '../../base/errors.ts';
import type { CgroupFacts } from '../plan/facts.ts';
import { directoriesIfThere, readIfThere, removeDirectoryIfThere, writeIfThere } from '../sys/files.ts';
import { killProcess } from '../sys/signals.ts';

const stillBusy = (path: string, pids: readonly number[]) =>
  new PortholeError('conflict', `cgroup ${path} still has processes: ${pids.slice(0, 10).join(', ') || 'unknown'}`);

/** The directories of a cgroup, one per hierarchy that has it. @param path below the root of each hierarchy */
export async function cgroupDirectories(facts: CgroupFacts, path: string): Promise<string[]> {
  const found = await Promise.all(
    rootsOf(facts).map(async (root) =>
      (await directoriesIfThere(`${root}${path}`)) === undefined ? [] : [`${root}${path}`],
    ),
  );
  return found.flat();
}

/** Pids of every process in a cgroup and below it, in any hierarchy; ascending. Empty when there is no such cgroup. */
export async function processesIn(facts: CgroupFacts, path: string): Promise<number[]> {
  const pids = new Set<number>();
  const visit = async (directory: string): Promise<void> => {
    for (const word of ((await readIfThere(`${directory}/cgroup.procs`)) ?? '').split('\n')) {
      // A process of a PID namespace that we cannot see is listed as 0.
      if (word !== '' && word !== '0') pids.add(Number(word));
    }
    for (const child of await childrenOf(directory)) await visit(child);
  };
  for (const root of rootsOf(facts)) await visit(`${root}${path}`);
  return [...pids].sort((a, b) => a - b);
}

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
    const pids = await processesIn(facts, path);
    if (pids.length === 0) return;
    if (Date.now() > end) throw stillBusy(path, pids);
    const killedAll = facts.version === 2 && (await writeIfThere(`${facts.root}${path}/cgroup.kill`, '1'));
    if (!killedAll) for (const pid of pids) killProcess(pid);
    await thaw(facts, path);
    await new Promise((resolve) => setTimeout(resolve, pause));
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
      await new Promise((resolve) => setTimeout(resolve, 5 * (attempt + 1)));
    }
  }
}

/** Stops or continues every process of a cgroup. @throws unsupported when nothing there can freeze */
export async function freezeCgroup(facts: CgroupFacts, path: string, frozen: boolean): Promise<void> {
  const done =
    facts.version === 2
      ? await writeIfThere(`${facts.root}${path}/cgroup.freeze`, frozen ? '1' : '0')
      : await writeIfThere(`${freezerRoot(facts)}${path}/freezer.state`, frozen ? 'FROZEN' : 'THAWED');
  if (!done) throw new PortholeError('unsupported', `cgroup ${path} cannot be frozen: there is no freezer`);
}

/** Ids of the cgroups directly below one, in any hierarchy. */
export async function cgroupsBelow(facts: CgroupFacts, path: string): Promise<string[]> {
  const names = new Set<string>();
  for (const root of rootsOf(facts)) {
    for (const child of await childrenOf(`${root}${path}`)) names.add(child.slice(child.lastIndexOf('/') + 1));
  }
  return [...names].sort();
}

/** Roots of every hierarchy that containers use. Named ones, systemd's among them, belong to others. */
function rootsOf(facts: CgroupFacts): string[] {
  if (facts.version === 2) return [facts.root];
  return facts.hierarchies
    .filter((one) => one.controllers.some((name) => !name.startsWith('name=')))
    .map((one) => one.root);
}

function freezerRoot(facts: CgroupFacts): string {
  if (facts.version === 2) return facts.root;
  return facts.hierarchies.find((one) => one.controllers.includes('freezer'))?.root ?? '/nonexistent';
}

async function thaw(facts: CgroupFacts, path: string): Promise<void> {
  if (facts.version === 1) await writeIfThere(`${freezerRoot(facts)}${path}/freezer.state`, 'THAWED');
}

async function childrenOf(directory: string): Promise<string[]> {
  return ((await directoriesIfThere(directory)) ?? []).map((name) => `${directory}/${name}`);
}

async function removeTree(directory: string): Promise<boolean> {
  for (const child of await childrenOf(directory)) {
    if (!(await removeTree(child))) return false;
  }
  return removeDirectoryIfThere(directory);
}
