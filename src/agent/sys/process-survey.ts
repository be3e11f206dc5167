import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf } from '../../base/errors.ts';
import { withoutTrailing } from '../../base/trailing.ts';
import type { NamespaceKind } from '../../protocol/usage.ts';
import { namespaceKinds, parseCgroups, parseStat, parseStatus } from './proc.ts';

/** A process as /proc shows it in one moment. */
export interface SurveyedProcess {
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  readonly pids: readonly number[];
  readonly startTicks: bigint;
  readonly command: string;
  readonly cgroups: ReadonlyMap<string, string>;
  /** Absent: no right to look. */
  readonly namespaces?: Readonly<Partial<Record<NamespaceKind, number>>>;
  /** Open namespace files, when they were asked for. */
  readonly descriptors: readonly { readonly fd: number; readonly kind: NamespaceKind; readonly inode: number }[];
}

/** Processes that are read before others get a turn. */
const slice = 50;
const longestCommand = 200;

/**
 * Every process of the host. It is read without waiting, some processes at a time: a dozen files of each are a few
 * microseconds each, less than what handing them to other threads costs, and a process's facts belong together.
 */
export async function surveyProcesses(options: { readonly descriptors: boolean }): Promise<SurveyedProcess[]> {
  const found: SurveyedProcess[] = [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  for (const [index, pid] of pids.entries()) {
    if (index % slice === slice - 1) await nextTurn();
    const process = surveyed(Number(pid), options);
    if (process !== undefined) found.push(process);
  }
  return found;
}

/** The namespace that a link of /proc shows, for example 'net:[4026531840]'. */
export function namespaceOf(link: string): { kind: NamespaceKind; inode: number } | undefined {
  const [, name, inode] = /^(\w+):\[(\d+)\]$/.exec(link) ?? [];
  const kind = namespaceKinds.find((one) => one === name);
  return kind === undefined ? undefined : { kind, inode: Number(inode) };
}

function surveyed(pid: number, options: { readonly descriptors: boolean }): SurveyedProcess | undefined {
  try {
    const stat = parseStat(text(pid, 'stat'));
    const status = parseStatus(text(pid, 'status'));
    const argv = withoutTrailing(text(pid, 'cmdline'), '\0').split('\0').join(' ');
    const namespaces = namespacesOf(pid);
    return {
      pid,
      parent: stat.parent,
      uid: Number(status.get('Uid')?.split(/\s+/)[1] ?? 0),
      pids: (status.get('NSpid') ?? String(pid)).split(/\s+/).map(Number),
      startTicks: stat.startTicks,
      command: (argv === '' ? `[${stat.name}]` : argv).slice(0, longestCommand),
      cgroups: parseCgroups(text(pid, 'cgroup')),
      ...(namespaces !== undefined && { namespaces }),
      descriptors: options.descriptors ? descriptorsOf(pid) : [],
    };
  } catch (failure) {
    if (isGone(failure)) return undefined;
    throw failure;
  }
}

const text = (pid: number, file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8');

/** Undefined: no right. A zombie has no namespaces any more. */
function namespacesOf(pid: number): Partial<Record<NamespaceKind, number>> | undefined {
  const found: Partial<Record<NamespaceKind, number>> = {};
  for (const kind of namespaceKinds) {
    try {
      const namespace = namespaceOf(readlinkSync(`/proc/${pid}/ns/${kind}`));
      if (namespace !== undefined) found[kind] = namespace.inode;
    } catch (failure) {
      if (isForbidden(failure)) return undefined;
      if (!isGone(failure)) throw failure;
    }
  }
  return found;
}

function descriptorsOf(pid: number): SurveyedProcess['descriptors'] {
  const found: SurveyedProcess['descriptors'][number][] = [];
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      const namespace = namespaceOf(linkOrNone(`/proc/${pid}/fd/${name}`));
      if (namespace !== undefined) found.push({ fd: Number(name), ...namespace });
    }
  } catch (failure) {
    if (!isGone(failure) && !isForbidden(failure)) throw failure;
  }
  return found;
}

function linkOrNone(path: string): string {
  try {
    return readlinkSync(path);
  } catch (failure) {
    if (isGone(failure) || isForbidden(failure)) return '';
    throw failure;
  }
}

const isGone = (failure: unknown): boolean => ['ENOENT', 'ESRCH', 'ENOTDIR'].includes(errnoOf(failure) ?? '');
const isForbidden = (failure: unknown): boolean => ['EACCES', 'EPERM'].includes(errnoOf(failure) ?? '');
