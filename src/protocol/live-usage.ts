import * as v from 'valibot';

/**
 * A line of `GET /porthole/v1/usage?interval=MS`: running containers that use another amount than they were said to, by as
 * much as anybody would see. The first line has all of them.
 */
export const LiveUsagesSchema = v.array(
  v.object({
    /** Of the container, whole. */
    id: v.string(),
    /** Of one CPU. */
    cpuPercent: v.number(),
    /** Bytes, without the file pages that can be dropped at once, as `docker stats` prints them. */
    memory: v.number(),
    memoryLimit: v.exactOptional(v.number()),
  }),
);
export type LiveUsages = v.InferOutput<typeof LiveUsagesSchema>;
