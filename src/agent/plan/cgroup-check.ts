import type { Resources } from '../oci/runtime.ts';
import { invalidSpec, unsupportedSpec } from './errors.ts';
import type { HostFacts } from './facts.ts';

/** A program and its stack, page tables and kernel memory do not fit below this, so that not even exec succeeds. */
const leastMemory = 512 * 1024;
/** CFS bandwidth: kernel/sched takes quotas and periods from 1 ms, periods to 1 s. */
const leastQuota = 1000;
const longestPeriod = 1_000_000;

/** @throws invalid on a limit that no kernel takes or under which nothing could run. */
export function checkLimits(resources: Resources, host: Pick<HostFacts, 'cgroup' | 'processors'>): void {
  const { memory, cpu, pids, blockIO } = resources;
  const place = 'linux.resources';
  const bytes = (what: string, value: number | undefined): void => {
    if (value !== undefined && value !== -1 && (!Number.isInteger(value) || value < 0)) {
      throw invalidSpec(`${place}.memory.${what}`, `${value} is not a number of bytes`);
    }
  };
  bytes('limit', memory?.limit);
  bytes('swap', memory?.swap);
  bytes('reservation', memory?.reservation);
  if (memory?.limit !== undefined && memory.limit >= 0 && memory.limit < leastMemory) {
    throw invalidSpec(
      `${place}.memory.limit`,
      `${memory.limit} bytes is too little for any program (at least ${leastMemory})`,
    );
  }
  if (memory?.swap !== undefined && memory.swap > 0 && memory.limit !== undefined && memory.swap < memory.limit) {
    throw invalidSpec(
      `${place}.memory.swap`,
      `${memory.swap} counts memory too, so it cannot be below the limit of ${memory.limit}`,
    );
  }
  if (cpu?.quota !== undefined && cpu.quota > 0 && cpu.quota < leastQuota) {
    throw invalidSpec(`${place}.cpu.quota`, `${cpu.quota} µs is below the kernel’s minimum of 1 ms`);
  }
  if (cpu?.period !== undefined && cpu.period !== 0 && (cpu.period < leastQuota || cpu.period > longestPeriod)) {
    throw invalidSpec(`${place}.cpu.period`, `${cpu.period} µs is not between 1 ms and 1 s`);
  }
  if (pids !== undefined && pids.limit === 0) {
    throw invalidSpec(`${place}.pids.limit`, '0 would not let a single process start (-1 is unlimited)');
  }
  if (blockIO?.weight && (blockIO.weight < 10 || blockIO.weight > 1000)) {
    throw invalidSpec(`${place}.blockIO.weight`, `${blockIO.weight} is not between 10 and 1000`);
  }
  if (host.cgroup.version === 2 && (cpu?.realtimePeriod || cpu?.realtimeRuntime)) {
    throw unsupportedSpec(`${place}.cpu`, 'cgroup v2 has no share of real-time scheduling');
  }
  checkList(`${place}.cpu.cpus`, cpu?.cpus, host.processors?.cpus);
  checkList(`${place}.cpu.mems`, cpu?.mems, host.processors?.mems);
}

function checkList(place: string, asked: string | undefined, available: string | undefined): void {
  if (asked === undefined || asked === '') return;
  const wanted = parseList(asked);
  if (wanted === undefined) throw invalidSpec(place, `"${asked}" is not a list like 0-3,6`);
  if (available === undefined) return;
  const there = parseList(available) ?? new Set();
  const missing = [...wanted].filter((number) => !there.has(number));
  if (missing.length > 0)
    throw invalidSpec(place, `${missing.join(',')} does not exist here (available: ${available})`);
}

/** The kernel's list format, see cpuset(7). Undefined when the text is none. */
export function parseList(text: string): Set<number> | undefined {
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    if (match === null) return undefined;
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (last < first) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return numbers;
}
