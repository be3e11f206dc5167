import * as v from 'valibot';
import { directorySchema, mergedListSchema, versionsSchema, wasteSchema } from './layer-schemas.ts';

/** What the layers page and the extension say to each other, beside what all pages do (`pages.ts`). */

/** One layer as the page shows it, bottom first. */
const LayerRow = v.object({
  position: v.number(),
  /** Without what a builder puts around it; never ''. */
  instruction: v.string(),
  /** RFC 3339 */
  created: v.exactOptional(v.string()),
  /** Bytes of files, and of the blob as stored. */
  size: v.number(),
  blobSize: v.number(),
  entries: v.number(),
  deletions: v.number(),
  /** Names of the other images that have it. */
  sharedBy: v.pipe(v.array(v.string()), v.readonly()),
  digest: v.string(),
  /** It is a container's own: not in any image, `created` is when it was read. */
  own: v.exactOptional(v.literal(true)),
});
export type LayerRow = v.InferOutput<typeof LayerRow>;

/** What a text or a kind finds in a layer: changed paths, in order. */
const Found = v.object({ rows: directorySchema.entries.rows, total: v.number() });

const question = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Extension to the layers page. An answer has the number of its question. */
export const ToLayers = v.variant('type', [
  v.object({ type: v.literal('stack'), layers: v.array(LayerRow), tags: v.array(v.string()) }),
  v.object({ type: v.literal('directory'), question, directory: directorySchema }),
  v.object({ type: v.literal('merged'), question, entries: mergedListSchema }),
  v.object({ type: v.literal('found'), question, found: Found }),
  v.object({ type: v.literal('versions'), question, versions: versionsSchema }),
  v.object({ type: v.literal('waste'), question, waste: wasteSchema }),
  v.object({ type: v.literal('refused'), question, message: v.string() }),
]);
export type ToLayers = v.InferOutput<typeof ToLayers>;

const position = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(99_999));
const path = v.pipe(v.string(), v.maxLength(100_000));

/** Layers page to the extension. */
export const FromLayers = v.variant('type', [
  v.object({ type: v.literal('directory'), question, position, path, after: path }),
  v.object({ type: v.literal('merged'), question, path, after: path }),
  v.object({ type: v.literal('find'), question, position, text: v.pipe(v.string(), v.maxLength(1000)) }),
  v.object({ type: v.literal('versions'), question, path }),
  v.object({ type: v.literal('waste'), question }),
  /** A file of the layer at `position` beside: what lies below, the next layer that touched it, another image, a container; or alone. */
  v.object({
    type: v.literal('open'),
    position,
    path,
    beside: v.picklist(['below', 'above', 'image', 'container', 'nothing']),
  }),
  /** All files that a layer changed, in one editor. */
  v.object({ type: v.literal('changes'), position }),
]);
export type FromLayers = v.InferOutput<typeof FromLayers>;

/** Rows of one answer. */
export const pageSize = 5_000;
/** Rows that a search shows. */
export const mostFound = 2_000;
