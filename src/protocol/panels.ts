import * as v from 'valibot';
import type { Trace } from './trace.ts';
import type { CgroupReading } from './usage.ts';

/**
 * Messages between the extension and its webviews, both ways. A webview runs what it is told by nobody else, yet both
 * sides check what arrives: a message of an older webview that VS Code restored must not break a newer extension.
 */

/** What a panel shows; kept with `setState`, so that VS Code can open it again after a restart. */
export const PanelSubject = v.object({
  host: v.string(),
  engine: v.string(),
  container: v.string(),
  name: v.string(),
});
export type PanelSubject = v.InferOutput<typeof PanelSubject>;

/** Webview to extension. */
export const FromPanel = v.variant('type', [
  v.object({ type: v.literal('ready') }),
  v.object({ type: v.literal('refresh') }),
  v.object({ type: v.literal('copy'), text: v.pipe(v.string(), v.maxLength(10_000_000)) }),
]);
export type FromPanel = v.InferOutput<typeof FromPanel>;

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
  pressure: v.exactOptional(
    v.object({
      cpu: v.exactOptional(Pressure),
      memory: v.exactOptional(Pressure),
      io: v.exactOptional(Pressure),
    }),
  ),
}) satisfies v.GenericSchema<unknown, CgroupReading>;

const Texts = v.record(v.string(), v.string());

/** Extension to the birth panel. `texts` are the panel's words in the user's language, by their English. */
export const ToBirth = v.variant('type', [
  v.object({ type: v.literal('start'), subject: PanelSubject, texts: Texts, locale: v.string() }),
  v.object({ type: v.literal('trace'), trace: TraceSchema, planned: v.boolean() }),
  v.object({ type: v.literal('problem'), message: v.string() }),
]);
export type ToBirth = v.InferOutput<typeof ToBirth>;

/** Extension to the usage panel. */
export const ToUsage = v.variant('type', [
  v.object({ type: v.literal('start'), subject: PanelSubject, texts: Texts, locale: v.string() }),
  v.object({ type: v.literal('reading'), reading: ReadingSchema }),
  v.object({ type: v.literal('ended'), message: v.string() }),
  v.object({ type: v.literal('problem'), message: v.string() }),
]);
export type ToUsage = v.InferOutput<typeof ToUsage>;
