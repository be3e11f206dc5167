import { PortholeError } from '../../base/errors.ts';
import { nanosecondsPerTick, readBootTime, readUserNames } from '../sys/machine.ts';
import { type ProcessStat, readArguments, readStat, readStatus } from '../sys/proc.ts';
import { runPs } from '../sys/ps.ts';

/** `GET /containers/{id}/top` */
export interface ProcessTable {
  readonly Titles: readonly string[];
  readonly Processes: readonly (readonly string[])[];
}

const ticksPerSecond = 1_000_000_000 / nanosecondsPerTick;
const titles = ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'] as const;

/**
 * The given host processes as a table. Docker's default columns (`-ef`) are read from /proc, so that a host without
 * ps has them; other arguments are given to the host's ps.
 */
export async function processTable(pids: readonly number[], psArguments: string): Promise<ProcessTable> {
  const words = psArguments.trim().split(/\s+/);
  if (words.length === 1 && words[0] === '-ef') return fromProc(pids);
  return fromPs(pids, await runPs(words));
}

async function fromProc(pids: readonly number[]): Promise<ProcessTable> {
  const [names, bootTime] = await Promise.all([readUserNames(), readBootTime()]);
  const now = new Date();
  const rows = await Promise.all(
    pids.map(async (pid) => {
      const [stat, status, argv] = await Promise.all([readStat(pid), readStatus(pid), readArguments(pid)]);
      if (stat === undefined || status === undefined) return [];
      const uid = Number(status.get('Uid')?.split(/\s+/)[1] ?? 0);
      return [rowOf(stat, { user: names.get(uid) ?? String(uid), argv: argv ?? [], bootTime, now })];
    }),
  );
  return { Titles: titles, Processes: rows.flat() };
}

function rowOf(
  stat: ProcessStat,
  { user, argv, bootTime, now }: { user: string; argv: readonly string[]; bootTime: number; now: Date },
): string[] {
  const cpuSeconds = (stat.userTicks + stat.systemTicks) / ticksPerSecond;
  const started = new Date((bootTime + Number(stat.startTicks) / ticksPerSecond) * 1000);
  const lived = Math.max(1, (now.getTime() - started.getTime()) / 1000);
  return [
    user,
    String(stat.pid),
    String(stat.parent),
    String(Math.min(99, Math.floor((cpuSeconds * 100) / lived))),
    startTime(started, now),
    terminalName(stat.terminal),
    clock(Math.floor(cpuSeconds)),
    argv.length > 0 ? argv.join(' ') : `[${stat.name}]`,
  ];
}

/** As ps words STIME: the time of today, the day of this year, else the year. */
export function startTime(started: Date, now: Date): string {
  if (started.getFullYear() !== now.getFullYear()) return String(started.getFullYear());
  if (started.getMonth() !== now.getMonth() || started.getDate() !== now.getDate()) {
    const month = started.toLocaleString('en-US', { month: 'short' });
    return `${month}${String(started.getDate()).padStart(2, '0')}`;
  }
  return `${two(started.getHours())}:${two(started.getMinutes())}`;
}

/** Name of a terminal from its device number, see tty(4) and pts(4); the kernel's list of majors says which is which. */
export function terminalName(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (device === 0) return '?';
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  return '?';
}

function clock(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const text = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':');
  return days > 0 ? `${days}-${text}` : text;
}

const two = (number: number): string => String(number).padStart(2, '0');

/** Of what ps printed, the lines whose PID column names one of the processes; the last column keeps its spaces. */
export function fromPs(pids: readonly number[], lines: readonly string[]): ProcessTable {
  const header = (lines[0] ?? '').trim().split(/\s+/);
  const column = header.indexOf('PID');
  if (column < 0) throw noPidColumn();
  const wanted = new Set(pids.map(String));
  const rows = lines.slice(1).flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    if (!wanted.has(fields[column] ?? '')) return [];
    return [[...fields.slice(0, header.length - 1), fields.slice(header.length - 1).join(' ')]];
  });
  return { Titles: header, Processes: rows };
}

const noPidColumn = () => new PortholeError('invalid', "Couldn't find PID field in ps output");
