import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { ReadingSchema } from '../../protocol/panels.ts';
import type { CgroupReading } from '../../protocol/usage.ts';
import type { ObjectRef } from '../fleet.ts';
import { agentLines } from '../hosts/agent-lines.ts';
import type { Host } from '../hosts/contract.ts';
import { eachLine } from './lines.ts';

/** What a row of the tree tells of a cgroup: of our engine all there is, of others what `docker stats` has. */
export type Gauge = Pick<CgroupReading, 'at' | 'cpu' | 'memory' | 'pids' | 'io' | 'pressure'>;

/** Milliseconds between readings. */
const interval = 1_000;

export interface CgroupStream {
  readonly host: Host;
  readonly container: ObjectRef;
  readonly onReading: (reading: Gauge) => void;
  readonly signal: AbortSignal;
}

/** Reads a running container's cgroup as one stream of readings until it is aborted; a stream that ends is asked for again. */
export async function followCgroup(parts: CgroupStream): Promise<void> {
  const { host, container, onReading, signal } = parts;
  const readingOf = container.engine === 'porthole' ? readingOfAgent : readingOfStats;
  while (!signal.aborted) {
    try {
      const lines = await (container.engine === 'porthole'
        ? agentLines(
            host,
            { path: `/porthole/v1/containers/${container.id}/cgroup`, query: { stream: 1, interval } },
            signal,
          )
        : statsStream(host, container, signal));
      await eachLine(lines, (line) => {
        const reading = readingOf(line);
        if (reading && !signal.aborted) onReading(reading);
      });
    } catch {
      // The container or the connection ended; both are told elsewhere.
    }
    await delay(interval, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

function statsStream(host: Host, { engine, id }: ObjectRef, signal: AbortSignal): Promise<NodeJS.ReadableStream> {
  // The types of dockerode leave `abortSignal` out for streams.
  const options: { stream: true; abortSignal: AbortSignal } = { stream: true, abortSignal: signal };
  return host.engine(engine).getContainer(id).stats(options);
}

/** Undefined for what is no reading. */
export function readingOfAgent(line: string): Gauge | undefined {
  const parsed = v.safeParse(ReadingSchema, json(line));
  return parsed.success ? parsed.output : undefined;
}

const count = v.optional(v.number(), 0);
const Stats = v.object({
  read: v.string(),
  cpu_stats: v.object({
    cpu_usage: v.object({ total_usage: v.number() }),
    throttling_data: v.optional(v.object({ periods: count, throttled_periods: count, throttled_time: count })),
  }),
  memory_stats: v.object({
    usage: v.optional(v.number()),
    limit: v.optional(v.number()),
    stats: v.optional(v.record(v.string(), v.unknown())),
  }),
  pids_stats: v.optional(v.object({ current: v.optional(v.number()), limit: v.optional(v.number()) })),
  blkio_stats: v.optional(
    v.object({ io_service_bytes_recursive: v.nullish(v.array(v.object({ op: v.string(), value: v.number() }))) }),
  ),
});

/** Undefined for an empty reading, as of a container that does not run. Without a limit the engine tells the machine's memory. */
export function readingOfStats(line: string): Gauge | undefined {
  const parsed = v.safeParse(Stats, json(line));
  if (!parsed.success || parsed.output.memory_stats.usage === undefined) return undefined;
  const { read, cpu_stats: cpu, memory_stats: memory, pids_stats: pids, blkio_stats: blkio } = parsed.output;
  const throttling = cpu.throttling_data;
  const inactive = memory.stats?.['total_inactive_file'] ?? memory.stats?.['inactive_file'];
  const bytes = (op: string) =>
    (blkio?.io_service_bytes_recursive ?? []).reduce(
      (sum, one) => (one.op.toLowerCase() === op ? sum + one.value : sum),
      0,
    );
  return {
    at: Date.parse(read),
    cpu: {
      usage: cpu.cpu_usage.total_usage,
      user: 0,
      system: 0,
      throttledTime: throttling?.throttled_time ?? 0,
      throttledPeriods: throttling?.throttled_periods ?? 0,
      periods: throttling?.periods ?? 0,
    },
    memory: {
      current: memory.usage ?? 0,
      anon: 0,
      file: 0,
      inactiveFile: typeof inactive === 'number' ? inactive : 0,
      ...(memory.limit !== undefined && { limit: memory.limit }),
      oomKills: 0,
    },
    ...(pids?.current !== undefined && {
      pids: { current: pids.current, refused: 0, ...(pids.limit && { limit: pids.limit }) },
    }),
    io: { readBytes: bytes('read'), writeBytes: bytes('write'), reads: 0, writes: 0 },
  };
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
