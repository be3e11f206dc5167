import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { HostConfig } from '../../protocol/docker.ts';
import { readIfThere } from '../sys/files.ts';
import { invalid } from './errors.ts';

/**
 * Writes hostname, hosts and resolv.conf. They are rewritten in place at every start, as Docker does, so that a
 * host that changed its name servers is followed.
 */
export async function writeNetworkFiles(
  directory: string,
  options: { readonly hostname: string; readonly config: HostConfig },
): Promise<void> {
  const { hostname, config } = options;
  const onHost = config.NetworkMode === 'host';
  const [hosts = '', resolv = ''] = await Promise.all([
    onHost ? readIfThere('/etc/hosts') : ownHosts,
    readIfThere('/etc/resolv.conf'),
  ]);
  await Promise.all([
    writeFile(join(directory, 'hostname'), `${hostname}\n`, { mode: 0o644 }),
    writeFile(join(directory, 'hosts'), withLine(hosts) + extraHosts(config), { mode: 0o644 }),
    writeFile(join(directory, 'resolv.conf'), resolvConf(resolv, config), { mode: 0o644 }),
  ]);
}

const ownHosts = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/** @throws invalid for an entry that is not HOST:IP. */
export function extraHosts(config: HostConfig): string {
  return (config.ExtraHosts ?? [])
    .map((entry) => {
      const colon = entry.search(/[:=]/);
      const name = entry.slice(0, colon);
      const address = entry.slice(colon + 1);
      if (colon < 1 || address === '') throw invalid(`bad format for add-host: "${entry}"`);
      if (address === 'host-gateway') throw invalid('host-gateway needs a bridge network, which is not supported yet');
      const plain = address.replace(/^\[(.*)\]$/, '$1');
      // Docker's words. What is no address, or a name with a line break in it, would write lines of its own.
      if (isIP(plain) === 0) throw invalid(`invalid IP address in add-host: "${address}"`);
      if (/\s/.test(name)) throw invalid(`bad format for add-host: "${entry}"`);
      return `${plain}\t${name}\n`;
    })
    .join('');
}

/** The host's own file, with the parts that were given replaced. */
function resolvConf(host: string, config: HostConfig): string {
  const given = { nameserver: config.Dns ?? [], search: config.DnsSearch ?? [], options: config.DnsOptions ?? [] };
  if (given.nameserver.length + given.search.length + given.options.length === 0) return host;
  const lines = host.split('\n').map((line) => line.trim());
  const ofHost = (key: string): string[] =>
    lines.filter((line) => line.startsWith(`${key} `)).flatMap((line) => line.slice(key.length).trim().split(/\s+/));
  const search = given.search.length > 0 ? given.search : ofHost('search');
  const servers = given.nameserver.length > 0 ? given.nameserver : ofHost('nameserver');
  const options = given.options.length > 0 ? given.options : ofHost('options');
  return [
    ...(search.length > 0 && search[0] !== '.' ? [`search ${search.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
    '',
  ].join('\n');
}

function withLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
