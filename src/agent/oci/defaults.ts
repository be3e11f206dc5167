import { capabilityNames, capabilitySets, defaultCapabilities } from './capabilities.ts';
import type { DeviceRule, Namespace, Process, Seccomp, SeccompRule, Spec, SpecMount } from './runtime.ts';
import {
  allowedOnCpu,
  allowedPersonalities,
  allowedSinceLinux4_8,
  allowedSocketFamilies,
  allowedWithCapability,
  alwaysAllowed,
  ENOSYS,
  EPERM,
  refusedCloneFlags,
} from './seccomp-profile.ts';

export interface DefaultSpecOptions {
  readonly process: Pick<Process, 'args' | 'env' | 'cwd' | 'user'> & { readonly terminal?: boolean };
  readonly hostname: string;
  /** What `HostFacts` says about the machine. */
  readonly host: {
    readonly architecture: 'x64' | 'arm64';
    readonly cgroup: { readonly version: 1 | 2 };
    readonly features: ReadonlySet<string>;
    readonly telltales?: readonly string[];
  };
  /** Names such as 'CAP_CHOWN'; absent: Docker's default set. */
  readonly capabilities?: readonly string[];
  /** Docker's --privileged: every capability and device, nothing masked, no seccomp, /sys writable. */
  readonly privileged?: boolean;
}

/**
 * What Docker gives a container when nothing is asked for: its own namespaces, its mounts, devices, capabilities and
 * system calls. The caller changes what its user asked to be different.
 */
export function defaultSpec(options: DefaultSpecOptions): Spec {
  const privileged = options.privileged ?? false;
  const capabilities = privileged ? capabilityNames : (options.capabilities ?? defaultCapabilities);
  const { process, host } = options;
  return {
    ociVersion: '1.0.2',
    process: { ...process, capabilities: capabilitySets(capabilities, process.user), oomScoreAdj: 0 },
    root: { path: 'rootfs' },
    hostname: options.hostname,
    mounts: defaultMounts({ privileged, features: host.features }),
    linux: {
      namespaces: defaultNamespaces(host.cgroup.version, { privileged }),
      resources: { devices: privileged ? [{ allow: true, access: 'rwm' }] : defaultDeviceRules },
      sysctl: defaultNetworkSysctls,
      ...(privileged
        ? {}
        : {
            maskedPaths: [...maskedPaths, ...(host.telltales ?? [])],
            readonlyPaths,
            seccomp: defaultSeccomp(capabilities, host.architecture),
          }),
    },
  };
}

/** Docker's default seccomp policy for a process with these capabilities. */
export function defaultSeccomp(capabilities: readonly string[], architecture: 'x64' | 'arm64'): Seccomp {
  const allowed = [
    ...alwaysAllowed,
    ...allowedSinceLinux4_8,
    ...allowedOnCpu[architecture],
    ...capabilities.flatMap((name) => allowedWithCapability[name] ?? []),
  ];
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: filteredArchitectures[architecture],
    syscalls: [
      { names: [...new Set(allowed)].sort(), action: 'SCMP_ACT_ALLOW' },
      ...argumentRules,
      ...(capabilities.includes('CAP_SYS_ADMIN') ? [] : namespaceRules),
    ],
  };
}

/** Mounts of every container, in the order in which they are made. */
function defaultMounts(options: { readonly privileged: boolean; readonly features: ReadonlySet<string> }): SpecMount[] {
  const access = options.privileged ? 'rw' : 'ro';
  const mounts: SpecMount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      // gid 5 is tty everywhere; newinstance keeps the host's terminals out.
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', access] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [access, 'nosuid', 'noexec', 'nodev'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    shmMount(defaultShmSize),
  ];
  return mounts.filter((mount) => mount.type !== 'mqueue' || options.features.has('mqueue'));
}

/** /dev/shm of the given bytes. */
export function shmMount(size: number): SpecMount {
  return {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${size}`],
  };
}

export const defaultShmSize = 64 * 1024 * 1024;

/**
 * Since 20.10 Docker lets a container bind low ports and send pings without a capability; both are settings of a network
 * namespace, so they are only for a container with its own.
 */
const defaultNetworkSysctls: Readonly<Record<string, string>> = {
  'net.ipv4.ip_unprivileged_port_start': '0',
  'net.ipv4.ping_group_range': '0 2147483647',
};

/** Kernel files that name or steer the whole machine, hidden. */
export const maskedPaths: readonly string[] = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];

/** Kernel files that may be read but not written. */
export const readonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/** Creating any node, and using the harmless ones. Terminals are major 136 (pts), 5:2 (ptmx). */
export const usualDeviceRules: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[
    [1, 3], // null
    [1, 5], // zero
    [1, 7], // full
    [1, 8], // random
    [1, 9], // urandom
    [5, 0], // tty
    [5, 1], // console
    [5, 2], // ptmx
    [10, 200], // net/tun, which runc allows beside what Docker's configuration says
  ].map(([major = 0, minor = 0]): DeviceRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

const defaultDeviceRules: readonly DeviceRule[] = [{ allow: false, access: 'rwm' }, ...usualDeviceRules];

/** On cgroup v2 Docker gives a container its own cgroup namespace, on v1 the host's; a privileged one always the host's on v1. */
function defaultNamespaces(version: 1 | 2, options: { privileged: boolean }): Namespace[] {
  const types: Namespace['type'][] = ['mount', 'network', 'uts', 'pid', 'ipc'];
  if (version === 2 && !options.privileged) types.push('cgroup');
  return types.map((type) => ({ type }));
}

/** Every 64-bit CPU also runs programs of its 32-bit ancestor, which have other numbers: those are filtered by name too. */
const filteredArchitectures: Readonly<Record<'x64' | 'arm64', readonly string[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};

const argumentRules: readonly SeccompRule[] = [
  {
    names: ['socket'],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, value: allowedSocketFamilies.below, op: 'SCMP_CMP_LT' }],
  },
  ...allowedSocketFamilies.others.map(
    (value): SeccompRule => ({
      names: ['socket'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
    }),
  ),
  ...allowedPersonalities.map(
    (value): SeccompRule => ({
      names: ['personality'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
    }),
  ),
];

/** Without CAP_SYS_ADMIN no new namespaces: clone's flags can be seen, clone3's cannot (ENOSYS makes libc use clone). */
const namespaceRules: readonly SeccompRule[] = [
  {
    names: ['clone'],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, value: refusedCloneFlags, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
  },
  { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
];
