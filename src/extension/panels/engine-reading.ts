import * as v from 'valibot';
import type { CgroupReading } from '../../protocol/usage.ts';

const number = v.optional(v.number(), 0);
const Blkio = v.nullish(v.array(v.object({ op: v.string(), value: v.number() })));

/** What of `GET /containers/{id}/stats` a reading takes; engines leave out what they do not know. */
const Stats = v.object({
  read: v.string(),
  cpu_stats: v.object({
    cpu_usage: v.object({ total_usage: number, usage_in_kernelmode: number, usage_in_usermode: number }),
    throttling_data: v.optional(v.object({ periods: number, throttled_periods: number, throttled_time: number })),
  }),
  memory_stats: v.optional(
    v.object({
      usage: v.optional(v.number()),
      limit: v.optional(v.number()),
      stats: v.optional(v.record(v.string(), v.unknown())),
    }),
  ),
  pids_stats: v.optional(v.object({ current: v.optional(v.number()), limit: v.optional(v.number()) })),
  blkio_stats: v.optional(v.object({ io_service_bytes_recursive: Blkio, io_serviced_recursive: Blkio })),
});

/** Docker's and Podman's figures as a reading. Pure. What these engines do not tell is absent: pressure, peaks, kills. */
export function engineReading(
  answer: unknown,
  container: { readonly id: string; readonly hasMemoryLimit: boolean; readonly cpus: number },
): CgroupReading {
  const { read, cpu_stats: cpu, memory_stats: memory, pids_stats: pids, blkio_stats: blkio } = v.parse(Stats, answer);
  const figure = (...names: string[]): number => {
    const found = names.map((name) => memory?.stats?.[name]).find((value) => typeof value === 'number');
    return typeof found === 'number' ? found : 0;
  };
  const sum = (list: v.InferOutput<typeof Blkio>, op: string): number =>
    (list ?? []).filter((one) => one.op.toLowerCase() === op).reduce((total, { value }) => total + value, 0);
  const [bytes, count] = [blkio?.io_service_bytes_recursive, blkio?.io_serviced_recursive];
  // Some engines write "no limit" as the largest number of 64 bits.
  const pidsLimit = pids?.limit !== undefined && pids.limit > 0 && pids.limit < 2 ** 31 ? pids.limit : undefined;
  return {
    at: Date.parse(read),
    version: memory?.stats?.['anon'] === undefined ? 1 : 2,
    path: container.id,
    cpu: {
      usage: cpu.cpu_usage.total_usage,
      user: cpu.cpu_usage.usage_in_usermode,
      system: cpu.cpu_usage.usage_in_kernelmode,
      throttledTime: cpu.throttling_data?.throttled_time ?? 0,
      throttledPeriods: cpu.throttling_data?.throttled_periods ?? 0,
      periods: cpu.throttling_data?.periods ?? 0,
      ...(container.cpus > 0 && { limit: container.cpus }),
    },
    ...(memory?.usage !== undefined && {
      memory: {
        current: memory.usage,
        anon: figure('total_rss', 'rss', 'anon'),
        file: figure('total_cache', 'cache', 'file'),
        inactiveFile: figure('total_inactive_file', 'inactive_file'),
        ...(container.hasMemoryLimit && memory.limit !== undefined && { limit: memory.limit }),
        oomKills: 0,
      },
    }),
    ...(pids?.current !== undefined && {
      pids: { current: pids.current, refused: 0, ...(pidsLimit !== undefined && { limit: pidsLimit }) },
    }),
    ...(bytes && {
      io: {
        readBytes: sum(bytes, 'read'),
        writeBytes: sum(bytes, 'write'),
        reads: sum(count, 'read'),
        writes: sum(count, 'write'),
      },
    }),
  };
}
