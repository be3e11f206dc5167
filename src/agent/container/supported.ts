import type { ContainerConfig, HostConfig } from '../../protocol/docker.ts';
import { invalid, notSupportedYet } from './errors.ts';

/**
 * Every part of a HostConfig that the engine does not carry out yet, with the words that refuse it. What is not
 * in this table is carried out by `spec.ts`, `mounts.ts` or the engine; nothing is ignored silently.
 */
const refusals: readonly (readonly [what: string, isAsked: (config: HostConfig) => boolean])[] = [
  ['Publishing ports (PortBindings)', (c) => Object.keys(c.PortBindings ?? {}).length > 0],
  ['Publishing ports (PublishAllPorts)', (c) => c.PublishAllPorts === true],
  ['Links', (c) => filled(c.Links)],
  ['VolumesFrom', (c) => filled(c.VolumesFrom)],
  ['VolumeDriver', (c) => !['', 'local'].includes(c.VolumeDriver ?? '')],
  ['CgroupParent', (c) => Boolean(c.CgroupParent)],
  ['Cgroup', (c) => Boolean(c.Cgroup)],
  ['BlkioWeight', (c) => (c.BlkioWeight ?? 0) !== 0],
  ['BlkioWeightDevice', (c) => filled(c.BlkioWeightDevice)],
  ['BlkioDeviceReadBps', (c) => filled(c.BlkioDeviceReadBps)],
  ['BlkioDeviceWriteBps', (c) => filled(c.BlkioDeviceWriteBps)],
  ['BlkioDeviceReadIOps', (c) => filled(c.BlkioDeviceReadIOps)],
  ['BlkioDeviceWriteIOps', (c) => filled(c.BlkioDeviceWriteIOps)],
  ['CpuRealtimePeriod', (c) => (c.CpuRealtimePeriod ?? 0) !== 0],
  ['CpuRealtimeRuntime', (c) => (c.CpuRealtimeRuntime ?? 0) !== 0],
  ['CpuCount', (c) => (c.CpuCount ?? 0) !== 0],
  ['CpuPercent', (c) => (c.CpuPercent ?? 0) !== 0],
  ['IOMaximumIOps', (c) => (c.IOMaximumIOps ?? 0) !== 0],
  ['IOMaximumBandwidth', (c) => (c.IOMaximumBandwidth ?? 0) !== 0],
  ['DeviceRequests', (c) => filled(c.DeviceRequests)],
  ['KernelMemory', (c) => (c.KernelMemory ?? 0) > 0],
  ['KernelMemoryTCP', (c) => (c.KernelMemoryTCP ?? 0) > 0],
  ['StorageOpt', (c) => Object.keys(c.StorageOpt ?? {}).length > 0],
  ['Init', (c) => c.Init === true],
  ['LogConfig', (c) => !['', 'json-file'].includes(c.LogConfig?.Type ?? '')],
  ['LogConfig.Config', (c) => Object.keys(c.LogConfig?.Config ?? {}).length > 0],
  ['IpcMode', (c) => !['', 'none', 'private', 'host'].includes(c.IpcMode ?? '')],
  ['UsernsMode', (c) => !['', 'host'].includes(c.UsernsMode ?? '')],
  ['Isolation', (c) => !['', 'default'].includes(c.Isolation ?? '')],
];

/** @throws invalid that names the first field that cannot be carried out. */
export function refuseUnsupported(config: ContainerConfig, host: HostConfig): void {
  for (const [what, isAsked] of refusals) {
    if (isAsked(host)) throw notSupportedYet(what);
  }
  const runtime = host.Runtime ?? '';
  if (!['', 'porthole', 'runc'].includes(runtime)) throw invalid(`unknown or invalid runtime name: ${runtime}`);
  if (config.MacAddress) throw notSupportedYet('MacAddress');
  if (config.Healthcheck?.Test?.length && config.Healthcheck.Test[0] !== 'NONE') throw notSupportedYet('Healthcheck');
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

function filled(list: readonly unknown[] | undefined): boolean {
  return (list?.length ?? 0) > 0;
}
