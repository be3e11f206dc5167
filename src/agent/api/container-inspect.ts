import { dirname } from 'node:path';
import type { ContainerConfig, HostConfig } from '../../protocol/docker.ts';
import type { ContainerRecord, HealthState } from '../container/contract.ts';
import { isUp } from '../container/state.ts';
import { defaultShmSize, maskedPaths, readonlyPaths } from '../oci/defaults.ts';
import type { ApiMinor } from './api-version.ts';
import { type ContainerSizes, mountJson } from './container-summary.ts';
import { endpointOf } from './networks.ts';

/** What an inspection needs beside the record. */
export interface InspectParts {
  readonly minor: ApiMinor;
  readonly execIds: readonly string[];
  /** Directory of the writable layer. */
  readonly upper: string;
  /** Directories of the image's layers, topmost first. */
  readonly lowers: readonly string[];
  readonly sizes?: ContainerSizes;
}

/** `GET /containers/{id}/json` in the shape of the asked API version. */
export function containerInspect(record: ContainerRecord, parts: InspectParts): object {
  const { state, bundle } = record;
  return {
    Id: record.id,
    Created: record.created,
    Path: record.path,
    Args: record.args,
    State: {
      Status: state.status,
      Running: isUp(state.status),
      Paused: state.status === 'paused',
      Restarting: state.status === 'restarting',
      OOMKilled: state.oomKilled,
      Dead: state.status === 'dead',
      Pid: state.pid,
      ExitCode: state.exitCode,
      Error: state.error,
      StartedAt: state.startedAt,
      FinishedAt: state.finishedAt,
      ...(state.health && { Health: healthJson(state.health) }),
    },
    Image: record.imageId,
    ResolvConfPath: record.resolvConfPath,
    HostnamePath: record.hostnamePath,
    HostsPath: record.hostsPath,
    LogPath: logPathOf(record),
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: parts.execIds.length === 0 ? null : parts.execIds,
    HostConfig: {
      ...hostConfigJson(record.hostConfig),
      ...kernelMemory(record.hostConfig, parts.minor),
    },
    GraphDriver: {
      Data: {
        ID: record.id,
        LowerDir: parts.lowers.join(':'),
        MergedDir: `${bundle}/rootfs`,
        UpperDir: parts.upper,
        WorkDir: `${dirname(parts.upper)}/work`,
      },
      Name: 'overlay2',
    },
    ...(parts.sizes !== undefined && { SizeRw: parts.sizes.rw, SizeRootFs: parts.sizes.rootFs }),
    Mounts: record.mounts.map(mountJson),
    Config: containerConfigJson(record.config),
    NetworkSettings: networkSettings(record, parts.minor),
  };
}

/** Since 1.42 they are shown only where they are set. */
function kernelMemory({ KernelMemory, KernelMemoryTCP }: HostConfig, minor: ApiMinor): Partial<HostConfig> {
  const [all, tcp] = [KernelMemory || undefined, KernelMemoryTCP || undefined];
  return minor < 42
    ? { KernelMemory: all ?? 0, KernelMemoryTCP: tcp ?? 0 }
    : { KernelMemory: all, KernelMemoryTCP: tcp };
}

/** A path only for the driver whose files dockerd shows, and only when there can be one. */
function logPathOf({ hostConfig, logPath, state }: ContainerRecord): string {
  const isShown = (hostConfig.LogConfig?.Type ?? 'json-file') === 'json-file';
  return isShown && (state.status !== 'created' || state.exitCode !== 0) ? logPath : '';
}

function healthJson(health: HealthState): object {
  return {
    Status: health.status,
    FailingStreak: health.failingStreak,
    Log: health.log.map(({ start, end, exitCode, output }) => ({
      Start: start,
      End: end,
      ExitCode: exitCode,
      Output: output,
    })),
  };
}

function networkSettings(record: ContainerRecord, minor: ApiMinor): object {
  return {
    Bridge: '',
    SandboxID: '',
    SandboxKey: record.state.pid > 0 ? `/proc/${record.state.pid}/ns/net` : '',
    Ports: {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: '',
    Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    MacAddress: '',
    Networks: endpointOf(record, minor),
  };
}

/** Docker's `Config`: every field is there, null where a list or map is empty. */
function containerConfigJson(config: ContainerConfig): object {
  return {
    Hostname: config.Hostname ?? '',
    Domainname: config.Domainname ?? '',
    User: config.User ?? '',
    AttachStdin: config.AttachStdin ?? false,
    AttachStdout: config.AttachStdout ?? false,
    AttachStderr: config.AttachStderr ?? false,
    ...(config.ExposedPorts && { ExposedPorts: config.ExposedPorts }),
    Tty: config.Tty ?? false,
    OpenStdin: config.OpenStdin ?? false,
    StdinOnce: config.StdinOnce ?? false,
    Env: config.Env?.length ? config.Env : null,
    Cmd: config.Cmd ?? null,
    ...(config.Healthcheck && { Healthcheck: config.Healthcheck }),
    Image: config.Image ?? '',
    Volumes: Object.keys(config.Volumes ?? {}).length > 0 ? config.Volumes : null,
    WorkingDir: config.WorkingDir ?? '',
    Entrypoint: config.Entrypoint ?? null,
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels ?? {},
    ...(config.StopSignal && { StopSignal: config.StopSignal }),
    ...(config.StopTimeout !== undefined && { StopTimeout: config.StopTimeout }),
    ...(config.Shell && { Shell: config.Shell }),
  };
}

/** Docker's `HostConfig` with the defaults that dockerd shows. */
function hostConfigJson(config: HostConfig): object {
  const defaults = {
    Binds: null,
    ContainerIDFile: '',
    LogConfig: { Type: 'json-file', Config: {} },
    NetworkMode: 'default',
    PortBindings: {},
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: false,
    VolumeDriver: '',
    VolumesFrom: null,
    ConsoleSize: [0, 0],
    CapAdd: null,
    CapDrop: null,
    CgroupnsMode: 'private',
    Dns: [],
    DnsOptions: [],
    DnsSearch: [],
    ExtraHosts: null,
    GroupAdd: null,
    IpcMode: 'private',
    Cgroup: '',
    Links: null,
    OomScoreAdj: 0,
    PidMode: '',
    Privileged: false,
    PublishAllPorts: false,
    ReadonlyRootfs: false,
    SecurityOpt: null,
    UTSMode: '',
    UsernsMode: '',
    ShmSize: defaultShmSize,
    Runtime: 'porthole',
    Isolation: '',
    CpuShares: 0,
    Memory: 0,
    NanoCpus: 0,
    CgroupParent: '',
    BlkioWeight: 0,
    BlkioWeightDevice: [],
    BlkioDeviceReadBps: [],
    BlkioDeviceWriteBps: [],
    BlkioDeviceReadIOps: [],
    BlkioDeviceWriteIOps: [],
    CpuPeriod: 0,
    CpuQuota: 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: '',
    CpusetMems: '',
    Devices: [],
    DeviceCgroupRules: null,
    DeviceRequests: null,
    MemoryReservation: 0,
    MemorySwap: 0,
    MemorySwappiness: null,
    OomKillDisable: false,
    PidsLimit: null,
    Ulimits: [],
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
  };
  const hidden =
    config.Privileged === true
      ? { MaskedPaths: null, ReadonlyPaths: null }
      : { MaskedPaths: maskedPaths, ReadonlyPaths: readonlyPaths };
  const given = Object.fromEntries(
    Object.entries(config).filter(([, value]) => value !== undefined && value !== null && value !== ''),
  );
  return { ...defaults, ...hidden, ...given };
}
