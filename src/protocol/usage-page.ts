import * as v from 'valibot';
import { MomentView, ReadingSchema } from './panels.ts';
import { type PlannedWrite, type UpdatePlan, type UsageHistory, usageColumns } from './usage-history.ts';

/** What the usage page and the extension say to each other, beside what all pages do (`pages.ts`). */

const Columns = v.object(v.entriesFromList(usageColumns, v.exactOptional(v.array(v.nullable(v.number())))));

/** `GET /porthole/v1/containers/{id}/usage` */
export const HistoryOfUsage = v.object({
  since: v.number(),
  interval: v.number(),
  at: v.array(v.number()),
  columns: Columns,
}) satisfies v.GenericSchema<unknown, UsageHistory>;

const PlannedWriteSchema = v.object({
  line: v.string(),
  path: v.exactOptional(v.string()),
  value: v.exactOptional(v.string()),
  was: v.exactOptional(v.string()),
  why: v.string(),
}) satisfies v.GenericSchema<unknown, PlannedWrite>;

/** `GET /porthole/v1/containers/{id}/update/plan` */
export const UpdatePlanSchema = v.object({
  live: v.boolean(),
  writes: v.array(PlannedWriteSchema),
  warnings: v.array(v.string()),
}) satisfies v.GenericSchema<unknown, UpdatePlan>;

/** A moment that explains a curve. */
export const UsageMark = v.object({
  /** Milliseconds since the epoch. */
  at: v.number(),
  kind: v.picklist(['oom', 'start', 'end', 'limits']),
});
export type UsageMark = v.InferOutput<typeof UsageMark>;

/** Which of the page's containers: its place in `containers`. */
const source = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Extension to the usage page. */
export const ToUsage = v.variant('type', [
  /** First: what the page is about. `plans`: their engine tells what an update would write. */
  v.object({ type: v.literal('containers'), names: v.array(v.string()), plans: v.boolean() }),
  v.object({ type: v.literal('history'), source, history: HistoryOfUsage }),
  v.object({ type: v.literal('marks'), source, marks: v.array(UsageMark) }),
  v.object({ type: v.literal('reading'), source, reading: ReadingSchema }),
  v.object({ type: v.literal('ended'), source, message: v.string() }),
  v.object({ type: v.literal('plan'), plan: UpdatePlanSchema }),
  v.object({ type: v.literal('applied'), warnings: v.array(v.string()) }),
  /** A change of limits that cannot be, in the user's or the engine's words. */
  v.object({ type: v.literal('refused'), message: v.string() }),
]);
export type ToUsage = v.InferOutput<typeof ToUsage>;

/** Limits as the user typed them; '' leaves or lifts, as the field says. Only those that were changed. */
export const limitNames = ['cpus', 'memory', 'swap', 'reservation', 'pids', 'shares', 'cpuset'] as const;
export type LimitName = (typeof limitNames)[number];
const Typed = v.partial(v.object(v.entriesFromList(limitNames, v.pipe(v.string(), v.maxLength(100)))));
export type TypedLimits = Readonly<v.InferOutput<typeof Typed>>;

/** The usage page to the extension. */
export const FromUsage = v.variant('type', [
  v.object({ type: v.literal('plan'), source, limits: Typed }),
  v.object({ type: v.literal('apply'), source, limits: Typed }),
]);
export type FromUsage = v.InferOutput<typeof FromUsage>;

/** Extension to the timeline page: what happened to a container, oldest first, in the user's language, and what it used meanwhile. */
export const ToTimeline = v.variant('type', [
  v.object({
    type: v.literal('moments'),
    moments: v.array(MomentView),
    /** Absent of a container that is gone. */
    usage: v.exactOptional(HistoryOfUsage),
    marks: v.exactOptional(v.array(UsageMark)),
  }),
]);
export type ToTimeline = v.InferOutput<typeof ToTimeline>;
