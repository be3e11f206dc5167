import type { LayerView } from '../../protocol/layers.ts';
import type { History, RunConfig } from '../oci/image.ts';
import type { ImageRecord, LayerStack } from '../store/contract.ts';
import type { ApiMinor } from './api-version.ts';

/** One entry of `GET /images/json`. */
export function imageSummary(
  image: ImageRecord,
  options: { readonly minor: ApiMinor; readonly shared?: number },
): object {
  return {
    Id: image.id,
    ParentId: image.parent ?? '',
    RepoTags: image.tags,
    RepoDigests: image.digests,
    Created: secondsOf(image.created),
    Size: image.size,
    SharedSize: options.shared ?? -1,
    // Gone since API 1.44.
    ...(options.minor < 44 && { VirtualSize: image.size }),
    Labels: image.config.config?.Labels ?? null,
    Containers: -1,
  };
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
    ...(minor < 45 && { Container: '', ContainerConfig: runConfigJson({}) }),
    Created: image.created,
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

function runConfigJson(config: RunConfig): object {
  return {
    Hostname: '',
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
    Image: '',
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
