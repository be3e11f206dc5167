import { join } from 'node:path';
import * as v from 'valibot';
import { PortholeError } from '../../base/errors.ts';
import { ContainerConfig, HostConfig } from '../../protocol/docker.ts';
import type { IdMappings } from '../oci/id-mappings.ts';
import { containerCgroupPath } from '../plan/cgroup-path.ts';
import { readJsonFile, writeDurable, writeNew } from '../sys/durable.ts';
import type { ContainerRecord } from './contract.ts';
import type { WantedMount } from './mounts.ts';
import type { Stopping } from './stopping.ts';

/** container.json: the contract's record with what only the engine needs. Immutable; a change is a new record. */
export interface StoredRecord extends ContainerRecord {
  readonly version: 1;
  /** Its cgroup below the root of each hierarchy. */
  readonly cgroupPath: string;
  readonly mounts: readonly WantedMount[];
  /** Of its user namespace; absent: it has the engine's ids. */
  readonly idMappings?: IdMappings;
  /** Stopped by a user: `unless-stopped` does not start it again. */
  readonly manuallyStopped: boolean;
  /** What a user asked for and what is not done yet. */
  readonly stopping?: Stopping | undefined;
  /** Of the running life: how many kills for lack of memory were announced, and whether its processes wait for memory. */
  readonly oom: OomState;
  /** Reads of the running life's `after` list, by operation id: where the exit record's data came from. */
  readonly after: readonly { readonly id: number; readonly path: string }[];
  /** Clock ticks at which the initial process started, as text: with the pid it names the process. '' when not running. */
  readonly startTicks: string;
}

export interface OomState {
  readonly kills: number;
  /** With the kernel's killer off, the processes that want more memory wait for it. */
  readonly waits: boolean;
}

export const noOom: OomState = { kills: 0, waits: false };

export const never = '0001-01-01T00:00:00Z';

function recordPath(directory: string): string {
  return join(directory, 'container.json');
}

export async function saveRecord(directory: string, record: StoredRecord): Promise<void> {
  await writeDurable(recordPath(directory), textOf(record), { mode: 0o600 });
}

/** The record of a container that is being created, in a directory that gets its name when everything is in it. */
export async function saveFirstRecord(directory: string, record: StoredRecord): Promise<void> {
  await writeNew(recordPath(directory), textOf(record), { mode: 0o600 });
}

const textOf = (record: StoredRecord): string => `${JSON.stringify(record, undefined, 1)}\n`;

/** Undefined when there is none (a creation that a crash cut off). @throws internal when it is not one of ours, with its path */
export async function readRecord(directory: string): Promise<StoredRecord | undefined> {
  const path = recordPath(directory);
  const found = await readJsonFile(path);
  if (found === undefined) return undefined;
  if (!isRecord(found)) throw damagedRecord(path, found);
  // What records of older versions do not say.
  return { ...found, cgroupPath: found.cgroupPath ?? containerCgroupPath(found.id), oom: found.oom ?? noOom };
}

function damagedRecord(path: string, found: unknown): PortholeError {
  const [issue] = v.safeParse(Shape, found).issues ?? [];
  const why = issue ? `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}` : 'unknown';
  return new PortholeError('internal', `${path} is no record of a container (${why})`);
}

/** Only this engine writes the file, in one piece; a disk or a person may have changed it. */
function isRecord(value: unknown): value is Omit<StoredRecord, 'cgroupPath' | 'oom'> & Partial<StoredRecord> {
  return v.is(Shape, value);
}

const texts = v.array(v.string());
const statuses = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;
/** What everything that shows or starts a container relies on. */
const Shape = v.looseObject({
  version: v.literal(1),
  ...{ id: v.string(), name: v.string(), created: v.string(), image: v.string(), imageId: v.string() },
  ...{ path: v.string(), args: texts, config: ContainerConfig, hostConfig: HostConfig, restartCount: v.number() },
  state: v.looseObject({
    status: v.picklist(statuses),
    ...{ pid: v.number(), exitCode: v.number(), oomKilled: v.boolean(), error: v.string() },
    ...{ startedAt: v.string(), finishedAt: v.string() },
    health: v.optional(
      v.looseObject({ status: v.string(), failingStreak: v.number(), log: v.array(v.looseObject({})) }),
    ),
  }),
  ...{ logPath: v.string(), bundle: v.string(), hostnamePath: v.string(), hostsPath: v.string() },
  ...{ resolvConfPath: v.string(), manuallyStopped: v.boolean(), startTicks: v.pipe(v.string(), v.regex(/^\d*$/)) },
  mounts: v.array(
    v.looseObject({ Type: v.string(), Source: v.string(), Destination: v.string(), options: texts, RW: v.boolean() }),
  ),
  after: v.array(v.looseObject({ id: v.number(), path: v.string() })),
  stopping: v.optional(
    v.looseObject({
      by: v.picklist(['stop', 'restart', 'remove', 'kill']),
      ...{ signal: v.number(), seconds: v.number(), since: v.number(), isSent: v.boolean() },
      volumes: v.optional(v.boolean()),
    }),
  ),
  cgroupPath: v.optional(v.pipe(v.string(), v.startsWith('/'))),
  oom: v.optional(v.looseObject({ kills: v.number(), waits: v.boolean() })),
});

/** RFC 3339 with nanoseconds, from milliseconds since the epoch (which may have a fraction). */
export function timestamp(milliseconds: number): string {
  const whole = Math.floor(milliseconds);
  const nanoseconds = Math.round((milliseconds - whole) * 1e6);
  const rest = `${String(new Date(whole).getUTCMilliseconds()).padStart(3, '0')}${String(Math.min(nanoseconds, 999_999)).padStart(6, '0')}`;
  return `${new Date(whole).toISOString().slice(0, 19)}.${rest}Z`;
}
