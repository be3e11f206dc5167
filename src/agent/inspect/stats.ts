import type { CgroupReading } from '../../protocol/usage.ts';
import type { DockerFigures } from '../cgroup/docker-figures.ts';

/** A reading of a container with what the machine did by then. */
export interface Sample {
  /** Undefined: the container does not run. */
  readonly reading: CgroupReading | undefined;
  readonly figures: DockerFigures | undefined;
  /** The machine's CPU time in nanoseconds, idle time included. */
  readonly machineCpu: number;
  readonly onlineCpus: number;
}

const never = '0001-01-01T00:00:00Z';

/**
 * `GET /containers/{id}/stats`: two samples as one of Docker's figures. Clients take CPU use from the difference of the
 * two and memory in use from `usage` less the file pages that can be dropped at once.
 */
export function dockerStats(
  container: { readonly id: string; readonly name: string; readonly memoryTotal: number },
  current: Sample,
  before: Sample | undefined,
): object {
  const { reading } = current;
  return {
    name: `/${container.name}`,
    id: container.id,
    read: timeOf(reading),
    preread: timeOf(before?.reading),
    pids_stats: pidsStats(reading),
    blkio_stats: blkioStats(current),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuStats(current),
    precpu_stats: cpuStats(before),
    memory_stats: memoryStats(current, container.memoryTotal),
  };
}

function timeOf(reading: CgroupReading | undefined): string {
  return reading === undefined ? never : new Date(reading.at).toISOString();
}

function pidsStats(reading: CgroupReading | undefined): object {
  const pids = reading?.pids;
  return pids === undefined ? {} : { current: pids.current, ...(pids.limit !== undefined && { limit: pids.limit }) };
}

function cpuStats(sample: Sample | undefined): object {
  const cpu = sample?.reading?.cpu;
  return {
    cpu_usage: {
      total_usage: cpu?.usage ?? 0,
      ...(sample?.figures?.perCpu && { percpu_usage: sample.figures.perCpu }),
      usage_in_kernelmode: cpu?.system ?? 0,
      usage_in_usermode: cpu?.user ?? 0,
    },
    ...(sample?.reading !== undefined && { system_cpu_usage: sample.machineCpu, online_cpus: sample.onlineCpus }),
    throttling_data: {
      periods: cpu?.periods ?? 0,
      throttled_periods: cpu?.throttledPeriods ?? 0,
      throttled_time: cpu?.throttledTime ?? 0,
    },
  };
}

function memoryStats({ reading, figures }: Sample, memoryTotal: number): object {
  const memory = reading?.memory;
  if (reading === undefined || memory === undefined) return {};
  return {
    usage: memory.current,
    ...(reading.version === 1 && memory.peak !== undefined && { max_usage: memory.peak }),
    stats: figures?.memory ?? {},
    // Like Go's omitempty: none is not worth a field.
    ...(figures?.failures && { failcnt: figures.failures }),
    // A limit above what the machine has is none: dockerd shows the machine's memory then.
    limit: Math.min(memory.limit ?? memoryTotal, memoryTotal),
  };
}

function blkioStats({ reading, figures }: Sample): object {
  const other = reading?.version === 1 ? [] : null;
  return {
    io_service_bytes_recursive: figures?.ioBytes ?? null,
    io_serviced_recursive: figures?.ioCount ?? null,
    io_queue_recursive: other,
    io_service_time_recursive: other,
    io_wait_time_recursive: other,
    io_merged_recursive: other,
    io_time_recursive: other,
    sectors_recursive: other,
  };
}
