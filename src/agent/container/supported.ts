import type { ContainerConfig, HostConfig } from '../../protocol/docker.ts';
import { invalid } from './errors.ts';
import { configFields, firstRefusal, hostConfigFields } from './fields.ts';

/** @throws invalid that names the first field that cannot be carried out. */
export function refuseUnsupported(config: ContainerConfig, host: HostConfig): void {
  const refusal = firstRefusal(hostConfigFields, host) ?? firstRefusal(configFields, config);
  if (refusal !== undefined) throw invalid(refusal);
  const nameless = config.Env?.find((variable) => variable === '' || variable.startsWith('='));
  if (nameless !== undefined) throw invalid(`invalid environment variable: ${nameless}`);
  if (Object.hasOwn(host.Annotations ?? {}, '')) {
    throw invalid('invalid Annotations: the empty string is not permitted as an annotation key');
  }
  const runtime = host.Runtime ?? '';
  if (!['', 'porthole', 'runc'].includes(runtime)) throw invalid(`unknown or invalid runtime name: ${runtime}`);
  checkRestartPolicy(host);
}

/** @throws invalid, in dockerd's words */
export function checkRestartPolicy(host: HostConfig): void {
  const { Name = '', MaximumRetryCount: count = 0 } = host.RestartPolicy ?? {};
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(Name)) {
    throw invalid(`invalid restart policy '${Name}'`);
  }
  // An empty name takes any count, for clients from before 25.
  if (count !== 0 && Name !== '' && Name !== 'on-failure') {
    throw invalid(`maximum retry count cannot be used with restart policy '${Name}'`);
  }
  if (count < 0) throw invalid('maximum retry count cannot be negative');
  if (host.AutoRemove && !['', 'no'].includes(Name)) {
    throw invalid("can't create 'AutoRemove' container with restart policy");
  }
}
