import type { ContainerFacts, HostFacts } from '../../../src/agent/plan/facts.ts';

const features = new Set(['mqueue', 'overlay', 'seccomp', 'keyring', 'cgroupns', 'timens', 'userns']);
const common = { lastCapability: 40, features, processors: { cpus: '0-3', mems: '0' } } as const;

/** Hosts as `readHostFacts` would describe them. */
export const hosts = {
  v1: {
    ...common,
    architecture: 'x64',
    kernel: { major: 6, minor: 18 },
    cgroup: {
      version: 1,
      hierarchies: ['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids', 'name=systemd'].map(
        (controller) => ({ root: `/sys/fs/cgroup/${controller.replace('name=', '')}`, controllers: [controller] }),
      ),
    },
  },
  v2: {
    ...common,
    architecture: 'arm64',
    kernel: { major: 6, minor: 1 },
    cgroup: {
      version: 2,
      root: '/sys/fs/cgroup',
      controllers: ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma'],
    },
  },
  /** Debian with its default AppArmor and a Docker engine beside us. */
  apparmor: {
    ...common,
    features: new Set([...features, 'apparmor', 'docker-default']),
    architecture: 'x64',
    kernel: { major: 6, minor: 1 },
    cgroup: { version: 2, root: '/sys/fs/cgroup', controllers: ['cpu', 'memory', 'pids'] },
  },
  /** An engine in a user namespace that maps one id only, without cgroups. */
  rootless: {
    ...common,
    architecture: 'x64',
    kernel: { major: 6, minor: 1 },
    cgroup: { version: 1, hierarchies: [] },
    rootless: {
      uids: [{ containerID: 0, hostID: 1000, size: 1 }],
      gids: [{ containerID: 0, hostID: 1000, size: 1 }],
      groups: false,
    },
  },
  /** Ubuntu 20.04: cpu and cpuacct together, no mount_setattr(2), no setns(2) of a pidfd. */
  old: {
    ...common,
    architecture: 'x64',
    kernel: { major: 5, minor: 4 },
    lastCapability: 37,
    cgroup: {
      version: 1,
      hierarchies: [['cpu', 'cpuacct'], ['cpuset'], ['memory'], ['devices'], ['freezer'], ['blkio'], ['pids']].map(
        (controllers) => ({ root: `/sys/fs/cgroup/${controllers.join()}`, controllers }),
      ),
    },
  },
} as const satisfies Record<string, HostFacts>;

/** Where a container's parts are, as the engine puts them. */
export const container: ContainerFacts = {
  id: 'c0ffee',
  rootfs: '/data/containers/c0ffee/rootfs',
  overlay: {
    base: '/data/layers',
    lowers: ['top', 'base'],
    upper: '/data/containers/c0ffee/upper',
    work: '/data/containers/c0ffee/work',
  },
  socket: '/run/containers/c0ffee/shim.sock',
  log: '/data/containers/c0ffee/log',
  record: '/run/containers/c0ffee/exit',
  stdin: false,
};
