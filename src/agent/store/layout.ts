import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isKind, messageOf } from '../../base/errors.ts';
import { type Descriptor, type Index, type Manifest, mediaTypes } from '../oci/image.ts';
import { readJsonFile, removeStaleTemporaries, writeDurable } from '../sys/durable.ts';
import type { BlobStore } from './blobs.ts';
import {
  type Catalog,
  chainIdsOf,
  emptyCatalog,
  type NamedImage,
  referencesOf,
  type StoredImage,
  withImages,
} from './catalog.ts';
import { parseImageConfig, parseIndex, parseManifest } from './documents.ts';
import { damagedStore } from './errors.ts';
import { familiar, normalized, parseReference, type Reference, withDefaultTag } from './reference.ts';

const names = {
  reference: 'org.opencontainers.image.ref.name',
  whole: 'io.containerd.image.name',
  loaded: 'porthole.loaded',
  hidden: 'porthole.hidden',
  parent: 'porthole.parent',
  source: 'porthole.source',
} as const;

/** A descriptor of the index with what it names. */
export interface Listed {
  readonly descriptor: Descriptor;
  readonly references: readonly Reference[];
}

/**
 * The OCI image layout on disk: `oci-layout` and `index.json`, one descriptor per reference of an image. Other programs may
 * add to the index (`skopeo copy`): what they name is found by `foreign`, and what cannot be understood stays in it.
 */
