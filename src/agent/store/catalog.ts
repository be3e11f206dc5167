import type { ImageConfig } from '../oci/image.ts';
import { ambiguousId, noSuchImage } from './errors.ts';
import { chainIdOf } from './layer-store.ts';
import { familiar, isDigest, normalized, parseReference, type Reference, withDefaultTag } from './reference.ts';

/** An image that the store has. */
export interface StoredImage {
  /** Digest of the config. */
  readonly id: string;
  readonly config: ImageConfig;
  readonly manifest: { readonly digest: string; readonly size: number };
  /** The manifest as its source had it, where an OCI layout cannot name that one: Docker's format. */
  readonly source?: { readonly digest: string; readonly size: number; readonly mediaType: string };
  /** Blobs of the layout's manifest: itself, config, layers. */
  readonly blobs: readonly string[];
  /** Bytes of each layer's blob, bottom first. */
  readonly layerSizes: readonly number[];
  /** Bottom first. */
  readonly chainIds: readonly string[];
  /** RFC 3339 */
  readonly loadedAt: string;
  /** Removed by force while a container needed its layers: kept for that container, shown to nobody. */
  readonly hidden: boolean;
  /** Id of the image that it was committed from, on this host. */
  readonly parent?: string;
}

/** What the store knows. Never changed in place: a new one is written to the disk first and then taken. */
export interface Catalog {
  /** By id. */
  readonly images: ReadonlyMap<string, StoredImage>;
  /** From the normalized reference to the image id. */
  readonly references: ReadonlyMap<string, string>;
}

export const emptyCatalog: Catalog = { images: new Map(), references: new Map() };

export function chainIdsOf(config: Pick<ImageConfig, 'rootfs'>): string[] {
  const chain: string[] = [];
  for (const diffId of config.rootfs.diff_ids) chain.push(chainIdOf(chain.at(-1), diffId));
  return chain;
}

export interface NamedImage {
  readonly image: StoredImage;
  readonly references: readonly Reference[];
}

/** @param options.replace the manifest of an image that is known is replaced: it is the one that a registry has. */
export function withImages(
  catalog: Catalog,
  added: readonly NamedImage[],
  { replace = false }: { readonly replace?: boolean } = {},
): Catalog {
  const images = new Map(catalog.images);
  const references = new Map(catalog.references);
  for (const { image, references: names } of added) {
    const known = images.get(image.id);
    // The first manifest of an image stays: another one only compresses the same layers differently.
    images.set(image.id, known ? { ...known, ...(replace ? manifestOf(image) : {}), hidden: false } : image);
    for (const name of names) references.set(normalized(name), image.id);
  }
  return { images, references };
}

function manifestOf({ manifest, blobs, layerSizes, source }: StoredImage): Partial<StoredImage> {
  return { manifest, blobs, layerSizes, ...(source && { source }) };
}

/** Chain ids that some image needs. */
export const neededLayers = ({ images }: Catalog): Set<string> =>
  new Set([...images.values()].flatMap(({ chainIds }) => chainIds));

/** Digests of the blobs that some image needs. */
export const neededBlobs = ({ images }: Catalog): Set<string> =>
  new Set([...images.values()].flatMap(({ blobs, source }) => (source ? [source.digest, ...blobs] : blobs)));

/** Ids of the images that have each layer, by chain id. Hidden images do not count. */
export function referencesByChain({ images }: Catalog): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { id, chainIds, hidden } of images.values()) {
    if (hidden) continue;
    for (const chainId of chainIds) found.set(chainId, [...(found.get(chainId) ?? []), id]);
  }
  return found;
}

/** References of an image, in the order of their whole names: clients that show one show the first. */
export function referencesOf({ references }: Catalog, imageId: string): Reference[] {
  return [...references]
    .flatMap(([name, id]) => (id === imageId ? [name] : []))
    .sort((left, right) => (left < right ? -1 : 1))
    .map((name) => parseReference(name));
}

/**
 * In Docker's order: a whole id, a reference, the prefix of an id.
 * @throws not-found, or invalid for what is no name or fits several images.
 */
export function findImage(catalog: Catalog, nameOrId: string): StoredImage {
  const visible = (id: string | undefined): StoredImage | undefined => {
    const image = id === undefined ? undefined : catalog.images.get(id);
    return image?.hidden ? undefined : image;
  };
  const id = isDigest(`sha256:${nameOrId}`) ? `sha256:${nameOrId}` : nameOrId;
  if (isDigest(id)) {
    const image = visible(id);
    if (!image) throw noSuchImage(id);
    return image;
  }
  const reference = withDefaultTag(parseReference(nameOrId));
  const named = visible(catalog.references.get(normalized(reference.digest ? withoutTag(reference) : reference)));
  if (named) return named;
  const matches = isIdPrefix(nameOrId) ? [...catalog.images.keys()].filter((key) => startsId(key, nameOrId)) : [];
  const found = matches.flatMap((key) => visible(key) ?? []);
  if (found.length > 1) throw ambiguousId(nameOrId);
  if (!found[0]) throw noSuchImage(familiar(reference));
  return found[0];
}

/** True when a name can only be an image's id: no reference is called so. */
export function isIdOf(catalog: Catalog, name: string): boolean {
  if (isDigest(`sha256:${name}`) || isDigest(name)) return true;
  if (!isIdPrefix(name)) return false;
  const reference = withDefaultTag(parseReference(name));
  if (catalog.references.has(normalized(reference))) return false;
  return [...catalog.images.values()].some(({ id, hidden }) => !hidden && startsId(id, name));
}

/** Ids of the images that were committed from one. */
export const childrenOf = ({ images }: Catalog, imageId: string): string[] =>
  [...images.values()].filter(({ parent, hidden }) => parent === imageId && !hidden).map(({ id }) => id);

/** True when a name is the beginning of this id, and not a reference. */
export const startsId = (id: string, prefix: string): boolean =>
  id.startsWith(prefix.startsWith('sha256:') ? prefix : `sha256:${prefix}`);

/** The digest names the content: a tag beside it says nothing more. */
export function withoutTag({ tag: _tag, ...rest }: Reference): Reference {
  return rest;
}

const isIdPrefix = (text: string): boolean => /^(?:sha256:)?[0-9a-f]{1,64}$/.test(text);
