import type { CgroupReading, LimitsInForce } from '../../protocol/usage.ts';
import { hierarchyOf } from '../plan/cgroup-path.ts';
import type { CgroupFacts } from '../plan/facts.ts';
import { readNowIfThere } from '../sys/files.ts';
import { cpuLimits, cpusetLimits, cpuUsage } from './cpu.ts';
import { type FileReader, optional } from './file-reader.ts';
import { isFrozen } from './frozen.ts';
import { ioLimits, ioUsage } from './io.ts';
import { memoryLimits, memoryUsage } from './memory.ts';
import { pidsLimits, pidsUsage } from './pids.ts';
import { pressureIn } from './pressure.ts';

/**
 * Live figures of one cgroup, straight from its files. Controllers that it is not in are absent.
 * @param path below the root of each hierarchy, with a leading slash
 */
export async function readCgroup(facts: CgroupFacts, path: string): Promise<CgroupReading> {
  const at = Date.now();
  const read = readerOf(facts, path);
  const [cpu, memory, pids, io, frozen, pressure, limits] = await Promise.all([
    cpuUsage(read),
    memoryUsage(read),
    pidsUsage(read),
    ioUsage(read),
    isFrozen(read),
    // v1 has pressure for the whole machine alone.
    facts.version === 2 ? pressureIn(`${facts.root}${path}`, '.pressure') : undefined,
    readLimits(read),
  ]);
  return {
    at,
    version: facts.version,
    path,
    ...optional('cpu', cpu),
    ...optional('memory', memory),
    ...optional('pids', pids),
    ...optional('io', io),
    ...optional('frozen', frozen),
    ...optional('pressure', pressure),
    ...optional('limits', limits),
  };
}

/** What of a reading is kept: the use alone. */
export async function readUsageNow(facts: CgroupFacts, path: string): Promise<CgroupReading> {
  const at = Date.now();
  const read = readerOf(facts, path);
  const [cpu, memory, pids, io, pressure] = await Promise.all([
    cpuUsage(read),
    memoryUsage(read),
    pidsUsage(read),
    ioUsage(read),
    facts.version === 2 ? pressureIn(`${facts.root}${path}`, '.pressure') : undefined,
  ]);
  return {
    at,
    version: facts.version,
    path,
    ...optional('cpu', cpu),
    ...optional('memory', memory),
    ...optional('pids', pids),
    ...optional('io', io),
    ...optional('pressure', pressure),
  };
}

/**
 * A cgroup's files by controller: on v1 each has a directory of its own, on v2 all are in one. They are read at once, so that
 * a thousand cgroups take a fraction of a second.
 */
export function readerOf(facts: CgroupFacts, path: string): FileReader {
  const below = path === '/' ? '' : path;
  const rootOf = (controller: string): string | undefined =>
    facts.version === 2 ? facts.root : hierarchyOf(facts, controller);
  return {
    version: facts.version,
    file: async (controller, name) => {
      const root = rootOf(controller);
      return root === undefined ? undefined : readNowIfThere(`${root}${below}/${name}`);
    },
  };
}

async function readLimits(read: FileReader): Promise<LimitsInForce | undefined> {
  const [cpu, cpuset, memory, pids, io] = await Promise.all([
    cpuLimits(read),
    cpusetLimits(read),
    memoryLimits(read),
    pidsLimits(read),
    ioLimits(read),
  ]);
  const limits: LimitsInForce = {
    ...optional('cpu', cpu),
    ...optional('cpuset', cpuset),
    ...optional('memory', memory),
    ...optional('pids', pids),
    ...optional('io', io),
  };
  return Object.keys(limits).length > 0 ? limits : undefined;
}
