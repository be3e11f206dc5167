import type { HostConfig } from '../../protocol/docker.ts';
import { invalid } from './errors.ts';

/**
 * What Docker does about limits that this machine's kernel does not have: some are left out with a warning, some are
 * refused. The words are dockerd's.
 */
interface Row {
  readonly isAsked: (config: HostConfig) => boolean;
  /** It is there when a cgroup has one of these files; none at all: no Linux has it. */
  readonly files: readonly string[];
  readonly warning: string;
  /** What the limit is then. */
  readonly instead: Partial<HostConfig>;
}

const weight = ['blkio.weight', 'blkio.bfq.weight', 'io.weight', 'io.bfq.weight'];
const weightDevice = ['blkio.weight_device', 'blkio.bfq.weight_device', 'io.bfq.weight'];
const notMounted = 'or the cgroup is not mounted.';

const discarded: readonly Row[] = [
  {
    isAsked: (c) => above0(c.Memory),
    files: ['memory.limit_in_bytes', 'memory.max'],
    warning: `Your kernel does not support memory limit capabilities ${notMounted} Limitation discarded.`,
    instead: { Memory: 0, MemorySwap: -1 },
  },
  {
    isAsked: (c) => above0(c.Memory) && c.MemorySwap !== -1,
    files: ['memory.memsw.limit_in_bytes', 'memory.swap.max'],
    warning: `Your kernel does not support swap limit capabilities ${notMounted} Memory limited without swap.`,
    instead: { MemorySwap: -1 },
  },
  {
    isAsked: (c) => (c.MemorySwappiness ?? -1) !== -1,
    files: ['memory.swappiness'],
    warning: `Your kernel does not support memory swappiness capabilities ${notMounted} Memory swappiness discarded.`,
    instead: { MemorySwappiness: undefined },
  },
  {
    isAsked: (c) => above0(c.MemoryReservation),
    files: ['memory.soft_limit_in_bytes', 'memory.low'],
    warning: `Your kernel does not support memory soft limit capabilities ${notMounted} Limitation discarded.`,
    instead: { MemoryReservation: 0 },
  },
  {
    isAsked: (c) => above0(c.KernelMemory),
    files: ['memory.kmem.limit_in_bytes'],
    warning: `Your kernel does not support kernel memory limit capabilities ${notMounted} Limitation discarded.`,
    instead: { KernelMemory: 0 },
  },
  {
    isAsked: (c) => above0(c.KernelMemoryTCP),
    files: ['memory.kmem.tcp.limit_in_bytes'],
    warning: `Your kernel does not support kernel memory TCP limit capabilities ${notMounted} Limitation discarded.`,
    instead: { KernelMemoryTCP: 0 },
  },
  {
    isAsked: (c) => c.OomKillDisable === true,
    files: ['memory.oom_control'],
    warning: 'Your kernel does not support OomKillDisable. OomKillDisable discarded.',
    instead: { OomKillDisable: undefined },
  },
  {
    isAsked: (c) => above0(c.PidsLimit),
    files: ['pids.max'],
    warning: `Your kernel does not support PIDs limit capabilities ${notMounted} PIDs limit discarded.`,
    instead: { PidsLimit: undefined },
  },
  {
    isAsked: (c) => above0(c.CpuShares),
    files: ['cpu.shares', 'cpu.weight'],
    warning: `Your kernel does not support CPU shares ${notMounted} Shares discarded.`,
    instead: { CpuShares: 0 },
  },
  {
    isAsked: (c) => Boolean(c.CpuPeriod || c.CpuQuota),
    files: ['cpu.cfs_quota_us', 'cpu.max'],
    warning: 'Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.',
    instead: { CpuPeriod: 0, CpuQuota: 0 },
  },
  {
    isAsked: (c) => above0(c.CpuPercent),
    files: [],
    warning: 'linux does not support CPU percent. Percent discarded.',
    instead: { CpuPercent: 0 },
  },
  {
    isAsked: (c) => Boolean(c.CpusetCpus || c.CpusetMems),
    files: ['cpuset.cpus'],
    warning: `Your kernel does not support cpuset ${notMounted} Cpuset discarded.`,
    instead: { CpusetCpus: '', CpusetMems: '' },
  },
  {
    isAsked: (c) => above0(c.BlkioWeight),
    files: weight,
    warning: `Your kernel does not support Block I/O weight ${notMounted} Weight discarded.`,
    instead: { BlkioWeight: 0 },
  },
  {
    isAsked: (c) => filled(c.BlkioWeightDevice),
    files: weightDevice,
    warning: `Your kernel does not support Block I/O weight_device ${notMounted} Weight-device discarded.`,
    instead: { BlkioWeightDevice: [] },
  },
  {
    isAsked: (c) => filled(c.BlkioDeviceReadBps),
    files: ['blkio.throttle.read_bps_device', 'io.max'],
    warning: `Your kernel does not support BPS Block I/O read limit ${notMounted} Block I/O BPS read limit discarded.`,
    instead: { BlkioDeviceReadBps: [] },
  },
  {
    isAsked: (c) => filled(c.BlkioDeviceWriteBps),
    files: ['blkio.throttle.write_bps_device', 'io.max'],
    warning: `Your kernel does not support BPS Block I/O write limit ${notMounted} Block I/O BPS write limit discarded.`,
    instead: { BlkioDeviceWriteBps: [] },
  },
  {
    isAsked: (c) => filled(c.BlkioDeviceReadIOps),
    files: ['blkio.throttle.read_iops_device', 'io.max'],
    warning: `Your kernel does not support IOPS Block read limit ${notMounted} Block I/O IOPS read limit discarded.`,
    instead: { BlkioDeviceReadIOps: [] },
  },
  {
    isAsked: (c) => filled(c.BlkioDeviceWriteIOps),
    files: ['blkio.throttle.write_iops_device', 'io.max'],
    warning: `Your kernel does not support IOPS Block write limit ${notMounted} Block I/O IOPS write limit discarded.`,
    instead: { BlkioDeviceWriteIOps: [] },
  },
];

/**
 * @param files names of the files in a container's cgroup; undefined: not known, so all are taken to be there
 * @throws invalid where Docker goes without a container rather than without the limit
 */
export function withoutUnsupported(
  given: HostConfig,
  files: ReadonlySet<string> | undefined,
): { readonly hostConfig: HostConfig; readonly warnings: readonly string[] } {
  const has = (names: readonly string[]): boolean =>
    names.length > 0 && (files === undefined || names.some((name) => files.has(name)));
  if (above0(given.NanoCpus) && !has(['cpu.cfs_quota_us', 'cpu.max'])) {
    throw invalid(
      'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
    );
  }
  if ((given.CpuRealtimePeriod || given.CpuRealtimeRuntime) && !has(['cpu.rt_runtime_us'])) {
    throw invalid('Your kernel does not support CPU real-time scheduler');
  }
  let hostConfig = given;
  const warnings: string[] = [];
  for (const { isAsked, files: names, warning, instead } of discarded) {
    if (!isAsked(hostConfig) || has(names)) continue;
    hostConfig = { ...hostConfig, ...instead };
    warnings.push(warning);
  }
  return { hostConfig, warnings };
}

function above0(value: number | undefined): boolean {
  return (value ?? 0) > 0;
}

function filled(list: readonly unknown[] | undefined): boolean {
  return (list?.length ?? 0) > 0;
}
