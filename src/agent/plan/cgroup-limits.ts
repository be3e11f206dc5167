import type { Resources } from '../oci/runtime.ts';
import { invalidSpec } from './errors.ts';
import type { HostFacts } from './facts.ts';
import { reasons } from './reasons.ts';

/** One value for one file of a container's cgroup. */
export interface LimitWrite {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  readonly why: string;
  /** The kernel may have been built or started without it; Docker then goes without, too. */
  readonly optional: boolean;
}

type Host = Pick<HostFacts, 'cgroup' | 'processors'>;

/**
 * The writes that put limits into force, in an order that the kernel takes.
 * @throws invalid on a limit that no kernel takes or under which nothing could run.
 */
export function limitWrites(resources: Resources, host: Host): LimitWrite[] {
  checkLimits(resources, host);
  return host.cgroup.version === 1 ? writesV1(resources) : writesV2(resources);
}

/** Controllers that a spec's limits need beside those that every container has. */
export function needsCpuset(resources: Resources): boolean {
  return (resources.cpu?.cpus ?? '') !== '' || (resources.cpu?.mems ?? '') !== '';
}

type Row = readonly [controller: string, file: string, value: string | number | undefined, why: string];

function writesV1(resources: Resources): LimitWrite[] {
  const { memory, cpu, pids, blockIO } = resources;
  const { limitMemory, limitCpu, limitCpuset, limitPids, limitIo } = reasons;
  const rows: Row[] = [
    // The limit first: memory and swap together may never be below memory alone.
    ['memory', 'memory.limit_in_bytes', memory?.limit, limitMemory],
    ['memory', 'memory.memsw.limit_in_bytes', set(memory?.swap), limitMemory],
    ['memory', 'memory.soft_limit_in_bytes', set(memory?.reservation), limitMemory],
    ['memory', 'memory.swappiness', memory?.swappiness, limitMemory],
    ['memory', 'memory.oom_control', memory?.disableOOMKiller === true ? 1 : undefined, limitMemory],
    ['cpu', 'cpu.shares', set(cpu?.shares), limitCpu],
    // The period first: a quota is checked against it.
    ['cpu', 'cpu.cfs_period_us', set(cpu?.period), limitCpu],
    ['cpu', 'cpu.cfs_quota_us', set(cpu?.quota), limitCpu],
    ['cpu', 'cpu.rt_period_us', set(cpu?.realtimePeriod), limitCpu],
    ['cpu', 'cpu.rt_runtime_us', set(cpu?.realtimeRuntime), limitCpu],
    ['cpuset', 'cpuset.cpus', cpu?.cpus, limitCpuset],
    ['cpuset', 'cpuset.mems', cpu?.mems, limitCpuset],
    ['pids', 'pids.max', pids === undefined ? undefined : orMax(pids.limit), limitPids],
    ['blkio', 'blkio.weight', set(blockIO?.weight), limitIo],
    ...(blockIO?.weightDevice ?? []).map(
      (one): Row => ['blkio', 'blkio.weight_device', perDevice(one, one.weight), limitIo],
    ),
    ...throttles(resources).map(
      ([kind, one]): Row => ['blkio', `blkio.throttle.${throttleFiles[kind]}`, perDevice(one, one.rate), limitIo],
    ),
  ];
  return toWrites(rows);
}

