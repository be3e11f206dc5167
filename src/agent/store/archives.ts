import { createHash } from 'node:crypto';
import { isKind, PortholeError } from '../../base/errors.ts';
import { type Descriptor, type ImageConfig, type Manifest, mediaTypes } from '../oci/image.ts';
import type { StagedBlob } from './blobs.ts';
import { isIndexType, parseDockerManifest, parseForeignConfig, parseIndex, parseManifest } from './documents.ts';
import { invalidArchive, unsupportedArchive } from './errors.ts';
import { legacyConfig, legacyImages } from './legacy-archive.ts';
import { normalized, parseReference, type Reference, withDefaultTag } from './reference.ts';
import type { SpooledArchive } from './spool.ts';
import type { Bytes } from './streams.ts';

/** An image as an archive describes it: nothing of it is in the store yet. */
export interface ArchivedImage {
  readonly config: ImageConfig;
  readonly configBlob: StagedBlob;
  /** One per layer, bottom first. */
  readonly layers: readonly { readonly diffId: string; readonly blob: StagedBlob }[];
  /** The manifest that came with it; undefined when the store has to write one. */
  readonly manifest?: { readonly document: Manifest; readonly blob: StagedBlob };
  readonly references: readonly Reference[];
}

/** Architecture words of GOARCH, as images use them. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

/** Reads what the archive holds. A `manifest.json` wins, as in Docker: newer `docker save` archives are OCI layouts too. */
export async function describeArchive(archive: SpooledArchive, platform: Platform): Promise<ArchivedImage[]> {
  const images = archive.has('manifest.json')
    ? await dockerImages(archive)
    : archive.has('index.json')
      ? await ociImages(archive, platform)
      : archive.has('repositories')
        ? await oldImages(archive)
        : undefined;
  if (!images) throw invalidArchive('it has neither manifest.json nor index.json, so it is no image archive');
  if (images.length === 0) throw invalidArchive('it holds no image');
  return images;
}

async function dockerImages(archive: SpooledArchive): Promise<ArchivedImage[]> {
  const images: ArchivedImage[] = [];
  for (const item of parseDockerManifest(await archive.document('manifest.json'), 'manifest.json')) {
    const config = await configOf(archive, item.Config);
    const layers = pair(
      config,
      item.Layers.map((name) => archive.file(name)),
    );
    const references = item.RepoTags.map((tag) => taggedReference(tag, 'manifest.json'));
    images.push({ config, configBlob: archive.file(item.Config), layers, references });
  }
  return images;
}

async function oldImages(archive: SpooledArchive): Promise<ArchivedImage[]> {
  const images = new Map<string, ArchivedImage>();
  for (const legacy of await legacyImages((name) => archive.document(name))) {
    const blobs = legacy.layers.map((id) => archive.file(`${id}/layer.tar`));
    const diffIds: string[] = [];
    for (const id of legacy.layers) diffIds.push(await digestOf(archive.unpacked(`${id}/layer.tar`)));
    const { config, data } = legacyConfig(legacy, diffIds);
    const configBlob = await archive.add(data);
    const references = images.get(configBlob.digest)?.references ?? [];
    images.set(configBlob.digest, {
      ...{ config, configBlob, layers: pair(config, blobs) },
      references: [...references, taggedReference(legacy.name, 'repositories')],
    });
  }
  return [...images.values()];
}

async function digestOf(content: Bytes): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

async function ociImages(archive: SpooledArchive, platform: Platform): Promise<ArchivedImage[]> {
  const { manifests } = parseIndex(await archive.document('index.json'), 'index.json');
  const candidates = manifests.filter(isImage);
  const matching = candidates.filter((descriptor) => matches(descriptor, platform));
  const images = new Map<string, ArchivedImage>();
  // An archive that holds only images of another machine is still worth looking at.
  for (const descriptor of matching.length > 0 ? matching : candidates) {
    const image = await ociImage(archive, { descriptor, platform, depth: 0 });
    const references = [...(images.get(image.configBlob.digest)?.references ?? []), ...ociReferences(descriptor)];
    images.set(image.configBlob.digest, { ...image, references });
  }
  return [...images.values()];
}

