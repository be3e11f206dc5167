import type { HistoryEntry } from '../../../src/protocol/history.ts';
import type { Trace, TraceStep } from '../../../src/protocol/trace.ts';
import type { CgroupReading } from '../../../src/protocol/usage.ts';
import type { UpdatePlan, UsageHistory } from '../../../src/protocol/usage-history.ts';

type Row = readonly [
  list: TraceStep['list'],
  op: string,
  line: string,
  why: string,
  microseconds: number,
  errno?: string,
];

const rows: readonly Row[] = [
  [
    'host',
    'mkdir',
    'mkdir /sys/fs/cgroup/memory/porthole/4f0c 0755',
    'A cgroup of its own, so that its use can be limited and read.',
    41,
  ],
  [
    'host',
    'write',
    'write /sys/fs/cgroup/memory/porthole/4f0c/memory.limit_in_bytes 67108864',
    'Memory: more than this and the kernel kills.',
    19,
  ],
  [
    'host',
    'mount',
    'mount overlay on /var/lib/porthole/containers/4f0c/rootfs',
    'The layers, stacked, with a writable one on top.',
    312,
  ],
  [
    'host',
    'spawn',
    'clone NEWNS NEWPID NEWNET NEWIPC NEWUTS NEWCGROUP',
    'The first process, in namespaces of its own.',
    688,
  ],
  ['child', 'mount', 'mount proc on /proc nosuid,nodev,noexec', 'Its own view of processes.', 67],
  ['child', 'mask', 'mask /proc/kcore', 'The memory of the host is none of its business.', 12],
  ['child', 'mask', 'mask /proc/acpi', 'The memory of the host is none of its business.', 6, 'ENOENT'],
  ['child', 'pivotRoot', 'pivot_root /var/lib/porthole/containers/4f0c/rootfs', 'The stack of layers becomes /.', 35],
  [
    'child',
    'capset',
    'capset chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write setfcap',
    'What root may still do inside.',
    4,
  ],
  ['child', 'seccomp', 'seccomp filter of 412 instructions', 'System calls that it may not make.', 96],
  [
    'child',
    'exec',
    'execve /bin/sh ["sh","-c","while true; do date; sleep 1; done"]',
    "From here on it is the container's own program.",
    241,
  ],
  ['after', 'umount', 'umount /var/lib/porthole/containers/4f0c/rootfs', 'The stack is taken apart.', 150],
];

export const trace: Trace = {
  startedAt: '2026-05-04T10:20:30.123456789Z',
  pid: 4711,
  steps: rows.map(([list, op, line, why, microseconds, errno], id) => ({
    id,
    depth: list === 'host' ? 0 : 1,
    list,
    op,
    line,
    why,
    result:
      list === 'after'
        ? { state: 'not-run' }
        : errno === undefined
          ? { state: 'done', nanoseconds: microseconds * 1000 }
          : { state: 'tolerated', nanoseconds: microseconds * 1000, errno },
  })),
};

/** The reading of a moment, `second` seconds into a container's life at half a CPU. */
export function reading(second: number): CgroupReading {
  const wave = Math.sin(second / 4);
  return {
    at: 1_750_000_000_000 + second * 1000,
    version: 1,
    path: '/porthole/4f0c8d1a2b3c',
    cpu: {
      usage: Math.round(second * 0.3e9 + (Math.cos(second / 3) + 1) * 0.2e9),
      user: second * 0.2e9,
      system: second * 0.1e9,
      throttledTime: second * 12e6,
      throttledPeriods: Math.floor(second / 3),
      periods: second * 10,
      limit: 0.5,
    },
    memory: {
      current: Math.round(38e6 + wave * 9e6),
      peak: 48_000_000,
      anon: 21_000_000,
      file: 12_000_000,
      kernel: 1_900_000,
      inactiveFile: 6_000_000,
      limit: 67_108_864,
      oomKills: second > 50 ? 1 : 0,
    },
    pids: { current: 3 + Math.round(wave), limit: 20, refused: 0 },
    io: { readBytes: 4_100_000, writeBytes: 12_000, reads: 310, writes: 3 },
  };
}