function writesV2(resources: Resources): LimitWrite[] {
  const { memory, cpu, pids, blockIO } = resources;
  const { limitMemory, limitCpu, limitCpuset, limitPids, limitIo } = reasons;
  const rows: Row[] = [
    ['memory', 'memory.max', memory?.limit === undefined ? undefined : orMax(memory.limit), limitMemory],
    ['memory', 'memory.swap.max', swapOnly(memory), limitMemory],
    ['memory', 'memory.low', set(memory?.reservation), limitMemory],
    ['cpu', 'cpu.weight', cpu?.shares ? weightOfShares(cpu.shares) : undefined, limitCpu],
    ['cpu', 'cpu.max', quotaAndPeriod(cpu), limitCpu],
    ['cpuset', 'cpuset.cpus', cpu?.cpus, limitCpuset],
    ['cpuset', 'cpuset.mems', cpu?.mems, limitCpuset],
    ['pids', 'pids.max', pids === undefined ? undefined : orMax(pids.limit), limitPids],
    ['io', 'io.weight', blockIO?.weight ? `default ${weightOfBlkio(blockIO.weight)}` : undefined, limitIo],
    ...throttles(resources).map(
      ([kind, one]): Row => ['io', 'io.max', `${one.major}:${one.minor} ${kind}=${one.rate}`, limitIo],
    ),
    ...Object.entries(resources.unified ?? {}).map(
      ([file, value]): Row => [controllerOf(file), file, value, reasons.limitUnified],
    ),
  ];
  return toWrites(rows);
}

/** Counting swap is an option of the kernel (swapaccount=). */
const swapFiles: ReadonlySet<string> = new Set(['memory.memsw.limit_in_bytes', 'memory.swap.max']);

function toWrites(rows: readonly Row[]): LimitWrite[] {
  return rows.flatMap(([controller, file, value, why]) =>
    value === undefined || value === ''
      ? []
      : [{ controller, file, value: String(value), why, optional: swapFiles.has(file) }],
  );
}

/** 0 means "not set" wherever the specification gives no other meaning to it. */
const set = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);
const orMax = (value: number): string => (value < 0 ? 'max' : String(value));

/** The specification counts memory and swap together, cgroup v2 counts swap alone. */
function swapOnly(memory: Resources['memory']): string | undefined {
  if (memory?.swap === undefined || memory.swap === 0) return undefined;
  if (memory.swap < 0) return 'max';
  return memory.limit === undefined || memory.limit <= 0 ? undefined : String(memory.swap - memory.limit);
}

function quotaAndPeriod(cpu: Resources['cpu']): string | undefined {
  const [quota, period] = [set(cpu?.quota), set(cpu?.period)];
  if (quota === undefined && period === undefined) return undefined;
  const first = quota === undefined ? 'max' : orMax(quota);
  return period === undefined ? first : `${first} ${period}`;
}

/** Shares are 2 to 262144, weights 1 to 10000: the ends meet. */
export function weightOfShares(shares: number): number {
  const inRange = Math.min(Math.max(shares, 2), 262144);
  return 1 + Math.floor(((inRange - 2) * 9999) / 262142);
}

/** Weights of blkio are 10 to 1000, of io 1 to 10000. */
function weightOfBlkio(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

const throttleFiles = {
  rbps: 'read_bps_device',
  wbps: 'write_bps_device',
  riops: 'read_iops_device',
  wiops: 'write_iops_device',
} as const;
interface Throttle {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

function throttles({ blockIO }: Resources): (readonly [keyof typeof throttleFiles, Throttle])[] {
  const all = (kind: keyof typeof throttleFiles, devices: readonly Throttle[] | undefined) =>
    (devices ?? []).map((one) => [kind, one] as const);
  return [
    ...all('rbps', blockIO?.throttleReadBpsDevice),
    ...all('wbps', blockIO?.throttleWriteBpsDevice),
    ...all('riops', blockIO?.throttleReadIOPSDevice),
    ...all('wiops', blockIO?.throttleWriteIOPSDevice),
  ];
}

function perDevice(device: { major: number; minor: number }, value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${device.major}:${device.minor} ${value}`;
}

function controllerOf(file: string): string {
  if (!/^[a-z0-9_]+(\.[A-Za-z0-9_]+)+$/.test(file)) {
    throw invalidSpec('linux.resources.unified', `"${file}" is not the name of a cgroup file`);
  }
  return file.slice(0, file.indexOf('.'));
}

/** A program and its stack, page tables and kernel memory do not fit below this, so that not even exec succeeds. */
const leastMemory = 512 * 1024;
/** CFS bandwidth: kernel/sched takes quotas and periods from 1 ms, periods to 1 s. */
const leastQuota = 1000;
const longestPeriod = 1_000_000;

function checkLimits(resources: Resources, host: Host): void {
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
