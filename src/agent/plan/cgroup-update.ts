import type { Resources } from '../oci/runtime.ts';
import { type LimitWrite, limitWrites, needsCpuset } from './cgroup-limits.ts';
import { hierarchyOf } from './cgroup-path.ts';
import { cpusetSteps } from './cgroup-plan.ts';
import type { HostFacts } from './facts.ts';
import type { Operation } from './operations.ts';
import { reasons } from './reasons.ts';
import { text } from './text.ts';

/** What changes a running container's limits. Paths are the host's. */
export interface LimitUpdate {
  /** Makes and fills a cpuset that the container is not in yet (v1). */
  readonly make: readonly Operation[];
  /** In an order that the kernel takes, each of them a value that the kernel does not have yet. */
  readonly writes: readonly { readonly path: string; readonly value: string; readonly operation: Operation }[];
  /** v1: its processes move into the new cpuset. */
  readonly entersCpuset: boolean;
}

/**
 * The steps from one set of limits to another. A limit that is no longer there is lifted.
 * @throws invalid or unsupported, as `limitWrites`
 */
export function limitUpdate(
  limits: { readonly before: Resources; readonly after: Resources },
  place: { readonly path: string; readonly host: HostFacts },
): LimitUpdate {
  const { before, after } = limits;
  const { cgroup } = place.host;
  const had = limitWrites(before, place.host);
  const wants = limitWrites(after, place.host);
  const lifted = had.flatMap((write) => (wants.some((one) => isSame(one, write)) ? [] : lift(write)));
  const changed = wants.filter((write) => !had.some((one) => isSame(one, write) && one.value === write.value));
  const entersCpuset = cgroup.version === 1 && needsCpuset(after) && !needsCpuset(before);
  const directoryOf = (controller: string): string => {
    const root = cgroup.version === 2 ? cgroup.root : (hierarchyOf(cgroup, controller) ?? '');
    return `${root}${place.path}`;
  };
  return {
    make: entersCpuset && cgroup.version === 1 ? cpusetSteps(place.path, cgroup) : [],
    writes: ordered([...lifted, ...changed], limits).map(({ controller, file, value, why, tolerate }) => {
      const path = `${directoryOf(controller)}/${file}`;
      return { path, value, operation: { op: 'write', path, data: text(value), why, ...(tolerate && { tolerate }) } };
    }),
    entersCpuset,
  };
}

/** What of a value says which of several it is: the device, and v2's kind of throttle. */
const slot = (value: string): string => /^(?:\d+:\d+|default)(?: [a-z]+=)?/.exec(value)?.[0] ?? '';

const isSame = (a: LimitWrite, b: LimitWrite): boolean => a.file === b.file && slot(a.value) === slot(b.value);

/** The value that takes a limit away. */
function lift(write: LimitWrite): LimitWrite[] {
  const value = unlimited(write);
  return value === undefined ? [] : [{ ...write, why: reasons.limitLifted, value }];
}

function unlimited({ file, value }: LimitWrite): string | undefined {
  const [device = ''] = value.split(' ');
  if (file.startsWith('blkio.throttle.')) return `${device} 0`;
  if (file === 'io.max') return `${slot(value)}max`;
  if (file.endsWith('weight_device')) return `${device} 0`;
  if (file === 'io.bfq.weight') return /^\d+:/.test(value) ? `${device} default` : undefined;
  if (file === 'memory.oom_control') return '0';
  if (file.endsWith('_in_bytes')) return '-1';
  if (['pids.max', 'memory.max', 'memory.swap.max', 'cpu.max'].includes(file)) return 'max';
  if (file === 'cpu.cfs_quota_us') return '-1';
  if (file === 'memory.low') return '0';
  // A weight, a period or a set of processors is always some: what was asked for last stays.
  return undefined;
}

function ordered(
  writes: readonly LimitWrite[],
  { before, after }: { before: Resources; after: Resources },
): LimitWrite[] {
  const order = [...writes];
  // Memory and swap together may never be below memory alone.
  if (isAbove(after.memory?.limit, before.memory?.swap)) {
    swap(order, 'memory.limit_in_bytes', 'memory.memsw.limit_in_bytes');
  }
  // Of the two ways, the one on which the container is never given more than before or after.
  if ((after.cpu?.period ?? usualPeriod) < (before.cpu?.period ?? usualPeriod)) {
    swap(order, 'cpu.cfs_period_us', 'cpu.cfs_quota_us');
  }
  return order;
}

/** µs: the kernel's. */
const usualPeriod = 100_000;

/** Negative and absent: unlimited. */
function isAbove(limit: number | undefined, swap: number | undefined): boolean {
  if (swap === undefined || swap <= 0) return false;
  return limit === undefined || limit < 0 || limit > swap;
}

/** The write to the second file goes first. */
function swap(writes: LimitWrite[], first: string, second: string): void {
  const [a, b] = [first, second].map((file) => writes.findIndex((write) => write.file === file));
  if (a === undefined || b === undefined || a < 0 || b < a) return;
  const [moved] = writes.splice(b, 1);
  if (moved !== undefined) writes.splice(a, 0, moved);
}