/** What an agent kept before the readings of `reading`: of half an hour, until the second before the first. */
export const pastUsage: UsageHistory = {
  since: 1_750_000_000_000 - 1_800_000,
  interval: 5000,
  ...(() => {
    const at = Array.from({ length: 60 }, (_, row) => 1_750_000_000_000 - (60 - row) * 30_000);
    const wave = (row: number, middle: number, swing: number) => middle + swing * Math.sin(row / 5);
    return {
      at,
      columns: {
        cpu: at.map((_, row) => (row === 30 ? null : wave(row, 30, 15))),
        cpuLimit: at.map(() => 50),
        throttledPeriods: at.map((_, row) => Math.max(0, wave(row, 2, 5))),
        memory: at.map((_, row) => (row === 30 ? null : wave(row, 38e6, 15e6))),
        anon: at.map((_, row) => (row === 30 ? null : wave(row, 21e6, 9e6))),
        file: at.map((_, row) => wave(row, 12e6, 3e6)),
        memoryLimit: at.map((_, row) => (row < 40 ? 60_000_000 : 67_108_864)),
        read: at.map((_, row) => Math.max(0, wave(row, 0, 4e6))),
        write: at.map((_, row) => Math.max(0, wave(row + 8, 0, 2e6))),
        pids: at.map(() => 3),
        pidsLimit: at.map(() => 20),
      },
    };
  })(),
};

export const updatePlan: UpdatePlan = {
  live: true,
  warnings: [],
  writes: [
    {
      line: 'echo 134217728 > /sys/fs/cgroup/memory/porthole/4f0c/memory.limit_in_bytes',
      path: '/sys/fs/cgroup/memory/porthole/4f0c/memory.limit_in_bytes',
      value: '134217728',
      was: '67108864',
      why: 'Memory: more than this and the kernel kills.',
    },
    { line: 'mkdir /sys/fs/cgroup/cpuset/porthole/4f0c', why: 'Its processors.' },
  ],
};

/** An inspected container that is held loosely, as far as the isolation report reads it. */
export const looselyHeld = {
  AppArmorProfile: '',
  Config: { User: '', Env: ['PATH=/bin', 'DB_PASSWORD=x'] },
  HostConfig: {
    Privileged: false,
    CapAdd: ['NET_ADMIN', 'CAP_SYS_ADMIN'],
    CapDrop: null,
    SecurityOpt: null,
    PidMode: 'host',
    IpcMode: 'private',
    NetworkMode: 'container:0123456789abcdef',
    ReadonlyRootfs: false,
    Memory: 0,
    PidsLimit: null,
    Devices: [{ PathOnHost: '/dev/kvm' }],
    PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] },
  },
  Mounts: [
    { Type: 'bind', Source: '/var/run/docker.sock', Destination: '/s', RW: true },
    { Type: 'bind', Source: '/etc/ssl', Destination: '/ssl', RW: false },
    { Type: 'volume', Source: '/var/lib/x', Destination: '/v', RW: true },
  ],
};

const stamp = (second: number) => ({
  time: `2026-11-30T10:00:${String(second).padStart(2, '0')}.000000000Z`,
  id: '4f0c8d1a2b3c',
  name: 'clock',
});

/** A container that ran out of memory in its second life. */
export const life: readonly HistoryEntry[] = [
  { ...stamp(0), event: 'created', image: 'img:latest', imageId: 'sha256:1' },
  { ...stamp(1), event: 'started', pid: 4711 },
  {
    ...stamp(20),
    event: 'ended',
    ending: { exitCode: 0, cause: { kind: 'stopped', by: 'restart', signal: 15 } },
  },
  { ...stamp(21), event: 'started', pid: 4712 },
  { ...stamp(40), event: 'out-of-memory' },
  {
    ...stamp(41),
    event: 'ended',
    ending: {
      exitCode: 137,
      signal: 9,
      cause: { kind: 'out-of-memory' },
      outOfMemory: { kills: 1, limit: 64 << 20, peak: 64 << 20 },
    },
    restartIn: 400,
  },
];
