import type { ContainerConfig, HostConfig } from '../../protocol/docker.ts';
import { invalid, notSupportedYet } from './errors.ts';
import { configFields, firstRefused, hostConfigFields } from './fields.ts';

/** @throws invalid that names the first field that cannot be carried out. */
export function refuseUnsupported(config: ContainerConfig, host: HostConfig): void {
  const refused = firstRefused(hostConfigFields, host) ?? firstRefused(configFields, config);
  if (refused !== undefined) throw notSupportedYet(refused);
  const runtime = host.Runtime ?? '';
  if (!['', 'porthole', 'runc'].includes(runtime)) throw invalid(`unknown or invalid runtime name: ${runtime}`);
  checkMode('PidMode', host.PidMode, ['', 'host'], { joins: true });
  checkMode('UTSMode', host.UTSMode, ['', 'host'], { joins: false });
  checkMode('CgroupnsMode', host.CgroupnsMode, ['', 'private', 'host'], { joins: false });
  checkNetwork(host);
  checkRestart(host);
}

function checkMode(field: string, value: string | undefined, known: string[], options: { joins: boolean }): void {
  const mode = value ?? '';
  if (known.includes(mode) || (options.joins && /^container:.+/.test(mode))) return;
  throw invalid(`invalid ${field}: ${mode}`);
}

function checkNetwork(host: HostConfig): void {
  const mode = host.NetworkMode ?? '';
  if (['', 'default', 'bridge', 'none', 'host'].includes(mode) || /^container:.+/.test(mode)) return;
  throw invalid(`network ${mode} not found`);
}

function checkRestart(host: HostConfig): void {
  const { Name = '', MaximumRetryCount: count = 0 } = host.RestartPolicy ?? {};
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(Name)) {
    throw invalid(`invalid restart policy '${Name}'`);
  }
  if (count !== 0 && Name !== 'on-failure') {
    throw invalid(`maximum retry count cannot be used with restart policy '${Name || 'no'}'`);
  }
  if (count < 0) throw invalid('maximum retry count cannot be negative');
  if (host.AutoRemove && !['', 'no'].includes(Name)) {
    throw invalid("can't create 'AutoRemove' container with restart policy");
  }
}
