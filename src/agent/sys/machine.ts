import { readIfThere } from './files.ts';

/** Nanoseconds in one clock tick of /proc and cpuacct.stat: 100 per second on both of our CPUs. */
export const nanosecondsPerTick = 10_000_000;

/** CPU time of the whole machine since boot in nanoseconds, idle time included, and the number of CPUs that are on. */
export async function readMachineCpu(): Promise<{ total: number; online: number }> {
  const lines = ((await readIfThere('/proc/stat')) ?? '').split('\n');
  // user nice system idle iowait irq softirq; steal and guest time are not counted, as in dockerd.
  const ticks = (lines[0] ?? '').trim().split(/\s+/).slice(1, 8).map(Number);
  return {
    total: ticks.reduce((sum, one) => sum + one, 0) * nanosecondsPerTick,
    online: lines.filter((line) => /^cpu\d/.test(line)).length,
  };
}

/** Bytes of memory that the machine has. */
export async function readMemoryTotal(): Promise<number> {
  const match = /^MemTotal:\s+(\d+) kB$/m.exec((await readIfThere('/proc/meminfo')) ?? '');
  return Number(match?.[1] ?? 0) * 1024;
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
