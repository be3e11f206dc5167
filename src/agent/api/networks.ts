import { createHash } from 'node:crypto';
import type { ContainerRecord } from '../container/contract.ts';
import type { ApiMinor } from './api-version.ts';

/** The networks that are always there; the engine has no others yet. */
export const builtInNetworks = [
  { name: 'host', driver: 'host' },
  { name: 'none', driver: 'null' },
] as const;

/** dockerd draws these ids at random once per machine; ours are the same everywhere. */
export function networkId(name: string): string {
  return createHash('sha256').update(`porthole built-in network ${name}`).digest('hex');
}

/** Which built-in network a container is in. Until there are bridges, a network of its own holds only a loopback: "none". */
export function networkOf(record: ContainerRecord): 'host' | 'none' | undefined {
  const mode = record.hostConfig.NetworkMode ?? 'default';
  if (mode === 'host') return 'host';
  return mode.startsWith('container:') ? undefined : 'none';
}

/** `NetworkSettings.Networks` of a container. */
export function endpointOf(record: ContainerRecord, minor: ApiMinor): Record<string, object> {
  const name = networkOf(record);
  if (name === undefined) return {};
  return {
    [name]: {
      IPAMConfig: null,
      Links: null,
      Aliases: null,
      MacAddress: '',
      DriverOpts: null,
      NetworkID: networkId(name),
      EndpointID: '',
      Gateway: '',
      IPAddress: '',
      IPPrefixLen: 0,
      IPv6Gateway: '',
      GlobalIPv6Address: '',
      GlobalIPv6PrefixLen: 0,
      ...(minor >= 44 && { DNSNames: null }),
    },
  };
}
