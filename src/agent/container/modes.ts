import { PortholeError } from '../../base/errors.ts';
import type { ContainerConfig, HostConfig } from '../../protocol/docker.ts';
import { invalid } from './errors.ts';

/** The container that a mode such as 'container:web' shares a namespace with; undefined for other modes. */
export function partnerOf(mode: string | undefined): string | undefined {
  return mode?.startsWith('container:') ? mode.slice('container:'.length) : undefined;
}

/**
 * Refuses modes that there are not, and what cannot go together with one, in dockerd's words; what they name must be there.
 *
 * @param idOf the full id of a container. It throws for one that is not there.
 * @returns the modes with names of containers as ids: a rename does not change whom they mean.
 */
export function checkedModes(config: ContainerConfig, host: HostConfig, idOf: (name: string) => string): HostConfig {
  checkNetwork(config, host);
  if (host.UTSMode === 'host' && config.Hostname) throw invalid('conflicting options: hostname and the UTS mode');
  if (!['', 'host'].includes(host.UTSMode ?? '')) throw invalid(`invalid UTS mode: ${host.UTSMode}`);
  if (!['', 'private', 'host'].includes(host.CgroupnsMode ?? '')) {
    throw invalid(`invalid cgroup namespace mode: ${host.CgroupnsMode}`);
  }
  const network = partnerOf(host.NetworkMode);
  const pid = joined(host.PidMode, { kind: 'PID', known: ['', 'host'], idOf });
  const ipc = joined(host.IpcMode, { kind: 'IPC', known: ['', 'none', 'private', 'shareable', 'host'], idOf });
  return {
    ...host,
    ...(network && { NetworkMode: `container:${idOrName(network, idOf)}` }),
    ...(pid && { PidMode: pid }),
    ...(ipc && { IpcMode: ipc }),
  };
}

/** Of a network's container dockerd asks only at the start whether it is there. */
function idOrName(name: string, idOf: (name: string) => string): string {
  try {
    return idOf(name);
  } catch (failure) {
    if (failure instanceof PortholeError) return name;
    throw failure;
  }
}

function joined(
  mode = '',
  options: { readonly kind: string; readonly known: readonly string[]; idOf(name: string): string },
): string {
  const partner = partnerOf(mode);
  if (partner) return `container:${options.idOf(partner)}`;
  if (!options.known.includes(mode)) throw invalid(`invalid ${options.kind} mode: ${mode}`);
  return mode;
}

function checkNetwork(config: ContainerConfig, host: HostConfig): void {
  const mode = host.NetworkMode ?? '';
  const partner = partnerOf(mode);
  const linked = (host.Links?.length ?? 0) > 0;
  if (partner === '') throw invalid('Invalid network mode: invalid container format container:<name|id>');
  if (partner !== undefined) {
    const conflicts: readonly (readonly [isAsked: boolean, what: string])[] = [
      [Boolean(config.Hostname), 'hostname and the network mode'],
      [linked, "container type network can't be used with links. This would result in undefined behavior"],
      [(host.Dns?.length ?? 0) > 0, 'dns and the network mode'],
      [(host.ExtraHosts?.length ?? 0) > 0, 'custom host-to-IP mapping and the network mode'],
      [Boolean(config.MacAddress), 'mac-address and the network mode'],
      [
        host.PublishAllPorts === true || Object.keys(host.PortBindings ?? {}).length > 0,
        'port publishing and the container type network mode',
      ],
      [Object.keys(config.ExposedPorts ?? {}).length > 0, 'port exposing and the container type network mode'],
    ];
    const conflict = conflicts.find(([isAsked]) => isAsked)?.[1];
    if (conflict !== undefined) throw invalid(`conflicting options: ${conflict}`);
  } else if (mode === 'host' && linked) {
    throw invalid(
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
    );
  } else if (!['', 'default', 'bridge', 'none', 'host'].includes(mode)) throw invalid(`network ${mode} not found`);
}
