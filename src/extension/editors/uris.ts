import * as v from 'valibot';

export const scheme = 'porthole';

/**
 * What a `porthole:` URI shows. The path of the URI is the file's own path, so that editors know its language and
 * name; what identifies the content is JSON in the query.
 */
const Source = v.variant('kind', [
  /** A file as one layer stores it, or as layers 0..position show it together. */
  v.object({
    kind: v.literal('file'),
    host: v.string(),
    engine: v.optional(v.picklist(['porthole', 'docker', 'podman']), 'porthole'),
    image: v.string(),
    position: v.pipe(v.number(), v.integer(), v.minValue(0)),
    from: v.picklist(['layer', 'merged']),
    path: v.string(),
    size: v.number(),
    /** Seconds since the epoch. */
    mtime: v.number(),
  }),
  /** Fixed text: a link's target, a device's numbers, or nothing at all. */
  v.object({ kind: v.literal('text'), text: v.string() }),
  /** Text that this window keeps, by its number. */
  v.object({ kind: v.literal('kept'), id: v.string() }),
  /** What an image was made with, as a table. */
  v.object({
    kind: v.literal('history'),
    host: v.string(),
    engine: v.picklist(['porthole', 'docker', 'podman']),
    id: v.string(),
  }),
  /** What an engine says about an object, as JSON. */
  v.object({
    kind: v.literal('inspect'),
    host: v.string(),
    engine: v.picklist(['porthole', 'docker', 'podman']),
    object: v.picklist(['container', 'image', 'volume']),
    id: v.string(),
  }),
]);
export type Source = v.InferOutput<typeof Source>;

/** The parts of a URI; `Uri.from` takes them as they are. */
export function uriParts(path: string, source: Source): { scheme: string; path: string; query: string } {
  return { scheme, path: path.startsWith('/') ? path : `/${path}`, query: JSON.stringify(source) };
}

/** Undefined for a query that is not ours. */
export function parseSource(query: string): Source | undefined {
  try {
    const result = v.safeParse(Source, JSON.parse(query));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
