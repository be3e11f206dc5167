import { readlink } from 'node:fs/promises';
import { errnoOf, PortholeError } from '../../base/errors.ts';
import type { NamespaceKind } from '../../protocol/usage.ts';
import { namesIfThere, readIfThere, readNowIfThere } from './files.ts';

/** One line of /proc/PID/stat, as far as we use it. See proc_pid_stat(5). */
export interface ProcessStat {
  readonly pid: number;
  /** At most 15 bytes; may hold any character, parentheses and newlines too. */
  readonly name: string;
  /** 'R', 'S', 'D', 'Z' and so on. */
  readonly state: string;
  readonly parent: number;
  readonly session: number;
  /** Device number of the controlling terminal, 0 for none. */
  readonly terminal: number;
  /** CPU time in clock ticks (100 per second on both of our CPUs). */
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly threads: number;
  /** Clock ticks between boot and the process's start: with the pid it names a process for ever. */
  readonly startTicks: bigint;
}

/** One line of /proc/PID/mountinfo. See proc_pid_mountinfo(5). */
export interface MountInfo {
  readonly id: number;
  readonly parent: number;
  readonly device: string;
  readonly root: string;
  readonly target: string;
  readonly options: readonly string[];
  /** 'shared:N', 'master:N', 'unbindable'. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

export const namespaceKinds = [
  'mnt',
  'pid',
  'net',
  'ipc',
  'uts',
  'cgroup',
  'user',
  'time',
] as const satisfies readonly NamespaceKind[];

/** Undefined when the process is gone. */
export async function readStat(pid: number): Promise<ProcessStat | undefined> {
  const text = readNowIfThere(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/** Field 22 of /proc/PID/stat, undefined when the process is gone. */
export async function startTicks(pid: number): Promise<bigint | undefined> {
  return (await readStat(pid))?.startTicks;
}

/** True while a process with this pid and start is there and is not a zombie. */
export async function isAlive(process: { readonly pid: number; readonly startTicks: bigint }): Promise<boolean> {
  const stat = await readStat(process.pid);
  return stat !== undefined && stat.startTicks === process.startTicks && !isOver(stat);
}

/** True while a process has this parent and is not a zombie: the number is nobody else's until the parent has reaped it. */
export async function hasLivingChild(parent: number, pid: number): Promise<boolean> {
  const stat = await readStat(pid);
  return stat !== undefined && stat.parent === parent && !isOver(stat);
}

/** Whether a process has ended, a zombie that nobody has reaped included. */
export async function hasEnded(pid: number): Promise<boolean> {
  const stat = await readStat(pid);
  return stat === undefined || isOver(stat);
}

const isOver = ({ state }: ProcessStat): boolean => state === 'Z' || state === 'X';

/** True while a process is stopped by a signal or a debugger: it answers nobody. */
export async function isStopped(pid: number): Promise<boolean> {
  return ['T', 't'].includes((await readStat(pid))?.state ?? '');
}

/** Which run of the kernel this is: pids and start times are unique within one. */
export async function bootId(): Promise<string> {
  return ((await readIfThere('/proc/sys/kernel/random/boot_id')) ?? 'unknown').trim();
}

/** The fields of /proc/PID/status by name, for example get('CapEff'). Undefined when the process is gone. */
export async function readStatus(pid: number | 'self'): Promise<ReadonlyMap<string, string> | undefined> {
  const text = await readIfThere(`/proc/${pid}/status`);
  return text === undefined ? undefined : parseStatus(text);
}

/** Command line arguments; empty for a kernel thread or a zombie, undefined when the process is gone. */
export async function readArguments(pid: number): Promise<string[] | undefined> {
  const text = await readIfThere(`/proc/${pid}/cmdline`);
  if (text === undefined) return undefined;
  return text === '' ? [] : text.replace(/\0$/, '').split('\0');
}

/** Paths of /proc/PID/cgroup by controller; the unified hierarchy has the key ''. Undefined when the process is gone. */
export async function readCgroups(pid: number | 'self'): Promise<ReadonlyMap<string, string> | undefined> {
  const text = await readIfThere(`/proc/${pid}/cgroup`);
  return text === undefined ? undefined : parseCgroups(text);
}

export async function readMounts(pid: number | 'self'): Promise<MountInfo[]> {
  return parseMountInfo((await readIfThere(`/proc/${pid}/mountinfo`)) ?? '');
}

/** Inode numbers behind /proc/PID/ns, by kind; kinds that the kernel lacks are absent. Undefined when the process is gone. */
export async function readNamespaces(
  pid: number | 'self',
): Promise<Partial<Record<NamespaceKind, number>> | undefined> {
  const found: Partial<Record<NamespaceKind, number>> = {};
  await Promise.all(
    namespaceKinds.map(async (kind) => {
      const inode = await namespaceInode(pid, kind);
      if (inode !== undefined) found[kind] = inode;
    }),
  );
  return Object.keys(found).length === 0 ? undefined : found;
}

/** Pids of all processes in the same namespace as one, itself included; just itself when that is our own namespace. */
export async function sharingNamespace(pid: number, kind: NamespaceKind): Promise<number[]> {
  const [wanted, own] = await Promise.all([namespaceInode(pid, kind), namespaceInode('self', kind)]);
  if (wanted === undefined || wanted === own) return [pid];
  const pids = ((await namesIfThere('/proc')) ?? []).map(Number).filter(Number.isInteger);
  const found = await Promise.all(
    // EACCES: a process that is none of ours cannot be in there.
    pids.map(async (one) => ((await namespaceInode(one, kind).catch(() => undefined)) === wanted ? [one] : [])),
  );
  return found.flat();
}

/** Pids of a process's children, from /proc/PID/task/TID/children of every thread. */
export async function childrenOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const thread of (await namesIfThere(`/proc/${pid}/task`)) ?? []) {
    const text = (await readIfThere(`/proc/${pid}/task/${thread}/children`)) ?? '';
    found.push(...numbersIn(text));
  }
  return found;
}

export function parseStat(text: string): ProcessStat {
  // The name is in parentheses and may hold some itself: it ends at the last one.
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const rest = text.slice(close + 2).split(' ');
  const startTicks = rest[19];
  if (open < 0 || close < open || startTicks === undefined) throw unknownFormat('stat', text);
  const number = (index: number): number => Number(rest[index] ?? 0);
  return {
    pid: Number.parseInt(text, 10),
    name: text.slice(open + 1, close),
    state: rest[0] ?? '?',
    parent: number(1),
    session: number(3),
    terminal: number(4),
    userTicks: number(11),
    systemTicks: number(12),
    threads: number(17),
    startTicks: BigInt(startTicks),
  };
}

export function parseStatus(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}

export function parseCgroups(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match === null) continue;
    for (const controller of (match[1] ?? '').split(',')) found.set(controller, match[2] ?? '/');
  }
  return found;
}

