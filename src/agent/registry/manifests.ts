import { createHash } from 'node:crypto';
import { messageOf, PortholeError } from '../../base/errors.ts';
import { type Descriptor, type ImageConfig, type Index, type Manifest, mediaTypes } from '../oci/image.ts';
import { isIndexType, parseForeignConfig, parseIndex, parseManifest } from '../store/documents.ts';
import type { Reference } from '../store/reference.ts';
import { patience } from './auth.ts';
import { brokenImage, registryFailure, unsupportedImage } from './errors.ts';
import { bestFor, platformText, type WantedPlatform } from './platforms.ts';
import type { Session } from './session.ts';

export const dockerTypes = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  list: 'application/vnd.docker.distribution.manifest.list.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar',
  layerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  layerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
} as const;

const schema1 = [
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
];
const accepted = [dockerTypes.manifest, dockerTypes.list, mediaTypes.manifest, mediaTypes.index, ...schema1].join(', ');

/** As the distribution project has it. */
const largestManifest = 4 * 1024 * 1024;
const largestConfig = 8 * 1024 * 1024;
const deepestIndex = 4;
const mostManifests = 1000;
/** What Docker allows, too. */
const mostLayers = 127;

/** A document as the registry has it. */
export interface Document {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

/** What a registry has under a name, down to the image of one platform. */
export interface ResolvedImage {
  /** Of what the name means: an index or a manifest. */
  readonly digest: string;
  readonly manifest: Document & { readonly parsed: Manifest };
}

/** The document of a name. @throws invalid when its digest is another one than what was asked for or is announced */
export async function fetchDocument(
  session: Session,
  {
    path,
    reference,
    size,
    signal,
  }: { readonly path: string; readonly reference: string; readonly size?: number; readonly signal: AbortSignal },
): Promise<Document> {
  const ask = { headers: { Accept: accepted }, deadline: patience, signal };
  const isDigest = reference.includes(':');
  const wanted = isDigest ? reference : ((await digestOfTag(session, { ...ask, path, tag: reference })) ?? reference);
  const { headers, body } = await session.document(
    { ...ask, method: 'GET', path: `/v2/${path}/manifests/${wanted}` },
    largestManifest,
  );
  const digest = digestOf(body);
  const announced = headers['docker-content-digest'];
  const expected = wanted.includes(':') ? wanted : typeof announced === 'string' ? announced : digest;
  if (expected !== digest && expected.startsWith('sha256:')) {
    throw brokenImage(`manifest verification failed for digest ${expected}: it has the digest ${digest}`);
  }
  if (size !== undefined && size !== body.length) {
    throw brokenImage(`manifest ${digest} has ${body.length} bytes, but its index says ${size}`);
  }
  return { digest, bytes: body, mediaType: mediaTypeOf(headers['content-type'], body) };
}

/** What a tag means, asked without its content; undefined where a registry does not say. */
async function digestOfTag(
  session: Session,
  {
    path,
    tag,
    ...ask
  }: { path: string; tag: string; headers: Record<string, string>; deadline: number; signal: AbortSignal },
): Promise<string | undefined> {
  const refusals = Array.from({ length: 200 }, (_, at) => at + 400);
  const answer = await session.send({ ...ask, method: 'HEAD', path: `/v2/${path}/manifests/${tag}` }, refusals);
  answer.body.destroy();
  const digest = answer.headers['docker-content-digest'];
  return answer.status === 200 && typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest)
    ? digest
    : undefined;
}

/** @throws unsupported for formats that are not read here, and for an index without the platform */
export async function resolveImage(
  session: Session,
  given: {
    readonly path: string;
    readonly reference: Reference;
    readonly platform: WantedPlatform;
    /** The name means something, whether that is for the platform or not. */
    readonly found?: () => void;
    readonly signal: AbortSignal;
  },
): Promise<ResolvedImage> {
  const { path, reference, platform, signal } = given;
  const first = await fetchDocument(session, {
    path,
    reference: reference.digest ?? reference.tag ?? 'latest',
    signal,
  });
  given.found?.();
  let document = first;
  const seen = new Set([first.digest]);
  for (let depth = 0; isIndexType(document.mediaType); depth++) {
    if (depth >= deepestIndex) throw brokenImage(`the indexes of ${first.digest} are nested too deeply`);
    const { manifests } = readIndex(document);
    const chosen = chooseManifest(manifests, platform);
    // By digest nothing can hold itself; a registry that lies about digests is found out when it is asked.
    if (seen.has(chosen.digest)) throw brokenImage(`index ${document.digest} leads back to ${chosen.digest}`);
    seen.add(chosen.digest);
    document = await fetchDocument(session, { path, reference: chosen.digest, size: chosen.size, signal });
  }
  return { digest: first.digest, manifest: { ...document, parsed: readManifest(document) } };
}

