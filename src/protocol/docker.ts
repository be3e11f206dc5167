import * as v from 'valibot';

/**
 * The Docker Engine API's request bodies that we read (API 1.41 to 1.47), as schemas: they are checked at the door and
 * typed behind it. Go clients send null for an empty list or map, which reads as absent.
 */
const maybe = <S extends v.GenericSchema>(schema: S) =>
  v.optional(
    v.pipe(
      v.nullable(schema),
      v.transform((value) => value ?? undefined),
    ),
  );
const texts = v.array(v.string());
const labels = v.record(v.string(), v.string());
const set = v.record(v.string(), v.looseObject({}));
const whole = v.pipe(v.number(), v.integer());

export const Healthcheck = v.object({
  Test: maybe(texts),
  Interval: maybe(whole),
  Timeout: maybe(whole),
  StartPeriod: maybe(whole),
  StartInterval: maybe(whole),
  Retries: maybe(whole),
});

export const ContainerConfig = v.object({
  Hostname: maybe(v.string()),
  Domainname: maybe(v.string()),
  User: maybe(v.string()),
  AttachStdin: maybe(v.boolean()),
  AttachStdout: maybe(v.boolean()),
  AttachStderr: maybe(v.boolean()),
  ExposedPorts: maybe(set),
  Tty: maybe(v.boolean()),
  OpenStdin: maybe(v.boolean()),
  StdinOnce: maybe(v.boolean()),
  Env: maybe(texts),
  Cmd: maybe(
    v.union([
      texts,
      v.pipe(
        v.string(),
        v.transform((one) => [one]),
      ),
    ]),
  ),
  Healthcheck: maybe(Healthcheck),
  ArgsEscaped: maybe(v.boolean()),
  Image: maybe(v.string()),
  Volumes: maybe(set),
  WorkingDir: maybe(v.string()),
  Entrypoint: maybe(
    v.union([
      texts,
      v.pipe(
        v.string(),
        v.transform((one) => [one]),
      ),
    ]),
  ),
  NetworkDisabled: maybe(v.boolean()),
  MacAddress: maybe(v.string()),
  OnBuild: maybe(texts),
  Labels: maybe(labels),
  StopSignal: maybe(v.string()),
  StopTimeout: maybe(whole),
  Shell: maybe(texts),
});
export type ContainerConfig = v.InferOutput<typeof ContainerConfig>;

// What is not there is Go's zero value: the engine says what is wrong with that.
const noText = v.optional(v.string(), '');
const zero = v.optional(whole, 0);

const Ulimit = v.object({ Name: noText, Soft: zero, Hard: zero });
const Device = v.object({
  PathOnHost: noText,
  PathInContainer: v.optional(v.string(), ''),
  CgroupPermissions: v.optional(v.string(), ''),
});
const DeviceRequest = v.object({
  Driver: maybe(v.string()),
  Count: maybe(whole),
  DeviceIDs: maybe(texts),
  Capabilities: maybe(v.array(texts)),
  Options: maybe(labels),
});
const ThrottleDevice = v.object({ Path: noText, Rate: zero });
const WeightDevice = v.object({ Path: noText, Weight: zero });

export const Mount = v.object({
  /** 'bind', 'volume' or 'tmpfs'; what else a client sends is refused by name. */
  Type: v.optional(v.string(), ''),
  Source: maybe(v.string()),
  Target: v.optional(v.string(), ''),
  ReadOnly: maybe(v.boolean()),
  Consistency: maybe(v.string()),
  BindOptions: maybe(
    v.object({
      Propagation: maybe(v.string()),
      NonRecursive: maybe(v.boolean()),
      CreateMountpoint: maybe(v.boolean()),
      ReadOnlyNonRecursive: maybe(v.boolean()),
      ReadOnlyForceRecursive: maybe(v.boolean()),
    }),
  ),
  VolumeOptions: maybe(
    v.object({
      NoCopy: maybe(v.boolean()),
      Labels: maybe(labels),
      Subpath: maybe(v.string()),
      DriverConfig: maybe(v.object({ Name: maybe(v.string()), Options: maybe(labels) })),
    }),
  ),
  TmpfsOptions: maybe(v.object({ SizeBytes: maybe(whole), Mode: maybe(whole), Options: maybe(v.array(texts)) })),
});
export type Mount = v.InferOutput<typeof Mount>;

/** `POST /volumes/create` */
export const VolumeCreateBody = v.object({
  Name: maybe(v.string()),
  Driver: maybe(v.string()),
  DriverOpts: v.optional(v.nullable(labels)),
  Labels: v.optional(v.nullable(labels)),
  ClusterVolumeSpec: maybe(v.looseObject({})),
});

