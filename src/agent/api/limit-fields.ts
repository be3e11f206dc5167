import type { HostDescription } from '../inspect/host.ts';

/** Fields of `GET /info` that tell which limits the kernel has. */
export interface LimitFields {
  readonly MemoryLimit: boolean;
  readonly SwapLimit: boolean;
  readonly KernelMemoryTCP: boolean;
  readonly OomKillDisable: boolean;
  readonly CpuCfsPeriod: boolean;
  readonly CpuCfsQuota: boolean;
  readonly CPUShares: boolean;
  readonly CPUSet: boolean;
  readonly PidsLimit: boolean;
}

export function limitFields({ limitFiles }: Pick<HostDescription, 'limitFiles'>): LimitFields {
  const has = (...names: string[]): boolean => names.some((name) => limitFiles?.has(name) ?? false);
  return {
    MemoryLimit: has('memory.limit_in_bytes', 'memory.max'),
    SwapLimit: has('memory.memsw.limit_in_bytes', 'memory.swap.max'),
    KernelMemoryTCP: has('memory.kmem.tcp.limit_in_bytes'),
    OomKillDisable: has('memory.oom_control'),
    CpuCfsPeriod: has('cpu.cfs_period_us', 'cpu.max'),
    CpuCfsQuota: has('cpu.cfs_quota_us', 'cpu.max'),
    CPUShares: has('cpu.shares', 'cpu.weight'),
    CPUSet: has('cpuset.cpus'),
    PidsLimit: has('pids.max'),
  };
}

/** What Docker warns of; the killer cannot be switched off on cgroup v2, so there it is not worth a word. */
export function limitWarnings(fields: LimitFields, cgroupVersion: 1 | 2): string[] | null {
  const rows: readonly (readonly [has: boolean, what: string])[] = [
    [fields.MemoryLimit, 'memory limit'],
    [fields.SwapLimit, 'swap limit'],
    [fields.KernelMemoryTCP || cgroupVersion === 2, 'kernel memory TCP limit'],
    [fields.OomKillDisable || cgroupVersion === 2, 'oom kill disable'],
    [fields.CpuCfsQuota, 'cpu cfs quota'],
    [fields.CpuCfsPeriod, 'cpu cfs period'],
    [fields.CPUShares, 'cpu shares'],
    [fields.CPUSet, 'cpuset'],
    [fields.PidsLimit, 'pids limit'],
  ];
  const warnings = rows.flatMap(([has, what]) => (has ? [] : [`WARNING: No ${what} support`]));
  return warnings.length > 0 ? warnings : null;
}
