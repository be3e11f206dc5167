import { dockerApi, productVersion } from '../../../protocol/version.ts';
import type { ContainerStatus } from '../../container/contract.ts';
import { logDrivers } from '../../container/log-options.ts';
import { limitFields, limitWarnings } from '../limit-fields.ts';
import { builtInNetworks } from '../networks.ts';
import { registryConfig } from '../registry-config.ts';
import { type Call, json, type Reply, type Route, text } from '../route.ts';

/** The engine as a whole. */
export const systemRoutes: readonly Route[] = [
  { method: 'GET', path: '/_ping', handler: ping },
  { method: 'HEAD', path: '/_ping', handler: ping },
  { method: 'GET', path: '/version', handler: version },
  { method: 'GET', path: '/info', handler: info },
];

async function ping(call: Call): Promise<Reply> {
  call.response.setHeader('Cache-Control', 'no-cache, no-store, must-revalidate');
  call.response.setHeader('Pragma', 'no-cache');
  call.response.setHeader('Swarm', 'inactive');
  // There is no BuildKit here to recommend.
  call.response.setHeader('Builder-Version', '1');
  return text('OK');
}

async function version(call: Call): Promise<Reply> {
  const host = await call.engine.describeHost();
  const common = { ApiVersion: dockerApi.newest, Os: 'linux', Arch: host.goArchitecture, KernelVersion: host.kernel };
  return json({
    Platform: { Name: 'Porthole' },
    Components: [
      {
        Name: 'Engine',
        Version: productVersion,
        Details: {
          ...common,
          MinAPIVersion: dockerApi.oldest,
          Experimental: 'false',
          NodeVersion: call.engine.agent.node,
        },
      },
    ],
    Version: productVersion,
    MinAPIVersion: dockerApi.oldest,
    GitCommit: '',
    GoVersion: '',
    ...common,
    BuildTime: '',
  });
}

async function info(call: Call): Promise<Reply> {
  const { containers, images, agent } = call.engine;
  const host = await call.engine.describeHost();
  const states = containers.list().map(({ state }) => state.status);
  const inState = (...wanted: ContainerStatus[]): number => states.filter((status) => wanted.includes(status)).length;
  const limits = limitFields(host);
  return json({
    ID: host.id,
    Containers: states.length,
    ContainersRunning: inState('running', 'restarting'),
    ContainersPaused: inState('paused'),
    ContainersStopped: inState('created', 'exited', 'dead', 'removing'),
    Images: images.list().length,
    Driver: 'overlay2',
    DriverStatus: [
      ['Backing Filesystem', host.backingFileSystem],
      ['Supports d_type', 'true'],
      ['userxattr', String(agent.rootless)],
    ],
    Plugins: {
      Volume: ['local'],
      Network: builtInNetworks.map(({ driver }) => driver),
      Authorization: null,
      Log: logDrivers.filter((driver) => driver !== 'none'),
    },
    ...limits,
    IPv4Forwarding: host.ipv4Forwarding,
    BridgeNfIptables: false,
    BridgeNfIp6tables: false,
    Debug: false,
    NFd: 0,
    NGoroutines: 0,
    SystemTime: new Date().toISOString(),
    LoggingDriver: call.engine.loggingDriver ?? 'json-file',
    CgroupDriver: agent.cgroups ? 'cgroupfs' : 'none',
    CgroupVersion: String(host.cgroupVersion),
    NEventsListener: 0,
    KernelVersion: host.kernel,
    OperatingSystem: host.operatingSystem,
    OSVersion: host.osVersion,
    OSType: 'linux',
    Architecture: host.machine,
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryConfig(call.engine.registry.options),
    NCPU: host.cpus,
    MemTotal: host.memory,
    GenericResources: null,
    DockerRootDir: agent.dataRoot,
    HttpProxy: '',
    HttpsProxy: '',
    NoProxy: '',
    Name: host.name,
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: productVersion,
    Runtimes: { porthole: { path: 'porthole-shim' } },
    DefaultRuntime: 'porthole',
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: 'docker-init',
    ContainerdCommit: { ID: '', Expected: '' },
    RuncCommit: { ID: '', Expected: '' },
    InitCommit: { ID: '', Expected: '' },
    ...(call.minor < 42 && { KernelMemory: host.cgroupVersion === 1 && limits.MemoryLimit }),
    ...(call.minor >= 44 && { CDISpecDirs: [] }),
    SecurityOptions: [
      ...(host.features.has('apparmor') ? ['name=apparmor'] : []),
      ...(host.features.has('seccomp') ? ['name=seccomp,profile=builtin'] : []),
      ...(agent.userns.containers === 'host' ? [] : ['name=userns']),
      ...(agent.rootless ? ['name=rootless'] : []),
      ...(host.features.has('cgroupns') ? ['name=cgroupns'] : []),
    ],
    Warnings: limitWarnings(limits, host.cgroupVersion),
  });
}
