import type { LayerView } from '../../protocol/layers.ts';
import type { History, RunConfig } from '../oci/image.ts';
import type { ImageRecord, LayerStack } from '../store/contract.ts';
import type { ApiMinor } from './api-version.ts';

/** One entry of `GET /images/json`. */
export function imageSummary(
  image: ImageRecord,
  { minor, shared = -1 }: { readonly minor: ApiMinor; readonly shared?: number },
): object {
  // Before API 1.43 an image without a name had one that says so.
  const isNone = minor < 43 && image.tags.length === 0 && image.digests.length === 0;
  return {
    Id: image.id,
    ParentId: image.parent ?? '',
    RepoTags: isNone ? ['<none>:<none>'] : image.tags,
    RepoDigests: isNone ? ['<none>@<none>'] : image.digests,
    Created: secondsOf(image.created),
    Size: image.size,
    SharedSize: shared,
    // Gone since API 1.44.
    ...(minor < 44 && { VirtualSize: image.size }),
    Labels: image.config.config?.Labels ?? null,
    Containers: -1,
  };
}

/** Images without a name that others were made from are steps on the way. */
export const isStep = ({ tags, digests, hasChildren }: ImageRecord): boolean =>
  tags.length + digests.length === 0 && hasChildren;

/** Bytes of its layers that other images have too. */
export function sharedSize(layers: readonly LayerView[]): number {
  return layers.reduce((sum, { size, sharedBy }) => sum + (sharedBy.length > 0 ? size : 0), 0);
}

/** `GET /images/{name}/json` in the shape of the asked API version. */
export function imageInspect(image: ImageRecord, stack: LayerStack, minor: ApiMinor): object {
  const { config } = image;
  const [top, ...below] = stack.lowers.map((name) => `${stack.base}/${name}`);
  return {
    Id: image.id,
    RepoTags: image.tags,
    RepoDigests: image.digests,
    Parent: image.parent ?? '',
    Comment: config.history?.at(-1)?.comment ?? '',
    // Gone since API 1.45: of the container that a build left the image in.
    ...(minor < 45 && {
      Container: config.container ?? '',
      ContainerConfig: runConfigJson(config.container_config ?? {}),
    }),
    ...createdOf(config.created, minor),
    DockerVersion: '',
    Author: config.author ?? '',
    Config: runConfigJson(config.config ?? {}),
    Architecture: config.architecture,
    ...(config.variant && { Variant: config.variant }),
    Os: config.os,
    Size: image.size,
    ...(minor < 44 && { VirtualSize: image.size }),
    GraphDriver: {
      Data: { ...(below.length > 0 && { LowerDir: below.join(':') }), UpperDir: top ?? '' },
      Name: 'overlay2',
    },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: '0001-01-01T00:00:00Z' },
  };
}

/** An image that does not say when it was made: since API 1.44 neither does this. */
function createdOf(created: string | undefined, minor: ApiMinor): { readonly Created?: string } {
  if (created !== undefined) return { Created: created };
  return minor < 44 ? { Created: '0001-01-01T00:00:00Z' } : {};
}

/** `GET /images/{name}/history`: newest first; steps that made no layer have no size. */
export function imageHistory(
  image: ImageRecord,
  layers: readonly LayerView[],
  /** Images that it was made from, the nearest first. */
  parents: readonly ImageRecord[] = [],
): object[] {
  const steps: readonly History[] = image.config.history ?? [];
  const sizes = layers.map(({ size }) => size);
  const rows =
    steps.length > 0
      ? steps.map((step) => ({ step, size: step.empty_layer === true ? 0 : (sizes.shift() ?? 0) }))
      : layers.map(({ size }) => ({ step: nothingKnown, size }));
  const made = [image, ...parents];
  return rows.reverse().map(({ step, size }, position) => ({
    Id: made[position]?.id ?? '<missing>',
    Created: secondsOf(step.created ?? ''),
    CreatedBy: step.created_by ?? '',
    Tags: made[position]?.tags.length ? made[position].tags : null,
    Size: size,
    Comment: step.comment ?? '',
  }));
}

const nothingKnown: History = {};

function runConfigJson(config: RunConfig & { readonly Hostname?: string }): object {
  return {
    Hostname: config.Hostname ?? '',
    Domainname: '',
    User: config.User ?? '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...(config.ExposedPorts && { ExposedPorts: config.ExposedPorts }),
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: config.Env ?? null,
    Cmd: config.Cmd ?? null,
    ...(config.Healthcheck && { Healthcheck: config.Healthcheck }),
    ...(config.ArgsEscaped === true && { ArgsEscaped: true }),
    Image: config.Image ?? '',
    Volumes: config.Volumes ?? null,
    WorkingDir: config.WorkingDir ?? '',
    Entrypoint: config.Entrypoint ?? null,
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels ?? null,
    ...(config.StopSignal && { StopSignal: config.StopSignal }),
    ...(config.Shell && { Shell: config.Shell }),
  };
}

/** Whole seconds since the epoch; 0 for what is no date. */
function secondsOf(date: string): number {
  const milliseconds = Date.parse(date);
  return Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000);
}