async function ociImage(
  archive: SpooledArchive,
  at: { readonly descriptor: Descriptor; readonly platform: Platform; readonly depth: number },
): Promise<ArchivedImage> {
  const { descriptor, platform, depth } = at;
  const blob = blobOf(archive, descriptor);
  const name = blobName(descriptor);
  if (isIndexType(descriptor.mediaType)) {
    if (depth >= deepestIndex) throw invalidArchive('its indexes are nested too deeply');
    const { manifests } = parseIndex(await archive.document(name), name);
    const chosen = manifests.filter(isImage).find((inner) => matches(inner, platform));
    if (!chosen) throw unsupportedArchive(`it has no image for ${platform.os}/${platform.architecture}`);
    return await ociImage(archive, { descriptor: chosen, platform, depth: depth + 1 });
  }
  const document = parseManifest(await archive.document(name), name);
  const configBlob = blobOf(archive, document.config);
  const config = await configOf(archive, blobName(document.config));
  const layers = pair(
    config,
    document.layers.map((layer) => blobOf(archive, layer)),
  );
  // A manifest in Docker's own format is written anew, as an OCI layout has only OCI's.
  const isOci = document.config.mediaType === mediaTypes.config;
  return { config, configBlob, layers, references: [], ...(isOci ? { manifest: { document, blob } } : {}) };
}

const deepestIndex = 4;

/** BuildKit keeps its attestations beside the images, for the platform unknown/unknown. */
const isImage = ({ platform, annotations }: Descriptor): boolean =>
  platform?.architecture !== 'unknown' && annotations?.['vnd.docker.reference.type'] === undefined;

const matches = ({ platform }: Descriptor, wanted: Platform): boolean =>
  !platform || (platform.os === wanted.os && platform.architecture === wanted.architecture);

const blobName = ({ digest }: Descriptor): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;

function blobOf(archive: SpooledArchive, descriptor: Descriptor): StagedBlob {
  const blob = archive.file(blobName(descriptor));
  if (blob.digest !== descriptor.digest) {
    throw invalidArchive(`'${blobName(descriptor)}' has the digest ${blob.digest}`);
  }
  if (blob.size !== descriptor.size) {
    throw invalidArchive(
      `'${blobName(descriptor)}' has ${blob.size} bytes, but its descriptor says ${descriptor.size}`,
    );
  }
  return blob;
}

async function configOf(archive: SpooledArchive, name: string): Promise<ImageConfig> {
  const config = parseForeignConfig(await archive.document(name), name);
  if (config.os !== 'linux') throw new PortholeError('unsupported', `cannot load ${config.os} image on linux`);
  return config;
}

function pair(config: ImageConfig, blobs: readonly StagedBlob[]): ArchivedImage['layers'] {
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== blobs.length) {
    throw invalidArchive(`layers length mismatch: expected ${diffIds.length}, got ${blobs.length}`);
  }
  if (diffIds.length > mostLayers) throw invalidArchive(`it has more than ${mostLayers} layers`);
  return blobs.flatMap((blob, position) => {
    const diffId = diffIds[position];
    return diffId === undefined ? [] : [{ diffId, blob }];
  });
}

/** What Docker allows, too: overlayfs stacks up to 500, the options of its mount must fit in a page. */
export const mostLayers = 127;

function taggedReference(text: string, where: string): Reference {
  try {
    return withDefaultTag(parseReference(text));
  } catch (failure) {
    if (!(failure instanceof PortholeError)) throw failure;
    throw invalidArchive(`${where} names an image '${text}': ${failure.message}`, { cause: failure });
  }
}

/** containerd writes the whole name; others put it in the reference name, unless that is only a tag. */
function ociReferences({ annotations = {} }: Descriptor): Reference[] {
  const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'];
  if (name === undefined || !/[:/]/.test(name)) return [];
  try {
    return [withDefaultTag(parseReference(name))];
  } catch (failure) {
    // A name that is no Docker reference is allowed in an OCI layout.
    if (isKind(failure, 'invalid')) return [];
    throw failure;
  }
}

/** For messages. */
export const nameOf = (image: ArchivedImage): string => image.references.map(normalized)[0] ?? image.configBlob.digest;
