import type { CgroupFacts } from '../plan/facts.ts';
import { directoriesIfThere, readIfThere } from '../sys/files.ts';

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

/** Pids of the processes in a cgroup itself, in any hierarchy. */
export async function processesDirectlyIn(facts: CgroupFacts, path: string): Promise<number[]> {
  const lists = await Promise.all(rootsOf(facts).map((root) => readIfThere(`${root}${path}/cgroup.procs`)));
  return [...new Set(lists.flatMap((list) => (list ?? '').split('\n')))].map(Number).filter((pid) => pid > 0);
}

/** Roots of every hierarchy that containers use. Named ones, systemd's among them, belong to others. */
export function rootsOf(facts: CgroupFacts): string[] {
  if (facts.version === 2) return [facts.root];
  return facts.hierarchies
    .filter((one) => one.controllers.some((name) => !name.startsWith('name=')))
    .map((one) => one.root);
}

/** Paths of the cgroups directly below one, in its own hierarchy. */
export async function childrenOf(directory: string): Promise<string[]> {
  return ((await directoriesIfThere(directory)) ?? []).map((name) => `${directory}/${name}`);
}
