import * as v from 'valibot';

/** What the page of logs is sent. */

const LogLineSchema = v.object({
  /** Milliseconds since the epoch; 0: the engine did not say. */
  at: v.number(),
  /** Which of the page's containers, by its place in `sources`. */
  source: v.number(),
  stream: v.picklist(['stdout', 'stderr']),
  /** As the program wrote it, escape sequences and all, cut at `longestLine`. */
  text: v.string(),
});
export type LogLine = v.InferOutput<typeof LogLineSchema>;

/** Characters of a line that are shown. */
export const longestLine = 10_000;
/** Lines that a page keeps; older ones go. */
export const mostLines = 20_000;

export const ToLogs = v.variant('type', [
  /** From the beginning: what was shown goes. Names of the containers, in order. */
  v.object({ type: v.literal('sources'), names: v.array(v.string()) }),
  /** `skipped` lines came faster than anybody could read them, before these. */
  v.object({ type: v.literal('lines'), lines: v.array(LogLineSchema), skipped: v.number() }),
  /** Why nothing more comes from a container, in the user's language. */
  v.object({ type: v.literal('over'), message: v.string() }),
]);
export type ToLogs = v.InferOutput<typeof ToLogs>;