export const HostConfig = v.object({
  // What it may use.
  CpuShares: maybe(whole),
  Memory: maybe(whole),
  NanoCpus: maybe(whole),
  CgroupParent: maybe(v.string()),
  BlkioWeight: maybe(whole),
  BlkioWeightDevice: maybe(v.array(WeightDevice)),
  BlkioDeviceReadBps: maybe(v.array(ThrottleDevice)),
  BlkioDeviceWriteBps: maybe(v.array(ThrottleDevice)),
  BlkioDeviceReadIOps: maybe(v.array(ThrottleDevice)),
  BlkioDeviceWriteIOps: maybe(v.array(ThrottleDevice)),
  CpuPeriod: maybe(whole),
  CpuQuota: maybe(whole),
  CpuRealtimePeriod: maybe(whole),
  CpuRealtimeRuntime: maybe(whole),
  CpusetCpus: maybe(v.string()),
  CpusetMems: maybe(v.string()),
  Devices: maybe(v.array(Device)),
  DeviceCgroupRules: maybe(texts),
  DeviceRequests: maybe(v.array(DeviceRequest)),
  KernelMemory: maybe(whole),
  KernelMemoryTCP: maybe(whole),
  MemoryReservation: maybe(whole),
  MemorySwap: maybe(whole),
  MemorySwappiness: maybe(whole),
  OomKillDisable: maybe(v.boolean()),
  PidsLimit: maybe(whole),
  Ulimits: maybe(v.array(Ulimit)),
  CpuCount: maybe(whole),
  CpuPercent: maybe(whole),
  IOMaximumIOps: maybe(whole),
  IOMaximumBandwidth: maybe(whole),
  // What it sees and may do.
  Binds: maybe(texts),
  ContainerIDFile: maybe(v.string()),
  LogConfig: maybe(v.object({ Type: maybe(v.string()), Config: maybe(labels) })),
  NetworkMode: maybe(v.string()),
  PortBindings: maybe(
    v.record(v.string(), v.nullable(v.array(v.object({ HostIp: maybe(v.string()), HostPort: maybe(v.string()) })))),
  ),
  RestartPolicy: maybe(v.object({ Name: maybe(v.string()), MaximumRetryCount: maybe(whole) })),
  AutoRemove: maybe(v.boolean()),
  VolumeDriver: maybe(v.string()),
  VolumesFrom: maybe(texts),
  Mounts: maybe(v.array(Mount)),
  ConsoleSize: maybe(v.array(whole)),
  Annotations: maybe(labels),
  CapAdd: maybe(texts),
  CapDrop: maybe(texts),
  CgroupnsMode: maybe(v.string()),
  Dns: maybe(texts),
  DnsOptions: maybe(texts),
  DnsSearch: maybe(texts),
  ExtraHosts: maybe(texts),
  GroupAdd: maybe(texts),
  IpcMode: maybe(v.string()),
  Cgroup: maybe(v.string()),
  Links: maybe(texts),
  OomScoreAdj: maybe(whole),
  PidMode: maybe(v.string()),
  Privileged: maybe(v.boolean()),
  PublishAllPorts: maybe(v.boolean()),
  ReadonlyRootfs: maybe(v.boolean()),
  SecurityOpt: maybe(texts),
  StorageOpt: maybe(labels),
  Tmpfs: maybe(labels),
  UTSMode: maybe(v.string()),
  UsernsMode: maybe(v.string()),
  ShmSize: maybe(whole),
  Sysctls: maybe(labels),
  Runtime: maybe(v.string()),
  Isolation: maybe(v.string()),
  MaskedPaths: maybe(texts),
  ReadonlyPaths: maybe(texts),
  Init: maybe(v.boolean()),
});
export type HostConfig = v.InferOutput<typeof HostConfig>;

/** `POST /containers/create` */
export const CreateBody = v.object({
  ...ContainerConfig.entries,
  HostConfig: maybe(HostConfig),
  NetworkingConfig: maybe(
    v.looseObject({ EndpointsConfig: maybe(v.record(v.string(), v.nullable(v.looseObject({})))) }),
  ),
});
export type CreateBody = v.InferOutput<typeof CreateBody>;

/** `POST /containers/{id}/update` */
export const UpdateBody = v.pick(HostConfig, [
  'CpuShares',
  'Memory',
  'NanoCpus',
  'CgroupParent',
  'BlkioWeight',
  'BlkioWeightDevice',
  'BlkioDeviceReadBps',
  'BlkioDeviceWriteBps',
  'BlkioDeviceReadIOps',
  'BlkioDeviceWriteIOps',
  'CpuPeriod',
  'CpuQuota',
  'CpuRealtimePeriod',
  'CpuRealtimeRuntime',
  'CpusetCpus',
  'CpusetMems',
  'Devices',
  'DeviceCgroupRules',
  'DeviceRequests',
  'KernelMemory',
  'KernelMemoryTCP',
  'MemoryReservation',
  'MemorySwap',
  'MemorySwappiness',
  'OomKillDisable',
  'PidsLimit',
  'Ulimits',
  'CpuCount',
  'CpuPercent',
  'IOMaximumIOps',
  'IOMaximumBandwidth',
  'RestartPolicy',
]);
export type UpdateBody = v.InferOutput<typeof UpdateBody>;

/** `POST /containers/{id}/exec` */
export const ExecCreateBody = v.object({
  AttachStdin: maybe(v.boolean()),
  AttachStdout: maybe(v.boolean()),
  AttachStderr: maybe(v.boolean()),
  ConsoleSize: maybe(v.array(whole)),
  DetachKeys: maybe(v.string()),
  Tty: maybe(v.boolean()),
  Env: maybe(texts),
  Cmd: maybe(texts),
  Privileged: maybe(v.boolean()),
  User: maybe(v.string()),
  WorkingDir: maybe(v.string()),
});

/** `POST /exec/{id}/start` */
export const ExecStartBody = v.object({
  Detach: maybe(v.boolean()),
  Tty: maybe(v.boolean()),
  ConsoleSize: maybe(v.array(whole)),
});

/** `POST /auth` */
export const AuthBody = v.object({
  username: maybe(v.string()),
  password: maybe(v.string()),
  email: maybe(v.string()),
  serveraddress: maybe(v.string()),
  identitytoken: maybe(v.string()),
});
