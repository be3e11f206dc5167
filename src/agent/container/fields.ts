import type { ContainerConfig, HostConfig } from '../../protocol/docker.ts';

/**
 * What becomes of one field of a create body.
 * - carried out: the container is made as the field says.
 * - partly: so too, but for the values that `isAsked` finds; those are refused.
 * - refused: a value that asks for something is refused by name, nothing is made.
 * - no meaning: taken and shown by inspect as dockerd does on Linux, and without effect there too.
 */
export type Field<Config> =
  | { readonly standing: 'carried out'; readonly note?: string }
  | { readonly standing: 'no meaning'; readonly note: string }
  | {
      readonly standing: 'partly' | 'refused';
      readonly isAsked: (config: Config) => boolean;
      /** How the refusal calls it: '... is not supported yet'. */
      readonly what: string;
      /** dockerd's own words, where it cannot do it either. */
      readonly says?: (config: Config) => string;
      readonly note?: string;
    };

const carriedOut = { standing: 'carried out' } as const;
const noMeaning = (note: string) => ({ standing: 'no meaning', note }) as const;
const onlyWindows = noMeaning('Windows only');

type AskedIn<Config> = (config: Config) => boolean;
const refused = (isAsked: AskedIn<HostConfig>, what: string) => ({ standing: 'refused', isAsked, what }) as const;
const partly = (isAsked: AskedIn<HostConfig>, what: string, note: string) =>
  ({ standing: 'partly', isAsked, what, note }) as const;

/**
 * Every field of a HostConfig that the API knows: a new field of the schema without a row here does not compile. What
 * the engine learns to do changes one row; `docs/api-coverage.md` is made from these tables.
 */
export const hostConfigFields: Readonly<Record<keyof HostConfig, Field<HostConfig>>> = {
  // What it may use.
  CpuShares: carriedOut,
  Memory: carriedOut,
  NanoCpus: carriedOut,
  CgroupParent: { standing: 'carried out', note: 'below the root; no slice of systemd' },
  BlkioWeight: carriedOut,
  BlkioWeightDevice: carriedOut,
  BlkioDeviceReadBps: carriedOut,
  BlkioDeviceWriteBps: carriedOut,
  BlkioDeviceReadIOps: carriedOut,
  BlkioDeviceWriteIOps: carriedOut,
  CpuPeriod: carriedOut,
  CpuQuota: carriedOut,
  CpuRealtimePeriod: { standing: 'carried out', note: 'cgroup v1 only' },
  CpuRealtimeRuntime: { standing: 'carried out', note: 'cgroup v1 only' },
  CpusetCpus: carriedOut,
  CpusetMems: carriedOut,
  Devices: carriedOut,
  DeviceCgroupRules: carriedOut,
  DeviceRequests: { ...refused((c) => filled(c.DeviceRequests), 'DeviceRequests'), says: noDriver },
  KernelMemory: noMeaning('shown before API 1.42, which dropped it; the kernel dropped it in 5.4'),
  KernelMemoryTCP: { standing: 'carried out', note: 'cgroup v1 only' },
  MemoryReservation: carriedOut,
  MemorySwap: carriedOut,
  MemorySwappiness: carriedOut,
  OomKillDisable: carriedOut,
  PidsLimit: carriedOut,
  Ulimits: carriedOut,
  CpuCount: onlyWindows,
  CpuPercent: noMeaning('Windows only: left out with a warning'),
  IOMaximumIOps: refused((c) => (c.IOMaximumIOps ?? 0) !== 0, 'IOMaximumIOps'),
  IOMaximumBandwidth: refused((c) => (c.IOMaximumBandwidth ?? 0) !== 0, 'IOMaximumBandwidth'),
  // What it sees and may do.
  Binds: carriedOut,
  ContainerIDFile: noMeaning('the client writes the file'),
  LogConfig: {
    standing: 'carried out',
    note: 'json-file, local and none; CRI lines on the disk; the process never waits for its log in any mode; compress is refused',
  },
  NetworkMode: { standing: 'carried out', note: 'none, host, container:; the default is a loopback of its own' },
  PortBindings: refused((c) => Object.keys(c.PortBindings ?? {}).length > 0, 'Publishing ports (PortBindings)'),
  RestartPolicy: carriedOut,
  AutoRemove: carriedOut,
  VolumeDriver: { standing: 'carried out', note: 'local; there are no plugins' },
  VolumesFrom: carriedOut,
  Mounts: carriedOut,
  ConsoleSize: carriedOut,
  Annotations: carriedOut,
  CapAdd: carriedOut,
  CapDrop: carriedOut,
  CgroupnsMode: carriedOut,
  Dns: carriedOut,
  DnsOptions: carriedOut,
  DnsSearch: carriedOut,
  ExtraHosts: carriedOut,
  GroupAdd: carriedOut,
  IpcMode: carriedOut,
  Cgroup: refused((c) => Boolean(c.Cgroup), 'Cgroup'),
  Links: refused((c) => filled(c.Links), 'Links'),
  OomScoreAdj: carriedOut,
  PidMode: carriedOut,
  Privileged: carriedOut,
  PublishAllPorts: refused((c) => c.PublishAllPorts === true, 'Publishing ports (PublishAllPorts)'),
  ReadonlyRootfs: carriedOut,
  SecurityOpt: carriedOut,
  StorageOpt: {
    ...refused((c) => Object.keys(c.StorageOpt ?? {}).length > 0, 'StorageOpt'),
    says: () => "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
  },
  Tmpfs: carriedOut,
  UTSMode: carriedOut,
  UsernsMode: { standing: 'carried out', note: 'host, and as Podman knows them private and auto' },
  ShmSize: carriedOut,
  Sysctls: carriedOut,
  Runtime: { standing: 'carried out', note: 'porthole, or runc, which means the same here' },
  Isolation: {
    ...partly((c) => !['', 'default'].includes(c.Isolation ?? ''), 'Isolation', 'default'),
    says: (c) => `Invalid isolation: "${c.Isolation}" - linux only supports 'default'`,
  },
  MaskedPaths: carriedOut,
  ReadonlyPaths: carriedOut,
  Init: carriedOut,
};