function chooseManifest(manifests: readonly Descriptor[], platform: WantedPlatform): Descriptor {
  const chosen = bestFor(platform, manifests) ?? manifests.find((one) => isIndexType(one.mediaType) && !one.platform);
  if (chosen) return chosen;
  throw new PortholeError(
    'not-found',
    `no matching manifest for ${platformText(platform)} in the manifest list entries`,
  );
}

export function readIndex(document: Document): Index {
  const index = readDocument(document, parseIndex);
  if (index.manifests.length > mostManifests) {
    throw brokenImage(`index ${document.digest} lists more than ${mostManifests} manifests`);
  }
  return index;
}

export function readManifest(document: Document): Manifest {
  const { mediaType, digest } = document;
  if (schema1.includes(mediaType)) {
    throw unsupportedImage(
      `manifest ${digest} has the format Docker Image v2, schema 1, which registries and engines gave up: push the image again with a newer docker`,
    );
  }
  if (mediaType !== dockerTypes.manifest && mediaType !== mediaTypes.manifest) {
    throw unsupportedImage(`manifest ${digest} has the format ${JSON.stringify(mediaType)}, which is not known here`);
  }
  const manifest = readDocument(document, parseManifest);
  const { mediaType: configType } = manifest.config;
  if (configType !== dockerTypes.config && configType !== mediaTypes.config) {
    throw unsupportedImage(
      `manifest ${digest} is of no container image: its config has the type ${JSON.stringify(configType)}`,
    );
  }
  if (manifest.layers.length > mostLayers) throw brokenImage(`manifest ${digest} has more than ${mostLayers} layers`);
  for (const { digest: layer, mediaType: type } of manifest.layers) {
    if (!layerTypes.has(type)) {
      throw unsupportedImage(`layer ${layer} has the type ${JSON.stringify(type)}, which is not known here`);
    }
  }
  return manifest;
}

/** The config that a manifest names, verified. */
export async function fetchConfig(
  session: Session,
  { path, manifest, signal }: { readonly path: string; readonly manifest: Manifest; readonly signal: AbortSignal },
): Promise<{ readonly bytes: Buffer; readonly parsed: ImageConfig }> {
  const { digest, size } = manifest.config;
  if (size > largestConfig) throw brokenImage(`config ${digest} is larger than ${largestConfig} bytes`);
  const ask = { method: 'GET', path: `/v2/${path}/blobs/${digest}`, signal } as const;
  const { body } = await session.document(ask, largestConfig);
  const actual = digestOf(body);
  if (actual !== digest) throw brokenImage(`image config verification failed for digest ${digest}: it has ${actual}`);
  if (body.length !== size)
    throw brokenImage(`config ${digest} has ${body.length} bytes, but its manifest says ${size}`);
  const parsed = readDocument({ digest, bytes: body, mediaType: manifest.config.mediaType }, parseForeignConfig);
  if (parsed.os !== 'linux')
    throw unsupportedImage(`image operating system ${JSON.stringify(parsed.os)} cannot be used on this platform`);
  const [layers, diffIds] = [manifest.layers.length, parsed.rootfs.diff_ids.length];
  if (layers !== diffIds) {
    throw brokenImage(`layers length mismatch: the manifest has ${layers}, config ${digest} has ${diffIds}`);
  }
  return { bytes: body, parsed };
}

function readDocument<T>({ bytes, digest }: Document, parse: (data: Buffer, what: string) => T): T {
  try {
    return parse(bytes, digest);
  } catch (failure) {
    throw brokenImage(`the registry's document is broken: ${messageOf(failure)}`, { cause: failure });
  }
}

const layerTypes: ReadonlySet<string> = new Set([
  ...[dockerTypes.layer, dockerTypes.layerGzip, dockerTypes.layerZstd],
  ...[mediaTypes.layer, mediaTypes.layerGzip, mediaTypes.layerZstd],
]);

/** The header's word; a document that names its own type has to mean the same. */
function mediaTypeOf(header: string | undefined, body: Buffer): string {
  const given = (header ?? '').split(';')[0]?.trim() ?? '';
  let own: unknown;
  try {
    own = Object(JSON.parse(body.toString('utf8'))).mediaType;
  } catch (failure) {
    throw registryFailure(`the registry's manifest is not JSON (${messageOf(failure)})`, { cause: failure });
  }
  if (typeof own === 'string' && own !== '' && own !== given && known.has(given)) {
    throw brokenImage(`the registry says that the manifest is ${given}, but the manifest says that it is ${own}`);
  }
  return typeof own === 'string' && own !== '' ? own : given;
}

const known: ReadonlySet<string> = new Set([
  dockerTypes.manifest,
  dockerTypes.list,
  mediaTypes.manifest,
  mediaTypes.index,
]);

export const digestOf = (data: Buffer | string): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;
