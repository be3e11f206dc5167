import * as v from 'valibot';
import { messageOf } from '../../base/errors.ts';
import { type ImageConfig, type Index, type Manifest, mediaTypes } from '../oci/image.ts';
import { invalidArchive } from './errors.ts';

/** The JSON documents of an archive, checked. Go writers put null where something is absent: it reads as absent. */
export const parseImageConfig = (data: Buffer, what: string): ImageConfig => parse(ImageConfigSchema, data, what);
export const parseManifest = (data: Buffer, what: string): Manifest => parse(ManifestSchema, data, what);
export const parseIndex = (data: Buffer, what: string): Index => parse(IndexSchema, data, what);
export const parseDockerManifest = (data: Buffer, what: string): DockerManifest =>
  parse(DockerManifestSchema, data, what);

/** A config that comes from outside. @throws invalid when its history made more layers than there are. */
export function parseForeignConfig(data: Buffer, what: string): ImageConfig {
  const config = parseImageConfig(data, what);
  const steps = (config.history ?? []).filter(({ empty_layer }) => !empty_layer).length;
  if (steps > config.rootfs.diff_ids.length)
    throw invalidArchive(`${what}: too many non-empty layers in History section`);
  return config;
}

/** `manifest.json` of a docker-archive. */
export type DockerManifest = v.InferOutput<typeof DockerManifestSchema>;

export const isIndexType = (mediaType: string): boolean =>
  mediaType === mediaTypes.index || mediaType === 'application/vnd.docker.distribution.manifest.list.v2+json';

/** The config of an image in Docker's format, whose manifest an OCI layout does not name. */
export const isDockerConfigType = (mediaType: string): boolean =>
  mediaType === 'application/vnd.docker.container.image.v1+json';

/** The OCI type of a layer. */
export function layerTypeOf(mediaType: string): string {
  const types: Readonly<Record<string, string>> = {
    'application/vnd.docker.image.rootfs.diff.tar': mediaTypes.layer,
    'application/vnd.docker.image.rootfs.diff.tar.gzip': mediaTypes.layerGzip,
    'application/vnd.docker.image.rootfs.diff.tar.zstd': mediaTypes.layerZstd,
  };
  return types[mediaType] ?? mediaType;
}

const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'is not a sha256 digest'));
const texts = v.array(v.string());
const labels = v.record(v.string(), v.string());
const set = v.record(v.string(), v.looseObject({}));

const DescriptorSchema = v.object({
  mediaType: v.string(),
  digest,
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  annotations: v.exactOptional(labels),
  platform: v.exactOptional(
    v.object({ os: v.string(), architecture: v.string(), variant: v.exactOptional(v.string()) }),
  ),
});

const ManifestSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.exactOptional(v.string()),
  config: DescriptorSchema,
  layers: v.array(DescriptorSchema),
  annotations: v.exactOptional(labels),
});

const IndexSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.exactOptional(v.string()),
  manifests: v.array(DescriptorSchema),
});

const DockerManifestSchema = v.array(
  v.object({ Config: v.string(), RepoTags: v.optional(texts, []), Layers: v.optional(texts, []) }),
);

const HealthcheckSchema = v.object({
  Test: v.exactOptional(texts),
  Interval: v.exactOptional(v.number()),
  Timeout: v.exactOptional(v.number()),
  StartPeriod: v.exactOptional(v.number()),
  StartInterval: v.exactOptional(v.number()),
  Retries: v.exactOptional(v.number()),
});

const RunConfigSchema = v.object({
  User: v.exactOptional(v.string()),
  ExposedPorts: v.exactOptional(set),
  Env: v.exactOptional(texts),
  Entrypoint: v.exactOptional(texts),
  Cmd: v.exactOptional(texts),
  Volumes: v.exactOptional(set),
  WorkingDir: v.exactOptional(v.string()),
  Labels: v.exactOptional(labels),
  StopSignal: v.exactOptional(v.string()),
  Healthcheck: v.exactOptional(HealthcheckSchema),
  OnBuild: v.exactOptional(texts),
  Shell: v.exactOptional(texts),
  ArgsEscaped: v.exactOptional(v.boolean()),
  Image: v.exactOptional(v.string()),
});

const HistorySchema = v.object({
  created: v.exactOptional(v.string()),
  created_by: v.exactOptional(v.string()),
  author: v.exactOptional(v.string()),
  comment: v.exactOptional(v.string()),
  empty_layer: v.exactOptional(v.boolean()),
});

const ImageConfigSchema = v.object({
  created: v.exactOptional(v.string()),
  author: v.exactOptional(v.string()),
  architecture: v.string(),
  variant: v.exactOptional(v.string()),
  os: v.string(),
  config: v.exactOptional(RunConfigSchema),
  container: v.exactOptional(v.string()),
  container_config: v.exactOptional(v.object({ ...RunConfigSchema.entries, Hostname: v.exactOptional(v.string()) })),
  rootfs: v.object({ type: v.literal('layers'), diff_ids: v.optional(v.array(digest), []) }),
  history: v.exactOptional(v.array(HistorySchema)),
});

/** @param what for messages. @throws invalid */
export function parse<S extends v.GenericSchema>(schema: S, data: Buffer, what: string): v.InferOutput<S> {
  let value: unknown;
  try {
    value = withoutNulls(JSON.parse(data.toString('utf8')));
  } catch (failure) {
    throw invalidArchive(`${what} is not JSON (${messageOf(failure)})`, { cause: failure });
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw invalidArchive(`${what}: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([key, inner]) => [key, withoutNulls(inner)]),
  );
}
