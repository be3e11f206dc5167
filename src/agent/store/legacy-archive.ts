import * as v from 'valibot';
import type { History, ImageConfig } from '../oci/image.ts';
import { parse, parseImageConfig } from './documents.ts';
import { invalidArchive } from './errors.ts';

/**
 * Images before 2015 (v1.2 of Docker's own specification): `repositories` leads from a name and a tag to the topmost layer,
 * and each layer has a directory with `json`, which names the layer below, and `layer.tar`.
 */
export interface LegacyImage {
  readonly name: string;
  /** Directories of its layers, bottom first. */
  readonly layers: readonly string[];
  /** What `json` of each of them says. */
  readonly documents: readonly LegacyDocument[];
  /** That of the topmost layer, as it is. */
  readonly top: Buffer;
}

const DocumentSchema = v.object({
  parent: v.optional(v.string(), ''),
  created: v.exactOptional(v.string()),
  author: v.exactOptional(v.string()),
  comment: v.exactOptional(v.string()),
  container_config: v.exactOptional(v.object({ Cmd: v.exactOptional(v.array(v.string())) })),
});
type LegacyDocument = v.InferOutput<typeof DocumentSchema>;

const RepositoriesSchema = v.record(v.string(), v.record(v.string(), v.string()));

/** @param read gives a document of the archive. @throws invalid for a chain without end or what is no such archive */
export async function legacyImages(read: (name: string) => Promise<Buffer>): Promise<LegacyImage[]> {
  const repositories = parse(RepositoriesSchema, await read('repositories'), 'repositories');
  const found: LegacyImage[] = [];
  for (const [repository, tags] of Object.entries(repositories)) {
    for (const [tag, top] of Object.entries(tags)) {
      found.push({ name: `${repository}:${tag}`, ...(await chain(top, read)) });
    }
  }
  return found;
}

async function chain(top: string, read: (name: string) => Promise<Buffer>): Promise<Omit<LegacyImage, 'name'>> {
  const layers: string[] = [];
  const documents: LegacyDocument[] = [];
  let first: Buffer | undefined;
  for (let id = top; id !== ''; ) {
    if (!/^[0-9a-f]{64}$/.test(id)) throw invalidArchive(`'${id}' is no id of a layer`);
    if (layers.includes(id)) throw invalidArchive(`layer ${id} lies on itself`);
    if (layers.length >= deepest) throw invalidArchive(`it has more than ${deepest} layers`);
    const data = await read(`${id}/json`);
    const document = parse(DocumentSchema, data, `${id}/json`);
    first ??= data;
    layers.unshift(id);
    documents.unshift(document);
    id = document.parent;
  }
  return { layers, documents, top: first ?? Buffer.from('{}') };
}

const deepest = 127;

/** What only that format has. */
const dropped = new Set(['id', 'parent', 'Size', 'parent_id', 'layer_id', 'throwaway']);

/**
 * The config that dockerd makes of it, byte by byte: its digest is the image's id.
 * @param diffIds of the layers, bottom first.
 */
export function legacyConfig(
  { documents, top }: LegacyImage,
  diffIds: readonly string[],
): { readonly config: ImageConfig; readonly data: Buffer } {
  const history = documents.map(historyOf);
  const own = Object.entries(JSON.parse(top.toString('utf8'))).filter(([key]) => !dropped.has(key));
  const whole = { ...Object.fromEntries(own), rootfs: { type: 'layers', diff_ids: diffIds }, history };
  const sorted = Object.fromEntries(Object.entries(whole).sort(([left], [right]) => (left < right ? -1 : 1)));
  const data = Buffer.from(asGoWrites(sorted));
  return { config: parseImageConfig(data, 'the config of its topmost layer'), data };
}

function historyOf({ created, author, comment, container_config }: LegacyDocument): History {
  const command = (container_config?.Cmd ?? []).join(' ');
  return {
    created: created ?? '0001-01-01T00:00:00Z',
    ...(author && { author }),
    ...(command !== '' && { created_by: command }),
    ...(comment && { comment }),
  };
}

const asGoWrites = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
