import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { PortholeError } from '../../base/errors.ts';
import { type Descriptor, mediaTypes } from '../oci/image.ts';
import { findImage, isIdOf, referencesOf, type StoredImage } from './catalog.ts';
import { closeAll, contentOf, holdBlobs, pieceSize } from './content.ts';
import { familiar, familiarName, normalized, parseReference, type Reference, withDefaultTag } from './reference.ts';
import type { Storage } from './storage.ts';
import { buffers, decompressed, isZstd } from './streams.ts';
import { type TarItem, writeTar } from './tar-writer.ts';

/**
 * Images as one archive that both kinds of readers take: an OCI layout (`index.json`) whose blobs a docker-archive's
 * `manifest.json` points at too, as newer dockers write it.
 *
 * @param names references (of a repository without a tag: all its tags) and ids (saved without names).
 * @throws not-found
 */
export async function saveImages(
  storage: Storage,
  names: readonly string[],
): Promise<{ readonly ids: readonly string[]; readonly stream: Readable }> {
  const chosen = choose(storage, names);
  // Held open from now on: an image that is removed meanwhile is still saved whole.
  const blobs = await holdBlobs(storage, new Set(chosen.flatMap(({ image }) => image.blobs)));
  const ids = chosen.map(({ image }) => image.id);
  const pieces = writeTar(entries(chosen, blobs));
  const stream = Readable.from(pieces, { objectMode: false, highWaterMark: pieceSize });
  // Not in the generator: one that nobody has asked for anything is never told of its end.
  stream.once('close', () => void closeAll(blobs));
  return { ids, stream };
}

interface Chosen {
  readonly image: StoredImage;
  readonly references: readonly Reference[];
}

function choose({ catalog }: Storage, names: readonly string[]): Chosen[] {
  const found = new Map<string, { image: StoredImage; references: Reference[] }>();
  const add = (image: StoredImage, references: readonly Reference[]): void => {
    const known = found.get(image.id) ?? { image, references: [] };
    found.set(image.id, known);
    const has = new Set(known.references.map(normalized));
    known.references.push(...references.filter((one) => !has.has(normalized(one))));
  };
  for (const name of names) {
    const parsed = isIdOf(catalog, name) ? undefined : parseReference(name);
    if (parsed === undefined) add(findImage(catalog, name), []);
    else if (parsed.tag !== undefined) {
      const id = catalog.references.get(normalized(parsed));
      const image = id === undefined ? undefined : catalog.images.get(id);
      if (!image || image.hidden) throw new PortholeError('not-found', 'reference does not exist');
      add(image, [parsed]);
    } else if (parsed.digest !== undefined) add(findImage(catalog, name), []);
    else {
      const same = [...catalog.images.values()].flatMap((image) => {
        if (image.hidden) return [];
        const references = referencesOf(catalog, image.id).filter(
          ({ domain, path, tag }) => domain === parsed.domain && path === parsed.path && tag !== undefined,
        );
        return references.length > 0 ? [{ image, references }] : [];
      });
      if (same.length === 0) throw new PortholeError('not-found', `No such image: ${familiar(parsed)}`);
      for (const { image, references } of same) add(image, references);
    }
  }
  return [...found.values()];
}

async function* entries(chosen: readonly Chosen[], blobs: ReadonlyMap<string, FileHandle>): AsyncGenerator<TarItem> {
  yield directory('blobs');
  yield directory('blobs/sha256');
  for (const [digest, handle] of blobs) {
    const { size } = await handle.stat();
    yield { ...plain, name: blobName(digest), size, body: () => contentOf(handle) };
  }
  const plainOf = await unreadable(chosen, blobs);
  for (const [digest, diffId] of plainOf) {
    const handle = blobs.get(digest);
    if (!handle || blobs.has(diffId)) continue;
    const open = () => decompressed(contentOf(handle));
    // The size comes before the content.
    let size = 0;
    for await (const chunk of open()) size += chunk.length;
    yield { ...plain, name: blobName(diffId), size, body: () => buffers(open()) };
  }
  yield document('index.json', indexOf(chosen));
  yield document(
    'manifest.json',
    chosen.map((one) => manifestOf(one, plainOf)),
  );
  yield document('oci-layout', { imageLayoutVersion: '1.0.0' });
  const repositories = repositoriesOf(chosen);
  if (Object.keys(repositories).length > 0) yield document('repositories', repositories);
}

/**
 * Layers that readers of `manifest.json` may not be able to read, with the digest of what is in them: a dockerd before 23
 * knows no zstd.
 */
async function unreadable(
  chosen: readonly Chosen[],
  blobs: ReadonlyMap<string, FileHandle>,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { image } of chosen) {
    for (const [position, digest] of layersOf(image).entries()) {
      const handle = blobs.get(digest);
      const diffId = image.config.rootfs.diff_ids[position];
      if (handle && diffId !== undefined && (await isZstd(handle))) found.set(digest, diffId);
    }
  }
  return found;
}

/** After the manifest and the config. */
const layersOf = ({ blobs }: StoredImage): readonly string[] => blobs.slice(2);

/** The epoch: the same images give the same archive. */
const plain = {
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  link: '',
  major: 0,
  minor: 0,
  xattrs: new Map<string, Buffer>(),
} as const;

const directory = (name: string): TarItem => ({ ...plain, name, type: 'directory', mode: 0o755, size: 0 });

function document(name: string, value: unknown): TarItem {
  const data = Buffer.from(JSON.stringify(value));
  return {
    ...plain,
    name,
    size: data.length,
    body: async function* () {
      yield data;
    },
  };
}

const blobName = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

function indexOf(chosen: readonly Chosen[]): object {
  const manifests = chosen.flatMap(({ image, references }): Descriptor[] => {
    const { architecture, os, variant } = image.config;
    const base: Descriptor = {
      mediaType: mediaTypes.manifest,
      ...image.manifest,
      platform: { architecture, os, ...(variant === undefined ? {} : { variant }) },
    };
    if (references.length === 0) return [base];
    return references.map((reference) => ({
      ...base,
      annotations: {
        'io.containerd.image.name': normalized(reference),
        'org.opencontainers.image.ref.name': reference.tag ?? '',
      },
    }));
  });
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
}

function manifestOf({ image, references }: Chosen, plainOf: ReadonlyMap<string, string>): object {
  const [, config = ''] = image.blobs;
  return {
    Config: blobName(config),
    RepoTags: references.length === 0 ? null : references.map((reference) => familiar(withDefaultTag(reference))),
    Layers: layersOf(image).map((digest) => blobName(plainOf.get(digest) ?? digest)),
  };
}

/** For readers of before 2015: from the name and the tag to the topmost layer. */
function repositoriesOf(chosen: readonly Chosen[]): Record<string, Record<string, string>> {
  const found: Record<string, Record<string, string>> = {};
  for (const { image, references } of chosen) {
    const top = layersOf(image).at(-1)?.replace('sha256:', '') ?? '';
    for (const reference of references) {
      const name = familiarName(reference);
      found[name] = { ...found[name], [reference.tag ?? 'latest']: top };
    }
  }
  return found;
}
