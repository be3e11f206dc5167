import * as v from 'valibot';
import type { HistoryEntry } from './history.ts';
import type { Trace } from './trace.ts';
import type { CgroupReading } from './usage.ts';

/** What single pages are sent, beside what all are (`pages.ts`). */

const Nanoseconds = v.pipe(v.number(), v.minValue(0));
const StepResult = v.variant('state', [
  v.object({ state: v.literal('done'), nanoseconds: Nanoseconds }),
  v.object({ state: v.literal('tolerated'), nanoseconds: Nanoseconds, errno: v.string() }),
  v.object({ state: v.literal('failed'), nanoseconds: Nanoseconds, errno: v.string() }),
  v.object({ state: v.literal('not-run') }),
]);
const TraceStep = v.object({
  id: v.number(),
  depth: v.number(),
  list: v.picklist(['host', 'child', 'after']),
  op: v.string(),
  line: v.string(),
  why: v.string(),
  result: StepResult,
});

/** `GET /porthole/v1/containers/{id}/trace` */
export const TraceSchema = v.object({
  startedAt: v.string(),
  steps: v.pipe(v.array(TraceStep), v.readonly()),
  pid: v.exactOptional(v.number()),
}) satisfies v.GenericSchema<unknown, Trace>;

/** `GET /porthole/v1/containers/{id}/plan`, what of it a panel shows when there is no trace yet. */
export const PlanStepsSchema = v.object({ steps: v.array(v.omit(TraceStep, ['result'])) });

const number = v.exactOptional(v.number());
const PressureSide = v.object({ avg10: v.number(), avg60: v.number(), total: v.number() });
const Pressure = v.object({ some: PressureSide, full: v.exactOptional(PressureSide) });

/** `GET /porthole/v1/containers/{id}/cgroup` */
export const ReadingSchema = v.object({
  at: v.number(),
  version: v.picklist([1, 2]),
  path: v.string(),
  cpu: v.exactOptional(
    v.object({
      usage: v.number(),
      user: v.number(),
      system: v.number(),
      throttledTime: v.number(),
      throttledPeriods: v.number(),
      periods: v.number(),
      limit: number,
    }),
  ),
  memory: v.exactOptional(
    v.object({
      current: v.number(),
      peak: number,
      anon: v.number(),
      file: v.number(),
      kernel: number,
      swap: number,
      inactiveFile: v.number(),
      limit: number,
      oomKills: v.number(),
    }),
  ),
  pids: v.exactOptional(v.object({ current: v.number(), limit: number, refused: v.number() })),
  io: v.exactOptional(
    v.object({ readBytes: v.number(), writeBytes: v.number(), reads: v.number(), writes: v.number() }),
  ),
  limits: v.exactOptional(
    v.object({
      cpu: v.exactOptional(v.object({ shares: number, weight: number })),
      cpuset: v.exactOptional(v.object({ cpus: v.string(), mems: v.string() })),
      memory: v.exactOptional(v.object({ max: number, reservation: number, swap: number })),
    }),
  ),
  pressure: v.exactOptional(
    v.object({
      cpu: v.exactOptional(Pressure),
      memory: v.exactOptional(Pressure),
      io: v.exactOptional(Pressure),
    }),
  ),
}) satisfies v.GenericSchema<unknown, CgroupReading>;

/** Extension to the birth panel. */
export const ToBirth = v.variant('type', [
  v.object({ type: v.literal('trace'), trace: TraceSchema, planned: v.boolean() }),
]);
export type ToBirth = v.InferOutput<typeof ToBirth>;

/** How well something is closed between a container and its host. */
export const Verdict = v.picklist(['open', 'weak', 'closed']);
export type Verdict = v.InferOutput<typeof Verdict>;

const FindingView = v.object({
  id: v.string(),
  verdict: Verdict,
  what: v.string(),
  why: v.string(),
  how: v.exactOptional(v.string()),
});
export type FindingView = v.InferOutput<typeof FindingView>;

/** Extension to the isolation panel; the findings are in the user's language, the open ones first. */
export const ToIsolation = v.variant('type', [v.object({ type: v.literal('report'), findings: v.array(FindingView) })]);
export type ToIsolation = v.InferOutput<typeof ToIsolation>;

export const MomentView = v.object({
  /** RFC 3339 */
  time: v.string(),
  /** What kind of thing happened: decides its sign. */
  kind: v.picklist(['made', 'began', 'ended', 'failed', 'health', 'other']),
  /** Something a person should know of: it went wrong. */
  alarming: v.boolean(),
  what: v.string(),
  /** More about it, one line each. */
  details: v.array(v.string()),
});
export type MomentView = v.InferOutput<typeof MomentView>;

const Cause = v.variant('kind', [
  v.object({ kind: v.literal('exited') }),
  v.object({ kind: v.literal('stopped'), by: v.picklist(['stop', 'restart', 'remove']), signal: v.number() }),
  v.object({
    kind: v.literal('grace-over'),
    by: v.picklist(['stop', 'restart', 'remove']),
    signal: v.number(),
    seconds: v.number(),
  }),
  v.object({ kind: v.literal('killed'), signal: v.number() }),
  v.object({ kind: v.literal('out-of-memory') }),
  v.object({ kind: v.literal('signal'), signal: v.number() }),
  v.object({ kind: v.literal('supervisor-lost') }),
]);
const health = v.picklist(['starting', 'healthy', 'unhealthy']);
const EndingSchema = v.object({
  exitCode: v.number(),
  signal: number,
  cause: Cause,
  outOfMemory: v.exactOptional(v.object({ kills: v.number(), limit: number, peak: number })),
  health: v.exactOptional(health),
});
const stamp = { time: v.string(), id: v.string(), name: v.string() };

/** `GET /porthole/v1/containers/{id}/history?trace=0` */
export const HistorySchema = v.array(
  v.variant('event', [
    v.object({ ...stamp, event: v.literal('created'), image: v.string(), imageId: v.string() }),
    v.object({ ...stamp, event: v.literal('started'), pid: v.number() }),
    v.object({
      ...stamp,
      event: v.literal('start-failed'),
      exitCode: v.number(),
      error: v.string(),
      step: v.exactOptional(v.string()),
    }),
    v.object({
      ...stamp,
      event: v.picklist(['paused', 'unpaused', 'stopped', 'restarted', 'updated', 'removed', 'out-of-memory']),
    }),
    v.object({ ...stamp, event: v.literal('signaled'), signal: v.number() }),
    v.object({ ...stamp, event: v.literal('health'), status: health }),
    v.object({ ...stamp, event: v.literal('renamed'), oldName: v.string() }),
    v.object({ ...stamp, event: v.literal('ended'), ending: EndingSchema, restartIn: number }),
  ]),
) satisfies v.GenericSchema<unknown, readonly HistoryEntry[]>;