/** Every field of a Config. */
export const configFields: Readonly<Record<keyof ContainerConfig, Field<ContainerConfig>>> = {
  Hostname: carriedOut,
  Domainname: carriedOut,
  User: carriedOut,
  AttachStdin: noMeaning('for the client: attaching is a request of its own'),
  AttachStdout: noMeaning('for the client'),
  AttachStderr: noMeaning('for the client'),
  ExposedPorts: carriedOut,
  Tty: carriedOut,
  OpenStdin: carriedOut,
  StdinOnce: carriedOut,
  Env: carriedOut,
  Cmd: carriedOut,
  Healthcheck: { standing: 'carried out', note: 'StartInterval since API 1.44' },
  ArgsEscaped: onlyWindows,
  Image: carriedOut,
  Volumes: carriedOut,
  WorkingDir: carriedOut,
  Entrypoint: carriedOut,
  NetworkDisabled: carriedOut,
  MacAddress: { standing: 'refused', isAsked: (c) => Boolean(c.MacAddress), what: 'MacAddress' },
  OnBuild: noMeaning('for images that are built on a commit of it'),
  Labels: carriedOut,
  StopSignal: carriedOut,
  StopTimeout: carriedOut,
  Shell: { standing: 'carried out', note: 'for health checks' },
};

/** Why a config is refused: the words for the first field that asks for what cannot be done. */
export function firstRefusal<Config>(
  fields: Readonly<Record<string, Field<Config>>>,
  config: Config,
): string | undefined {
  for (const field of Object.values(fields)) {
    if ('isAsked' in field && field.isAsked(config))
      return field.says?.(config) ?? `${field.what} is not supported yet`;
  }
  return undefined;
}

/** As dockerd words a request that no driver of it takes, for example for `--gpus all`. */
function noDriver({ DeviceRequests: [request] = [] }: HostConfig): string {
  const { Driver = '', Capabilities = [] } = request ?? {};
  const sets = Capabilities.map((set) => `[${set.join(' ')}]`).join(' ');
  return `could not select device driver ${JSON.stringify(Driver)} with capabilities: [${sets}]`;
}

function filled(list: readonly unknown[] | undefined): boolean {
  return (list?.length ?? 0) > 0;
}
