import { readIfThere } from './files.ts';

/** Nanoseconds in one clock tick of /proc and cpuacct.stat: 100 per second on both of our CPUs. */
export const nanosecondsPerTick = 10_000_000;

/** CPU time of the whole machine since boot in nanoseconds, idle time included, and the number of CPUs that are on. */
export async function readMachineCpu(): Promise<{ total: number; idle: number; online: number }> {
  const lines = ((await readIfThere('/proc/stat')) ?? '').split('\n');
  // user nice system idle iowait irq softirq; steal and guest time are not counted, as in dockerd.
  const ticks = (lines[0] ?? '').trim().split(/\s+/).slice(1, 8).map(Number);
  return {
    total: ticks.reduce((sum, one) => sum + one, 0) * nanosecondsPerTick,
    idle: (ticks[3] ?? 0) * nanosecondsPerTick,
    online: lines.filter((line) => /^cpu\d/.test(line)).length,
  };
}

/** Name of a block device below /dev by 'MAJOR:MINOR'; undefined when there is none. */
export async function blockDeviceName(device: string): Promise<string | undefined> {
  if (!/^\d+:\d+$/.test(device)) return undefined;
  return /^DEVNAME=(.*)$/m.exec((await readIfThere(`/sys/dev/block/${device}/uevent`)) ?? '')?.[1];
}

/** Bytes of memory that the machine has. */
export async function readMemoryTotal(): Promise<number> {
  const match = /^MemTotal:\s+(\d+) kB$/m.exec((await readIfThere('/proc/meminfo')) ?? '');
  return Number(match?.[1] ?? 0) * 1024;
}

/** Bytes. */
export async function readMemoryFigures(): Promise<{
  memory: { total: number; available: number };
  swap: { total: number; free: number };
}> {
  const text = (await readIfThere('/proc/meminfo')) ?? '';
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return {
    memory: { total: bytes('MemTotal'), available: bytes('MemAvailable') },
    swap: { total: bytes('SwapTotal'), free: bytes('SwapFree') },
  };
}

/** Threads that there are, and how many process ids the kernel gives out. */
export async function readProcessFigures(): Promise<{ current: number; limit: number }> {
  const [load, limit] = await Promise.all([readIfThere('/proc/loadavg'), readIfThere('/proc/sys/kernel/pid_max')]);
  return { current: Number(/ \d+\/(\d+) /.exec(load ?? '')?.[1] ?? 0), limit: Number(limit ?? 0) };
}

/** Seconds since the epoch at which the machine booted. */
export async function readBootTime(): Promise<number> {
  const match = /^btime (\d+)$/m.exec((await readIfThere('/proc/stat')) ?? '');
  return Number(match?.[1] ?? 0);
}

/** Fields of /etc/os-release, see os-release(5). */
export async function readOsRelease(): Promise<ReadonlyMap<string, string>> {
  const text = (await readIfThere('/etc/os-release')) ?? (await readIfThere('/usr/lib/os-release')) ?? '';
  return new Map(
    text.split('\n').flatMap((line) => {
      const match = /^([A-Z0-9_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
      return match?.[1] === undefined ? [] : [[match[1], match[2] ?? match[3] ?? match[4] ?? '']];
    }),
  );
}

/** Names of the host's users by id, from /etc/passwd; the first of an id counts. */
export async function readUserNames(): Promise<ReadonlyMap<number, string>> {
  const names = new Map<number, string>();
  for (const line of ((await readIfThere('/etc/passwd')) ?? '').split('\n')) {
    const [name, , uid] = line.split(':');
    if (name && uid && /^\d+$/.test(uid) && !names.has(Number(uid))) names.set(Number(uid), name);
  }
  return names;
}