export class Layout {
  readonly #directory: string;
  /** Descriptors that are none of our images. */
  #others: readonly Descriptor[] = [];
  /** Tells one state of the index file from the next. */
  #seen = '';

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<Layout> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await removeStaleTemporaries(directory);
    await writeDurable(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }), { mode: 0o644 });
    return new Layout(directory);
  }

  async write(catalog: Catalog): Promise<void> {
    const own = [...catalog.images.values()].flatMap((image) => descriptorsOf(catalog, image));
    const index: Index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...own, ...this.#others] };
    await writeDurable(this.#path, `${JSON.stringify(index)}\n`, { mode: 0o644 });
    this.#seen = await this.#state();
  }

  /**
   * @param report is told of an image whose documents cannot be read; the others stay usable.
   * @throws internal when index.json itself is damaged: starting without it would lose every image.
   */
  async read(blobs: BlobStore, report: (problem: string) => void): Promise<Catalog> {
    const state = await this.#state();
    const value = await readJsonFile(this.#path);
    if (value === undefined) return emptyCatalog;
    const found: NamedImage[] = [];
    const others: Descriptor[] = [];
    // An image is named once for each of its references.
    const known = new Map<string, StoredImage>();
    for (const { descriptor, references } of listed(indexOf(value))) {
      try {
        const image = known.get(descriptor.digest) ?? (await readImage(descriptor, blobs));
        known.set(descriptor.digest, image);
        found.push({ image, references });
      } catch (failure) {
        others.push(descriptor);
        report(`image ${descriptor.digest} cannot be read: ${messageOf(failure)}`);
      }
    }
    this.#others = others;
    this.#seen = state;
    return withImages(emptyCatalog, found);
  }

  /** Somebody has written the index since it was last read or written here. */
  async isChanged(): Promise<boolean> {
    return (await this.#state()) !== this.#seen;
  }

  /** What another program has added to the index since it was last read or written; nothing while it is half written. */
  async foreign(catalog: Catalog): Promise<readonly Listed[]> {
    const state = await this.#state();
    if (state === this.#seen) return [];
    let index: Index;
    try {
      index = indexOf(await readJsonFile(this.#path));
    } catch (failure) {
      if (isKind(failure, 'internal')) return [];
      throw failure;
    }
    const own = [...catalog.images.values()].flatMap((image) => descriptorsOf(catalog, image));
    const known = new Set([...listed({ ...index, manifests: [...own, ...this.#others] })].map(keyOf));
    this.#seen = state;
    return [...listed(index)].filter((one) => !known.has(keyOf(one)));
  }

  /** Keeps a descriptor in the index that is none of an image. */
  keep(descriptor: Descriptor): void {
    this.#others = [...this.#others, descriptor];
  }

  get #path(): string {
    return join(this.#directory, 'index.json');
  }

  async #state(): Promise<string> {
    const found = await stat(this.#path, { bigint: true }).catch(() => undefined);
    return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : '';
  }
}

const keyOf = ({ descriptor, references }: Listed): string =>
  [descriptor.digest, ...references.map(normalized)].join(' ');

function listed({ manifests }: Index): Listed[] {
  return manifests.map((descriptor) => ({ descriptor, references: referencesIn(descriptor) }));
}

/** Our own annotation has the whole name; with skopeo an image of a layout may be called anything. */
function referencesIn({ annotations = {} }: Descriptor): Reference[] {
  const name = annotations[names.whole] ?? annotations[names.reference];
  if (name === undefined) return [];
  try {
    return [withDefaultTag(parseReference(name))];
  } catch (failure) {
    if (isKind(failure, 'invalid')) return [];
    throw failure;
  }
}

function indexOf(value: unknown): Index {
  try {
    return parseIndex(Buffer.from(JSON.stringify(value)), 'index.json');
  } catch (failure) {
    throw damagedStore(messageOf(failure), { cause: failure });
  }
}

function descriptorsOf(catalog: Catalog, image: StoredImage): Descriptor[] {
  const base = { mediaType: mediaTypes.manifest, ...image.manifest };
  const own = {
    [names.loaded]: image.loadedAt,
    ...(image.hidden ? { [names.hidden]: 'true' } : {}),
    ...(image.parent === undefined ? {} : { [names.parent]: image.parent }),
    ...(image.source === undefined ? {} : { [names.source]: image.source.digest }),
  };
  const references = referencesOf(catalog, image.id);
  if (references.length === 0) return [{ ...base, annotations: own }];
  return references.map((reference) => ({
    ...base,
    annotations: { ...own, [names.reference]: familiar(reference), [names.whole]: normalized(reference) },
  }));
}

export async function readImage(
  { digest, size, annotations = {} }: Descriptor,
  blobs: BlobStore,
): Promise<StoredImage> {
  const manifest = parseManifest(await blobs.read(digest), digest);
  const config = parseImageConfig(await blobs.read(manifest.config.digest), manifest.config.digest);
  const source = annotations[names.source];
  return imageOf({
    config,
    manifest: { document: manifest, digest, size },
    ...(source !== undefined && { source: await readSource(source, blobs) }),
    loadedAt: annotations[names.loaded] ?? new Date().toISOString(),
    hidden: annotations[names.hidden] === 'true',
    parent: annotations[names.parent],
  });
}

async function readSource(digest: string, blobs: BlobStore): Promise<NonNullable<StoredImage['source']>> {
  const data = await blobs.read(digest);
  return { digest, size: data.length, mediaType: parseManifest(data, digest).mediaType ?? mediaTypes.manifest };
}

export function imageOf(parts: {
  readonly config: StoredImage['config'];
  readonly manifest: { readonly document: Manifest; readonly digest: string; readonly size: number };
  readonly source?: StoredImage['source'];
  readonly loadedAt: string;
  readonly hidden: boolean;
  readonly parent?: string | undefined;
}): StoredImage {
  const { document, digest, size } = parts.manifest;
  return {
    id: document.config.digest,
    config: parts.config,
    manifest: { digest, size },
    ...(parts.source && { source: parts.source }),
    blobs: [digest, document.config.digest, ...document.layers.map((layer) => layer.digest)],
    layerSizes: document.layers.map((layer) => layer.size),
    chainIds: chainIdsOf(parts.config),
    loadedAt: parts.loadedAt,
    hidden: parts.hidden,
    ...(parts.parent === undefined ? {} : { parent: parts.parent }),
  };
}
