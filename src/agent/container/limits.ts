import { availableParallelism } from 'node:os';
import type { HostConfig } from '../../protocol/docker.ts';
import { parseList } from '../plan/cgroup-check.ts';
import type { HostFacts } from '../plan/facts.ts';
import { invalid } from './errors.ts';
import { withoutUnsupported } from './unsupported-limits.ts';

/**
 * The limits of a container that is to be made or changed: what this machine does not have is left out, with Docker's
 * warning. The kernel's own refusals at start name the step that failed.
 * @throws invalid on limits that cannot hold, in dockerd's words, before anything is made
 */
export function checkedLimits(
  given: HostConfig,
  host: Pick<HostFacts, 'processors' | 'limitFiles'>,
  options: { readonly update: boolean },
): { readonly hostConfig: HostConfig; readonly warnings: readonly string[] } {
  refuseImpossible(given);
  const { hostConfig, warnings } = withoutUnsupported(withoutEmpty(given), host.limitFiles);
  checkMemory(hostConfig, options);
  checkCpu(hostConfig, availableParallelism());
  checkSet('cpus', hostConfig.CpusetCpus, host.processors?.cpus);
  checkSet('mems', hostConfig.CpusetMems, host.processors?.mems);
  checkIo(hostConfig);
  const score = hostConfig.OomScoreAdj ?? 0;
  if (score < -1000 || score > 1000) throw invalid(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  if ((hostConfig.ShmSize ?? 0) < 0) throw invalid('SHM size can not be less than 0');
  return { hostConfig, warnings: [...warnings, ...adviceOn(hostConfig)] };
}

/** The kernel's numbers have 64 bits; a larger one of the request is nobody's limit. */
const largest = 2 ** 63;

function refuseImpossible(config: HostConfig): void {
  for (const [field, value] of Object.entries(config)) {
    if (typeof value === 'number' && Math.abs(value) >= largest) throw invalid(`${field} is out of range: ${value}`);
  }
  if (config.IOMaximumBandwidth) {
    throw invalid('Invalid QoS settings: linux does not support configuration of maximum bandwidth');
  }
  if (config.IOMaximumIOps) throw invalid('Invalid QoS settings: linux does not support configuration of maximum IOPs');
}

/** What clients send for "not set". */
function withoutEmpty(config: HostConfig): HostConfig {
  return config.MemorySwappiness === -1 ? { ...config, MemorySwappiness: undefined } : config;
}

function adviceOn(config: HostConfig): string[] {
  const advice: string[] = [];
  if ((config.KernelMemory ?? 0) > 0) {
    advice.push('Specifying a kernel memory limit is deprecated and will be removed in a future release.');
  }
  if (config.OomKillDisable && !config.Memory) {
    advice.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    );
  }
  return advice;
}

const leastMemory = 6 * 1024 * 1024;

function checkMemory(config: HostConfig, { update }: { readonly update: boolean }): void {
  const { Memory: memory = 0, MemorySwap: swap = 0, MemoryReservation: reservation = 0 } = config;
  const { MemorySwappiness: swappiness, KernelMemory: kernel = 0 } = config;
  if (memory !== 0 && memory < leastMemory) throw invalid('Minimum memory limit allowed is 6MB');
  if (memory > 0 && swap > 0 && swap < memory) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (memory === 0 && swap > 0 && !update) {
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (swappiness !== undefined && (swappiness < 0 || swappiness > 100)) {
    throw invalid(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  if (reservation > 0 && reservation < leastMemory) throw invalid('Minimum memory reservation allowed is 6MB');
  if (memory > 0 && reservation > 0 && memory < reservation) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  if (kernel > 0 && kernel < leastMemory) throw invalid('Minimum kernel memory limit allowed is 6MB');
}

function checkCpu(config: HostConfig, cpus: number): void {
  const { NanoCpus: nano = 0, CpuPeriod: period = 0, CpuQuota: quota = 0, CpuShares: shares = 0 } = config;
  if (nano > 0 && period > 0) throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (nano > 0 && quota > 0) throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  // The kernel's smallest quota is 1 ms, in our period of 100 ms that is 0.01 CPU.
  if (nano !== 0 && (nano < 1e7 || nano > cpus * 1e9)) {
    throw invalid(`Range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  }
  if (shares < 0) throw invalid(`invalid CPU shares (${shares}): value must be a positive integer`);
  // The kernel would take the nearest one that it has, without a word; runc refuses.
  if (shares === 1) throw invalid('the minimum allowed cpu-shares is 2');
  if (shares > 262144) throw invalid('the maximum allowed cpu-shares is 262144');
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (quota > 0 && quota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  const { CpuRealtimePeriod: realtime = 0, CpuRealtimeRuntime: runtime = 0 } = config;
  if (realtime !== 0 && runtime > realtime) {
    throw invalid('cpu real-time runtime cannot be higher than cpu real-time period');
  }
}

function checkIo(config: HostConfig): void {
  const inRange = (weight: number): boolean => weight >= 10 && weight <= 1000;
  const weight = config.BlkioWeight ?? 0;
  const devices = config.BlkioWeightDevice ?? [];
  if ((weight !== 0 && !inRange(weight)) || devices.some((device) => !inRange(device.Weight))) {
    throw invalid('Range of blkio weight is from 10 to 1000');
  }
  const fields = ['BlkioDeviceReadBps', 'BlkioDeviceWriteBps', 'BlkioDeviceReadIOps', 'BlkioDeviceWriteIOps'] as const;
  for (const field of fields) {
    for (const { Path: path, Rate: rate } of config[field] ?? []) {
      if (rate < 0) throw invalid(`invalid ${field} of ${path}: ${rate} is not a rate`);
    }
  }
}

/** @param online the host's list, in the same '0-3,7' form. */
function checkSet(kind: 'cpus' | 'mems', wanted: string | undefined, online: string | undefined): void {
  if (!wanted) return;
  const most = 8192;
  const malformed = (why: string) => invalid(`Invalid value ${wanted} for cpuset ${kind}: ${why}`);
  const highest = wanted.split(/\D+/).reduce((most, digits) => Math.max(most, Number(digits)), 0);
  if (/^[\d,-]+$/.test(wanted) && highest > most) throw malformed(`value of out range, maximum is ${most}`);
  const numbers = parseList(wanted);
  if (!numbers) throw malformed(`invalid format: ${wanted}`);
  const available = online === undefined ? undefined : parseList(online);
  if (!available || [...numbers].every((number) => available.has(number))) return;
  const what = kind === 'cpus' ? 'CPUs' : 'memory nodes';
  throw invalid(`Requested ${what} are not available - requested ${wanted}, available: ${online}`);
}
