import type { ContainerCreateOptions, MountSettings } from 'dockerode';
import * as v from 'valibot';

const Mount = v.object({
  kind: v.picklist(['directory', 'volume']),
  /** A directory of the host, or the name of a volume. */
  source: v.string(),
  target: v.string(),
  readOnly: v.boolean(),
});

/** What a person chooses of a container before it runs. Empty words and 0 are what image and engine say. */
export const RunChoices = v.object({
  name: v.string(),
  command: v.array(v.string()),
  /** In a terminal; else by itself. */
  interactive: v.boolean(),
  /** NAME=value */
  env: v.array(v.string()),
  mounts: v.array(Mount),
  /** Bytes. */
  memory: v.number(),
  /** Billionths. */
  cpus: v.number(),
  pids: v.number(),
  user: v.string(),
  directory: v.string(),
  restart: v.picklist(['no', 'on-failure', 'always', 'unless-stopped']),
  network: v.string(),
  /** As `docker run --publish` takes them. */
  ports: v.array(v.string()),
  readOnlyRoot: v.boolean(),
  autoRemove: v.boolean(),
  init: v.boolean(),
});
export type RunChoices = v.InferOutput<typeof RunChoices>;
export type RunMount = v.InferOutput<typeof Mount>;

export const plainRun: RunChoices = {
  name: '',
  command: [],
  interactive: false,
  env: [],
  mounts: [],
  memory: 0,
  cpus: 0,
  pids: 0,
  user: '',
  directory: '',
  restart: 'no',
  network: '',
  ports: [],
  readOnlyRoot: false,
  autoRemove: false,
  init: false,
};

/** What was kept of an earlier run; undefined for what another version wrote. */
export function readChoices(text: string | undefined): RunChoices | undefined {
  const kept = v.safeParse(v.pipe(v.string(), v.parseJson(), RunChoices), text);
  return kept.success ? kept.output : undefined;
}

/** The body of `POST /containers/create`, and the name. What is not chosen is not said. */
export function createOptions(image: string, choices: RunChoices): ContainerCreateOptions {
  const { name, command, interactive, env, user, directory } = choices;
  return {
    ...(name && { name }),
    Image: image,
    ...(command.length > 0 && { Cmd: [...command] }),
    ...(env.length > 0 && { Env: [...env] }),
    ...(user && { User: user }),
    ...(directory && { WorkingDir: directory }),
    ...(interactive && {
      Tty: true,
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    }),
    ...exposed(choices.ports),
    HostConfig: hostConfig(choices),
  };
}

function hostConfig(choices: RunChoices): NonNullable<ContainerCreateOptions['HostConfig']> {
  const { mounts, memory, cpus, pids, restart, network, ports, readOnlyRoot, autoRemove, init } = choices;
  return {
    ...(mounts.length > 0 && { Mounts: mounts.map(mountOf) }),
    ...(memory > 0 && { Memory: memory }),
    ...(cpus > 0 && { NanoCpus: cpus }),
    ...(pids > 0 && { PidsLimit: pids }),
    // An engine refuses both: what is removed cannot be started again.
    ...(restart !== 'no' && !autoRemove && { RestartPolicy: { Name: restart } }),
    ...(network && { NetworkMode: network }),
    ...(ports.length > 0 && { PortBindings: bindings(ports) }),
    ...(readOnlyRoot && { ReadonlyRootfs: true }),
    ...(autoRemove && { AutoRemove: true }),
    ...(init && { Init: true }),
  };
}

const mountOf = ({ kind, source, target, readOnly }: RunMount): MountSettings => ({
  Type: kind === 'directory' ? 'bind' : 'volume',
  Source: source,
  Target: target,
  ...(readOnly && { ReadOnly: true }),
});

/** A published port: `8080:80`, `127.0.0.1:8080:80/udp`, `80` for one that the engine chooses. */
export interface PublishedPort {
  /** '80/tcp' */
  readonly inside: string;
  readonly address: string;
  /** '' for one that the engine chooses. */
  readonly outside: string;
}

/** Undefined: not a port. */
export function parsePort(text: string): PublishedPort | undefined {
  const found = /^(?:(?:(\d{1,3}(?:\.\d{1,3}){3}):)?(\d{0,5}):)?(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text);
  if (!found) return undefined;
  const [, address = '', outside = '', inside = '', protocol = 'tcp'] = found;
  const fits = (port: string) => Number(port) > 0 && Number(port) < 65536;
  if (!fits(inside) || (outside !== '' && !fits(outside))) return undefined;
  return { inside: `${inside}/${protocol}`, address, outside };
}

function bindings(ports: readonly string[]): Record<string, { HostIp?: string; HostPort: string }[]> {
  const all: Record<string, { HostIp?: string; HostPort: string }[]> = {};
  for (const port of ports.map(parsePort)) {
    if (!port) continue;
    const { inside, address, outside } = port;
    all[inside] = [...(all[inside] ?? []), { ...(address && { HostIp: address }), HostPort: outside }];
  }
  return all;
}

function exposed(ports: readonly string[]): Pick<ContainerCreateOptions, 'ExposedPorts'> {
  const inside = Object.keys(bindings(ports));
  return inside.length === 0 ? {} : { ExposedPorts: Object.fromEntries(inside.map((port) => [port, {}])) };
}

/** What is wrong with `NAME=value` words: the first that is none. */
export const badVariable = (words: readonly string[]): string | undefined =>
  words.find((word) => !/^[^=\s]+=/.test(word));
