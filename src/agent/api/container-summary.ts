import type { ContainerRecord, HealthState, MountPoint } from '../container/contract.ts';
import type { ApiMinor } from './api-version.ts';
import { humanDuration } from './human-duration.ts';
import { endpointOf } from './networks.ts';

/** Bytes of a container's own files and of everything it sees. */
export interface ContainerSizes {
  readonly rw: number;
  readonly rootFs: number;
}

/** One entry of `GET /containers/json`. */
export function containerSummary(
  record: ContainerRecord,
  options: { readonly now: Date; readonly image: string; readonly minor: ApiMinor; readonly sizes?: ContainerSizes },
): object {
  const { sizes } = options;
  return {
    Id: record.id,
    Names: [`/${record.name}`],
    Image: options.image,
    ImageID: record.imageId,
    Command: commandLine(record),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: [],
    ...(sizes !== undefined && { ...(sizes.rw > 0 && { SizeRw: sizes.rw }), SizeRootFs: sizes.rootFs }),
    Labels: record.config.Labels ?? {},
    State: record.state.status,
    Status: statusWords(record, options.now),
    HostConfig: {
      NetworkMode: record.hostConfig.NetworkMode ?? 'default',
      ...(options.minor >= 46 && record.hostConfig.Annotations && { Annotations: record.hostConfig.Annotations }),
    },
    NetworkSettings: { Networks: endpointOf(record, options.minor) },
    Mounts: record.mounts.map(mountJson),
  };
}

/** The words of the STATUS column, for example 'Exited (3) 5 minutes ago'. */
export function statusWords(record: ContainerRecord, now: Date): string {
  const { state } = record;
  const since = (when: string): string => humanDuration((now.getTime() - Date.parse(when)) / 1000);
  switch (state.status) {
    case 'created':
      return 'Created';
    case 'running':
      return `Up ${since(state.startedAt)}${healthWords(state.health?.status)}`;
    case 'paused':
      return `Up ${since(state.startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'exited':
      // Never started, as after a program that could not be executed, reads "Created" in dockerd too.
      return state.finishedAt.startsWith('0001-')
        ? 'Created'
        : `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
  }
}

function healthWords(status: HealthState['status'] | undefined): string {
  if (status === undefined) return '';
  return status === 'starting' ? ' (health: starting)' : ` (${status})`;
}

export function mountJson(mount: MountPoint): object {
  return {
    Type: mount.Type,
    ...(mount.Name !== undefined && { Name: mount.Name }),
    Source: mount.Source,
    Destination: mount.Destination,
    ...(mount.Driver !== undefined && { Driver: mount.Driver }),
    Mode: mount.Mode,
    RW: mount.RW,
    Propagation: mount.Propagation,
  };
}

function commandLine(record: ContainerRecord): string {
  return [record.path, ...record.args.map((argument) => (argument.includes(' ') ? `'${argument}'` : argument))].join(
    ' ',
  );
}
