import type { HostConfig, HostRestartPolicy, ImageInspectInfo } from 'dockerode';

/** What the line tells of: an inspected container has it, and what is to be made of one, where what is absent is as the image has it. */
export interface Described {
  /** With or without a slash; '' for one that the engine makes up. */
  readonly Name: string;
  readonly Config: {
    readonly Image: string;
    readonly Cmd?: readonly string[] | null | undefined;
    readonly Entrypoint?: string | readonly string[] | null | undefined;
    readonly Env?: readonly string[] | null | undefined;
    readonly Labels?: Readonly<Record<string, string>> | null | undefined;
    readonly Tty?: boolean | undefined;
    readonly OpenStdin?: boolean | undefined;
    readonly User?: string | undefined;
    readonly WorkingDir?: string | undefined;
  };
  readonly HostConfig: HostConfig;
}

/**
 * The `docker run` line that would make the container again: what differs from the image and from Docker's defaults, quoted for a
 * POSIX shell. Pure.
 */
export function runLine(
  container: Described,
  image: ImageInspectInfo | undefined,
  { detached = true }: { readonly detached?: boolean } = {},
): string {
  const { Config: config, HostConfig: host, Name: name } = container;
  const ofImage = image?.Config;
  const options: string[] = detached ? ['--detach'] : [];
  const flag = (word: string, value: string | number | undefined | null) => {
    if (value !== undefined && value !== null && value !== '' && value !== 0) options.push(word, String(value));
  };
  flag('--name', name.replace(/^\//, ''));
  if (config.Tty) options.push('--tty');
  if (config.OpenStdin) options.push('--interactive');
  if (host.AutoRemove) options.push('--rm');
  if (host.Init) options.push('--init');
  if (host.Privileged) options.push('--privileged');
  if (host.ReadonlyRootfs) options.push('--read-only');
  flag('--restart', restart(host.RestartPolicy));
  flag('--user', config.User === ofImage?.User ? '' : config.User);
  flag('--workdir', config.WorkingDir === ofImage?.WorkingDir ? '' : config.WorkingDir);
  flag('--network', ['default', 'bridge'].includes(host.NetworkMode ?? 'default') ? '' : host.NetworkMode);
  flag('--pid', host.PidMode);
  flag('--memory', host.Memory);
  flag('--cpus', host.NanoCpus ? host.NanoCpus / 1e9 : 0);
  flag('--pids-limit', host.PidsLimit);
  for (const one of host.Binds ?? []) options.push('--volume', one);
  for (const { Type, Source, Target, ReadOnly } of host.Mounts ?? []) {
    const parts = [
      `type=${Type}`,
      ...(Source ? [`source=${Source}`] : []),
      `target=${Target}`,
      ...(ReadOnly ? ['readonly'] : []),
    ];
    options.push('--mount', parts.join(','));
  }
  for (const [port, bindings] of Object.entries(host.PortBindings ?? {})) {
    for (const at of bindingsOf(bindings)) options.push('--publish', `${at}:${port}`);
  }
  for (const one of host.CapAdd ?? []) options.push('--cap-add', one);
  for (const one of host.CapDrop ?? []) options.push('--cap-drop', one);
  for (const one of host.SecurityOpt ?? []) options.push('--security-opt', one);
  const inherited = new Set(ofImage?.Env ?? []);
  for (const one of config.Env ?? []) if (!inherited.has(one)) options.push('--env', one);
  const labels = ofImage?.Labels ?? {};
  for (const [key, value] of Object.entries(config.Labels ?? {})) {
    if (labels[key] !== value) options.push('--label', `${key}=${value}`);
  }
  const entrypoint = list(config.Entrypoint === undefined ? ofImage?.Entrypoint : config.Entrypoint);
  const own = same(entrypoint, list(ofImage?.Entrypoint)) ? undefined : entrypoint;
  if (own) options.push('--entrypoint', own[0] ?? '');
  const command = list(config.Cmd === undefined ? ofImage?.Cmd : config.Cmd);
  const words = own || !same(command, list(ofImage?.Cmd)) ? [...(own?.slice(1) ?? []), ...command] : [];
  return ['docker', 'run', ...options, config.Image, ...words].map(quoted).join(' ');
}

function restart(policy: HostRestartPolicy | undefined): string {
  if (!policy?.Name || policy.Name === 'no') return '';
  return policy.MaximumRetryCount ? `${policy.Name}:${policy.MaximumRetryCount}` : policy.Name;
}

function bindingsOf(bindings: unknown): string[] {
  if (!Array.isArray(bindings)) return [];
  return bindings.map((binding: unknown) => {
    const { HostIp = '', HostPort = '' } = Object(binding);
    return HostIp ? `${HostIp}:${HostPort}` : String(HostPort);
  });
}

const list = (value: string | readonly string[] | null | undefined): readonly string[] =>
  typeof value === 'string' ? [value] : (value ?? []);

const same = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((word, at) => word === other[at]);

/** For a POSIX shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