export function parseMountInfo(text: string): MountInfo[] {
  const found: MountInfo[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const fields = line.split(' ');
    const dash = fields.indexOf('-', 6);
    if (dash < 0) throw unknownFormat('mountinfo', line);
    const field = (index: number): string => unescapeOctal(fields[index] ?? '');
    found.push({
      id: Number(fields[0]),
      parent: Number(fields[1]),
      device: field(2),
      root: field(3),
      target: field(4),
      options: field(5).split(','),
      propagation: fields.slice(6, dash),
      type: field(dash + 1),
      source: field(dash + 2),
      superOptions: field(dash + 3).split(','),
    });
  }
  return found;
}

const unknownFormat = (file: string, text: string) =>
  new PortholeError('internal', `/proc gave a ${file} line of an unknown form: ${text.slice(0, 200)}`);

/** The kernel writes space, tab, newline and backslash as \ooo. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

async function namespaceInode(pid: number | 'self', kind: NamespaceKind): Promise<number | undefined> {
  try {
    const match = /\[(\d+)\]$/.exec(await readlink(`/proc/${pid}/ns/${kind}`));
    return match === null ? undefined : Number(match[1]);
  } catch (failure) {
    if (['ENOENT', 'ESRCH'].includes(errnoOf(failure) ?? '')) return undefined;
    throw failure;
  }
}

function numbersIn(text: string): number[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(Number);
}
