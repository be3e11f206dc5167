import { BlockList, isIP } from 'node:net';
import type { RegistryOptions } from './contract.ts';

/** One address under which a registry is asked. */
export interface Endpoint {
  /** `https://HOST[:PORT]`, of a mirror perhaps with a path; without a slash at the end. */
  readonly base: string;
  /** HOST[:PORT], the name of its directory of certificates. */
  readonly host: string;
  /** Its certificate is not checked. */
  readonly isInsecure: boolean;
}

/**
 * Where a registry may be asked, the best first. As dockerd: Docker Hub's mirrors come before it, and plain HTTP only for
 * what is called insecure, after HTTPS. A registry of this machine is insecure by itself.
 * @param domain of a reference, `docker.io` for Docker Hub.
 */
export function endpointsOf(
  domain: string,
  { insecure, mirrors }: Pick<RegistryOptions, 'insecure' | 'mirrors'>,
): Endpoint[] {
  const isHub = domain === 'docker.io';
  const host = isHub ? 'registry-1.docker.io' : domain;
  const isInsecure = !isHub && isInsecureHost(host, insecure);
  const own = { host, isInsecure };
  return [
    ...(isHub ? mirrors.map((mirror) => mirrorOf(mirror, insecure)) : []),
    { ...own, base: `https://${host}` },
    ...(isInsecure ? [{ ...own, base: `http://${host}` }] : []),
  ];
}

function mirrorOf(mirror: string, insecure: readonly string[]): Endpoint {
  const url = new URL(mirror);
  return { base: mirror.replace(/\/+$/, ''), host: url.host, isInsecure: isInsecureHost(url.host, insecure) };
}

/** @param rules hosts with or without a port, and networks. */
export function isInsecureHost(host: string, rules: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (rules.includes(host) || rules.includes(name)) return true;
  // Names are not resolved, but for the one that is this machine everywhere.
  const address = name === 'localhost' ? '127.0.0.1' : name;
  const family = isIP(address);
  if (family === 0) return false;
  const networks = new BlockList();
  for (const rule of ['127.0.0.0/8', '::1/128', ...rules]) {
    const [network = '', prefix] = rule.split('/');
    const of = isIP(network);
    if (of !== 0 && prefix !== undefined) networks.addSubnet(network, Number(prefix), of === 6 ? 'ipv6' : 'ipv4');
  }
  return networks.check(address, family === 6 ? 'ipv6' : 'ipv4');
}
