import { PortholeError } from '../../base/errors.ts';
import type { CgroupChild, CgroupNode, CgroupReading, HostCapacity } from '../../protocol/usage.ts';
import { pressureIn } from '../cgroup/pressure.ts';
import { readCgroup } from '../cgroup/reading.ts';
import { processesDirectlyIn, processesIn, rootsOf } from '../cgroup/tree.ts';
import type { CgroupFacts } from '../plan/facts.ts';
import { directoriesIfThere } from '../sys/files.ts';
import { readMachineCpu, readMemoryFigures, readProcessFigures } from '../sys/machine.ts';

/** Every cgroup of the host, whoever made it. Nothing here changes one. */
export interface CgroupLens {
  /** @throws not-found, invalid when `path` is no path below the root */
  node(path: string): Promise<CgroupNode>;
  reading(path: string): Promise<CgroupReading>;
  capacity(): Promise<HostCapacity>;
}

/** @param isContainer whether there is a container of that id: a cgroup of ours has its container's id for a name */
export function cgroupLens(facts: CgroupFacts, isContainer: (id: string) => boolean): CgroupLens {
  const owner = (path: string): { readonly container?: string } => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return /^[0-9a-f]{64}$/.test(name) && isContainer(name) ? { container: name } : {};
  };
  return {
    node: async (given) => {
      const path = checkedPath(given);
      const names = await childNames(facts, path);
      if (names === undefined) throw noSuchCgroup(path);
      const [reading, direct, below, children] = await Promise.all([
        readCgroup(facts, path),
        processesDirectlyIn(facts, path),
        processesIn(facts, path),
        Promise.all(names.map((name) => childOf(facts, `${path === '/' ? '' : path}/${name}`))),
      ]);
      return {
        path,
        reading,
        processes: direct.length,
        processesBelow: below.length,
        ...owner(path),
        children: children.map((child) => ({ ...child, ...owner(child.path) })),
      };
    },
    reading: async (given) => {
      const path = checkedPath(given);
      if ((await childNames(facts, path)) === undefined) throw noSuchCgroup(path);
      return readCgroup(facts, path);
    },
    capacity,
  };
}

const noSuchCgroup = (path: string) => new PortholeError('not-found', `there is no cgroup ${path}`);

function checkedPath(given: string): string {
  const parts = given.split('/').filter((part) => part !== '');
  if (!given.startsWith('/') || given.includes('\0') || parts.some((part) => part === '.' || part === '..')) {
    throw new PortholeError('invalid', `${JSON.stringify(given)} is not the path of a cgroup`);
  }
  return `/${parts.join('/')}`;
}

/** Of all hierarchies together, sorted; undefined when none has the cgroup. */
async function childNames(facts: CgroupFacts, path: string): Promise<string[] | undefined> {
  const lists = await Promise.all(rootsOf(facts).map((root) => directoriesIfThere(`${root}${path}`)));
  if (lists.every((list) => list === undefined)) return undefined;
  return [...new Set(lists.flatMap((list) => list ?? []))].sort();
}

async function childOf(facts: CgroupFacts, path: string): Promise<CgroupChild> {
  const [below, names] = await Promise.all([processesIn(facts, path), childNames(facts, path)]);
  return {
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    processesBelow: below.length,
    hasChildren: (names ?? []).length > 0,
  };
}

async function capacity(): Promise<HostCapacity> {
  const [cpu, memory, processes, pressure] = await Promise.all([
    readMachineCpu(),
    readMemoryFigures(),
    readProcessFigures(),
    pressureIn('/proc/pressure', ''),
  ]);
  return {
    at: Date.now(),
    cpus: cpu.online,
    cpuTime: cpu.total,
    cpuIdle: cpu.idle,
    ...memory,
    processes,
    ...(pressure && { pressure }),
  };
}
