import type { HostConfig } from '../../protocol/docker.ts';
import type { Resources } from '../oci/runtime.ts';

/**
 * The limits of a HostConfig in the specification's words, without the rules for devices. Pure.
 * @param blockIO from `blockIoOf`: the numbers of devices are known only on the host
 */
export function resourcesOf(hostConfig: HostConfig, blockIO: Resources['blockIO']): Resources {
  const memory = memoryOf(hostConfig);
  const cpu = cpuOf(hostConfig);
  const pids = hostConfig.PidsLimit ?? 0;
  return {
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(pids > 0 ? { pids: { limit: pids } } : {}),
    ...(blockIO === undefined ? {} : { blockIO }),
  };
}

function memoryOf(hostConfig: HostConfig): NonNullable<Resources['memory']> {
  const { Memory: limit = 0, MemorySwap: swap = 0, MemoryReservation: reservation = 0 } = hostConfig;
  const { MemorySwappiness: swappiness = -1, KernelMemoryTCP: kernelTCP = 0 } = hostConfig;
  // Docker's rule: a memory limit alone allows as much swap again.
  const withSwap = limit > 0 && swap === 0 ? limit * 2 : Math.max(swap, -1);
  return {
    ...(limit > 0 ? { limit } : {}),
    ...(reservation > 0 ? { reservation } : {}),
    ...(withSwap !== 0 ? { swap: withSwap } : {}),
    ...(kernelTCP > 0 ? { kernelTCP } : {}),
    ...(swappiness >= 0 ? { swappiness } : {}),
    ...(hostConfig.OomKillDisable ? { disableOOMKiller: true } : {}),
  };
}

/** µs. The one that Docker divides into where whole CPUs are asked for. */
const usualPeriod = 100_000;

function cpuOf(hostConfig: HostConfig): NonNullable<Resources['cpu']> {
  const nano = hostConfig.NanoCpus ?? 0;
  const period = nano > 0 ? usualPeriod : (hostConfig.CpuPeriod ?? 0);
  const quota = nano > 0 ? Math.floor((nano * period) / 1e9) : (hostConfig.CpuQuota ?? 0);
  const { CpuRealtimePeriod: realtimePeriod = 0, CpuRealtimeRuntime: realtimeRuntime = 0 } = hostConfig;
  return {
    ...(hostConfig.CpuShares ? { shares: hostConfig.CpuShares } : {}),
    ...(quota !== 0 ? { quota: Math.max(quota, -1) } : {}),
    ...(period > 0 ? { period } : {}),
    ...(realtimePeriod !== 0 ? { realtimePeriod } : {}),
    ...(realtimeRuntime !== 0 ? { realtimeRuntime } : {}),
    ...(hostConfig.CpusetCpus ? { cpus: hostConfig.CpusetCpus } : {}),
    ...(hostConfig.CpusetMems ? { mems: hostConfig.CpusetMems } : {}),
  };
}
