import type { CgroupReading } from '../../protocol/usage.ts';

/** A reading of a container with what the machine did by then. */
export interface Sample {
  /** Undefined: the container does not run. */
  readonly reading: CgroupReading | undefined;
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
    blkio_stats: blkioStats(reading),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuStats(current),
    precpu_stats: cpuStats(before),
    memory_stats: memoryStats(reading, container.memoryTotal),
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

function memoryStats(reading: CgroupReading | undefined, memoryTotal: number): object {
  const memory = reading?.memory;
  if (reading === undefined || memory === undefined) return {};
  const stats =
    reading.version === 1
      ? {
          cache: memory.file,
          rss: memory.anon,
          total_cache: memory.file,
          total_rss: memory.anon,
          inactive_file: memory.inactiveFile,
          total_inactive_file: memory.inactiveFile,
          ...(memory.swap !== undefined && { swap: memory.swap, total_swap: memory.swap }),
          ...(memory.limit !== undefined && { hierarchical_memory_limit: memory.limit }),
        }
      : {
          anon: memory.anon,
          file: memory.file,
          inactive_file: memory.inactiveFile,
          ...(memory.kernel !== undefined && { kernel: memory.kernel }),
          oom_kill: memory.oomKills,
        };
  return {
    usage: memory.current,
    ...(reading.version === 1 && memory.peak !== undefined && { max_usage: memory.peak }),
    stats,
    // A limit above what the machine has is none: dockerd shows the machine's memory then.
    limit: Math.min(memory.limit ?? memoryTotal, memoryTotal),
  };
}

function blkioStats(reading: CgroupReading | undefined): object {
  const io = reading?.io;
  const entries = (read: number, write: number): object[] => [
    { major: 0, minor: 0, op: 'read', value: read },
    { major: 0, minor: 0, op: 'write', value: write },
  ];
  const none = reading === undefined ? null : [];
  return {
    // One sum over all devices: a reading does not tell them apart.
    io_service_bytes_recursive: io === undefined ? none : entries(io.readBytes, io.writeBytes),
    io_serviced_recursive: io === undefined ? none : entries(io.reads, io.writes),
    io_queue_recursive: none,
    io_service_time_recursive: none,
    io_wait_time_recursive: none,
    io_merged_recursive: none,
    io_time_recursive: none,
    sectors_recursive: none,
  };
}
