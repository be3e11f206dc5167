import type { Resources } from '../oci/runtime.ts';
import { checkLimits } from './cgroup-check.ts';
import {
  decimal,
  orMax,
  quotaAndPeriod,
  set,
  swapOnly,
  throttleFiles,
  throttlesOf,
  weightOfBlkio,
  weightOfShares,
} from './cgroup-values.ts';
import { invalidSpec } from './errors.ts';
import type { HostFacts } from './facts.ts';
import type { ToleratedErrno } from './operations.ts';
import { reasons } from './reasons.ts';

/** One value for one file of a container's cgroup. */
export interface LimitWrite {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  readonly why: string;
  /** What may be missing: the kernel was built or started without it, or the disk's scheduler does not know it. */
  readonly tolerate?: readonly ToleratedErrno[];
}

/**
 * The writes that put limits into force in a new cgroup, in an order that the kernel takes.
 * @throws invalid on a limit that no kernel takes or under which nothing could run.
 */
export function limitWrites(resources: Resources, host: Pick<HostFacts, 'cgroup' | 'processors'>): LimitWrite[] {
  checkLimits(resources, host);
  return host.cgroup.version === 1 ? writesV1(resources) : writesV2(resources);
}

/** Controllers that a spec's limits need beside those that every container has. */
export function needsCpuset(resources: Resources): boolean {
  return (resources.cpu?.cpus ?? '') !== '' || (resources.cpu?.mems ?? '') !== '';
}

type Row = readonly [
  file: string,
  value: string | number | undefined,
  why: string,
  tolerate?: readonly ToleratedErrno[] | undefined,
];

/** Counting swap is an option of the kernel (swapaccount=), weights are one of the disk's scheduler. */
const whereThere = ['ENOENT'] as const;
const whereUsed = ['ENOENT', 'EOPNOTSUPP'] as const;

function writesV1(resources: Resources): LimitWrite[] {
  const { memory, cpu, pids, blockIO } = resources;
  const { limitMemory, limitCpu, limitCpuset, limitPids, limitIo } = reasons;
  return toWrites([
    // The limit first: memory and swap together may never be below memory alone.
    ['memory.limit_in_bytes', memory?.limit, limitMemory],
    ['memory.memsw.limit_in_bytes', set(memory?.swap), limitMemory, whereThere],
    ['memory.soft_limit_in_bytes', set(memory?.reservation), limitMemory],
    ['memory.swappiness', memory?.swappiness, limitMemory],
    ['memory.oom_control', memory?.disableOOMKiller === true ? 1 : undefined, limitMemory],
    ['memory.kmem.tcp.limit_in_bytes', set(memory?.kernelTCP), limitMemory],
    ['cpu.shares', set(cpu?.shares), limitCpu],
    // The period first: a quota is checked against it.
    ['cpu.cfs_period_us', set(cpu?.period), limitCpu],
    ['cpu.cfs_quota_us', set(cpu?.quota), limitCpu],
    ['cpu.rt_period_us', set(cpu?.realtimePeriod), limitCpu],
    ['cpu.rt_runtime_us', set(cpu?.realtimeRuntime), limitCpu],
    ['cpuset.cpus', cpu?.cpus, limitCpuset],
    ['cpuset.mems', cpu?.mems, limitCpuset],
    ['pids.max', pids === undefined ? undefined : orMax(pids.limit), limitPids],
    // BFQ has files of its own for what CFQ's were until Linux 5.0.
    ['blkio.weight', set(blockIO?.weight), limitIo, whereThere],
    ['blkio.bfq.weight', set(blockIO?.weight), limitIo, whereThere],
    ...perDevice(blockIO?.weightDevice).flatMap(({ device, weight }): Row[] => [
      ['blkio.weight_device', `${device} ${weight}`, limitIo, whereUsed],
      ['blkio.bfq.weight_device', `${device} ${weight}`, limitIo, whereUsed],
    ]),
    ...throttlesOf(resources).map(
      ({ kind, device, rate }): Row => [throttleFiles[kind], `${device} ${decimal(rate)}`, limitIo],
    ),
  ]);
}

function writesV2(resources: Resources): LimitWrite[] {
  const { memory, cpu, pids, blockIO } = resources;
  const { limitMemory, limitCpu, limitCpuset, limitPids, limitIo, limitUnified } = reasons;
  const weight = set(blockIO?.weight);
  return toWrites([
    ['memory.max', memory?.limit === undefined ? undefined : orMax(memory.limit), limitMemory],
    ['memory.swap.max', swapOnly(memory), limitMemory, whereThere],
    ['memory.low', set(memory?.reservation), limitMemory],
    ['cpu.weight', cpu?.shares ? weightOfShares(cpu.shares) : undefined, limitCpu],
    ['cpu.max', quotaAndPeriod(cpu), limitCpu],
    ['cpuset.cpus', cpu?.cpus, limitCpuset],
    ['cpuset.mems', cpu?.mems, limitCpuset],
    ['pids.max', pids === undefined ? undefined : orMax(pids.limit), limitPids],
    // BFQ takes the weights of v1; io.weight belongs to the cost model, which weighs disks without BFQ.
    ['io.bfq.weight', weight, limitIo, whereThere],
    ['io.weight', weight === undefined ? undefined : `default ${weightOfBlkio(weight)}`, limitIo, whereThere],
    ...perDevice(blockIO?.weightDevice).map(
      (one): Row => ['io.bfq.weight', `${one.device} ${one.weight}`, limitIo, whereUsed],
    ),
    ...throttlesOf(resources).map(
      ({ kind, device, rate }): Row => ['io.max', `${device} ${kind}=${rate === 0 ? 'max' : decimal(rate)}`, limitIo],
    ),
    ...Object.entries(resources.unified ?? {}).map(([file, value]): Row => [fileName(file), value, limitUnified]),
  ]);
}

function toWrites(rows: readonly Row[]): LimitWrite[] {
  return rows.flatMap(([file, value, why, tolerate]) => {
    if (value === undefined || value === '') return [];
    const controller = file.slice(0, file.indexOf('.'));
    const words = typeof value === 'number' ? decimal(value) : value;
    return [{ controller, file, value: words, why, ...(tolerate !== undefined && { tolerate }) }];
  });
}

type WeightDevices = NonNullable<NonNullable<Resources['blockIO']>['weightDevice']>;

function perDevice(devices: WeightDevices | undefined): { readonly device: string; readonly weight: number }[] {
  return (devices ?? []).flatMap(({ major, minor, weight }) =>
    weight === undefined ? [] : [{ device: `${major}:${minor}`, weight }],
  );
}

function fileName(file: string): string {
  if (!/^[a-z0-9_]+(\.[A-Za-z0-9_]+)+$/.test(file)) {
    throw invalidSpec('linux.resources.unified', `"${file}" is not the name of a cgroup file`);
  }
  return file;
}
