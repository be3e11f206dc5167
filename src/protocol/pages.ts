import * as v from 'valibot';

/**
 * What every page and the extension say to each other, whatever the page shows. What only one page says stands beside it
 * (`panels.ts` and others). Both sides check what arrives: a message of an older page that VS Code restored must not break
 * a newer extension.
 *
 * ```
 * page                          extension
 *   | ready ---------------------> |
 *   | <-------------------- start  |  subject, words, language
 *   | <--------------------- busy  |  something is being read
 *   | <--- what the page shows --- |  or `problem`: why it cannot be shown
 * ```
 */

/** What a page is about: an object of an engine. Kept with `setState`, so that VS Code can open it again after a restart. */
export const PanelSubject = v.object({
  host: v.string(),
  engine: v.picklist(['porthole', 'docker', 'podman']),
  /** Of a container, an image or a volume. '' for the host itself. */
  id: v.string(),
  /** What it is, where that does not follow from the page. */
  object: v.exactOptional(v.picklist(['container', 'image', 'volume'])),
  name: v.string(),
});
export type PanelSubject = v.InferOutput<typeof PanelSubject>;

/** Extension to every page. */
export const ToPage = v.variant('type', [
  /** `texts` are the page's words in the user's language, by their English. */
  v.object({
    type: v.literal('start'),
    subject: PanelSubject,
    texts: v.record(v.string(), v.string()),
    locale: v.string(),
  }),
  /** Until the page is sent something else. */
  v.object({ type: v.literal('busy') }),
  /** In the user's language. What the page shows already stays. */
  v.object({ type: v.literal('problem'), message: v.string() }),
]);
export type ToPage = v.InferOutput<typeof ToPage>;

/** Every page to the extension. */
export const FromPage = v.variant('type', [
  v.object({ type: v.literal('ready') }),
  v.object({ type: v.literal('refresh') }),
  v.object({ type: v.literal('copy'), text: v.pipe(v.string(), v.maxLength(10_000_000)) }),
  /** Into a file that the user chooses; `name` is what it is called when nobody says otherwise. */
  v.object({
    type: v.literal('save'),
    name: v.pipe(v.string(), v.regex(/^[\w.-]{1,200}$/)),
    text: v.pipe(v.string(), v.maxLength(10_000_000)),
  }),
]);
export type FromPage = v.InferOutput<typeof FromPage>;
