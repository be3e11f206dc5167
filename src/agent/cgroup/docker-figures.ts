import type { CgroupFacts } from '../plan/facts.ts';
import { trafficV1 } from './io.ts';
import { flatKeyed, nestedKeyed, numberIn } from './parse.ts';
import { readerOf } from './reading.ts';

/** What Docker's stats hold beside a reading: the kernel's own figures under the kernel's names. */
export interface DockerFigures {
  /** Of memory.stat, as far as Docker passes them on. */
  readonly memory: Readonly<Record<string, number>>;
  /** Times that the limit was hit (v1), or that memory ran out (v2). */
  readonly failures?: number;
  /** v1: nanoseconds per CPU. */
  readonly perCpu?: readonly number[];
  readonly ioBytes: readonly IoEntry[];
  /** v1 only. */
  readonly ioCount?: readonly IoEntry[];
}

export interface IoEntry {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
}

export async function readDockerFigures(facts: CgroupFacts, path: string): Promise<DockerFigures> {
  const read = readerOf(facts, path);
  const { file } = read;
  if (facts.version === 2) {
    const [stat, events, io] = await Promise.all([
      file('memory', 'memory.stat'),
      file('memory', 'memory.events'),
      file('io', 'io.stat'),
    ]);
    const failures = flatKeyed(events).get('oom');
    return { memory: pick(stat, namesV2), ...(failures !== undefined && { failures }), ioBytes: entriesV2(io) };
  }
  const [stat, failed, perCpu, [bytes, count]] = await Promise.all([
    file('memory', 'memory.stat'),
    file('memory', 'memory.failcnt'),
    file('cpuacct', 'cpuacct.usage_percpu'),
    trafficV1(read),
  ]);
  const failures = numberIn(failed);
  return {
    memory: pick(stat, [...namesV1, ...namesV1.map((name) => `total_${name}`), ...limitsV1]),
    ...(failures !== undefined && { failures }),
    ...(perCpu !== undefined && { perCpu: perCpu.trim().split(/\s+/).map(Number) }),
    ioBytes: entriesV1(bytes),
    ioCount: entriesV1(count),
  };
}

const namesV1 =
  'cache rss rss_huge mapped_file dirty writeback pgpgin pgpgout pgfault pgmajfault inactive_anon active_anon inactive_file active_file unevictable'.split(
    ' ',
  );
const limitsV1 = ['hierarchical_memory_limit', 'hierarchical_memsw_limit'];
const namesV2 =
  'anon file kernel_stack slab sock shmem file_mapped file_dirty file_writeback anon_thp inactive_anon active_anon inactive_file active_file unevictable slab_reclaimable slab_unreclaimable pgfault pgmajfault workingset_refault workingset_activate workingset_nodereclaim pgrefill pgscan pgsteal pgactivate pgdeactivate pglazyfree pglazyfreed thp_fault_alloc thp_collapse_alloc'.split(
    ' ',
  );

/** A figure that this kernel does not keep is 0, as clients of Docker know it. */
function pick(stat: string | undefined, names: readonly string[]): Record<string, number> {
  if (stat === undefined) return {};
  const figures = flatKeyed(stat);
  return Object.fromEntries(names.map((name) => [name, figures.get(name) ?? 0]));
}

/** Lines of 'MAJOR:MINOR Read 123'; the sum in the last line has no device. */
function entriesV1(text: string | undefined): IoEntry[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    if (match === null) return [];
    return [{ major: Number(match[1]), minor: Number(match[2]), op: match[3] ?? '', value: Number(match[4]) }];
  });
}

function entriesV2(text: string | undefined): IoEntry[] {
  return nestedKeyed(text).flatMap(({ key, values }) => {
    const [major = 0, minor = 0] = key.split(':').map(Number);
    if (values.size === 0) return [];
    return [
      { major, minor, op: 'read', value: values.get('rbytes') ?? 0 },
      { major, minor, op: 'write', value: values.get('wbytes') ?? 0 },
    ];
  });
}
