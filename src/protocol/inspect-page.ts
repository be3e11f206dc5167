import * as v from 'valibot';

/** What the inspect page and the extension say to each other, beside what all pages do (`pages.ts`). */

/** One line of the summary, in the user's language where it is not the engine's own word. */
const FactView = v.object({
  name: v.string(),
  value: v.string(),
  /** `time`: RFC 3339, said by the page; `code`: for a machine, shown as written. Absent: words. */
  form: v.exactOptional(v.picklist(['time', 'code'])),
  note: v.exactOptional(v.string()),
  /** Something a person should know of. */
  alarming: v.exactOptional(v.literal(true)),
});
export type FactView = v.InferOutput<typeof FactView>;

const SectionView = v.object({ id: v.string(), title: v.string(), facts: v.pipe(v.array(FactView), v.readonly()) });
export type SectionView = v.InferOutput<typeof SectionView>;

/** Extension to the inspect page. */
export const ToInspect = v.variant('type', [
  v.object({
    type: v.literal('described'),
    /** Which engine, which host. */
    where: v.string(),
    sections: v.pipe(v.array(SectionView), v.readonly()),
    /** All that the engine says, as JSON. */
    json: v.string(),
  }),
  /** It was removed: what is shown is how it was last. */
  v.object({ type: v.literal('gone'), message: v.string() }),
]);
export type ToInspect = v.InferOutput<typeof ToInspect>;

/** Inspect page to the extension: all of it as a document of the editor. */
export const FromInspect = v.variant('type', [v.object({ type: v.literal('document') })]);
export type FromInspect = v.InferOutput<typeof FromInspect>;
