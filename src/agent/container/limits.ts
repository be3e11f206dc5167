import type { HostConfig } from '../../protocol/docker.ts';
import type { HostFacts } from '../plan/facts.ts';
import { invalid } from './errors.ts';

/**
 * Refuses limits that cannot hold, in dockerd's words, before anything is made.
 * The kernel's own refusals at start name the step that failed.
 */
export function checkLimits(
  config: HostConfig,
  host: { readonly cpus: number; readonly processors: HostFacts['processors'] },
): void {
  checkMemory(config);
  checkCpu(config, host.cpus);
  checkSet('cpus', config.CpusetCpus, host.processors?.cpus);
  checkSet('mems', config.CpusetMems, host.processors?.mems);
  const score = config.OomScoreAdj ?? 0;
  if (score < -1000 || score > 1000) throw invalid(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  const weight = config.BlkioWeight ?? 0;
  if (weight !== 0 && (weight < 10 || weight > 1000)) throw invalid('Range of blkio weight is from 10 to 1000');
  if ((config.ShmSize ?? 0) < 0) throw invalid('SHM size can not be less than 0');
}

function checkMemory(config: HostConfig): void {
  const memory = config.Memory ?? 0;
  const swap = config.MemorySwap ?? 0;
  const reservation = config.MemoryReservation ?? 0;
  const swappiness = config.MemorySwappiness ?? -1;
  if (memory !== 0 && memory < 6 * 1024 * 1024) throw invalid('Minimum memory limit allowed is 6MB');
  if (memory > 0 && swap > 0 && swap < memory) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (memory === 0 && swap > 0) {
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (swappiness < -1 || swappiness > 100) {
    throw invalid(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  if (reservation > 0 && reservation < 6 * 1024 * 1024) {
    throw invalid('Minimum memory reservation allowed is 6MB');
  }
  if (memory > 0 && reservation > 0 && memory < reservation) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
}

function checkCpu(config: HostConfig, cpus: number): void {
  const nano = config.NanoCpus ?? 0;
  const period = config.CpuPeriod ?? 0;
  const quota = config.CpuQuota ?? 0;
  if (nano > 0 && period > 0) throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (nano > 0 && quota > 0) throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  // The kernel's smallest quota is 1 ms, in our period of 100 ms that is 0.01 CPU.
  if (nano !== 0 && (nano < 1e7 || nano > cpus * 1e9)) {
    throw invalid(`Range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  }
  if ((config.CpuShares ?? 0) < 0) {
    throw invalid(`invalid CPU shares (${config.CpuShares}): value must be a positive integer`);
  }
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (quota > 0 && quota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
}

/** @param online the host's list, in the same '0-3,7' form. */
function checkSet(kind: 'cpus' | 'mems', wanted: string | undefined, online: string | undefined): void {
  if (!wanted) return;
  const numbers = parseSet(wanted);
  if (!numbers) throw invalid(`Invalid value ${wanted} for cpuset ${kind}: invalid format: ${wanted}`);
  const available = online === undefined ? undefined : parseSet(online);
  if (!available || [...numbers].every((number) => available.has(number))) return;
  const what = kind === 'cpus' ? 'CPUs' : 'memory nodes';
  throw invalid(`Requested ${what} are not available - requested ${wanted}, available: ${online}`);
}

/** Numbers of a list such as '0-3,7'; undefined when malformed. */
function parseSet(text: string): Set<number> | undefined {
  const numbers = new Set<number>();
  for (const part of text.trim().split(',')) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part);
    if (!match) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return numbers;
}
