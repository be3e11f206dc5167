/** Live readings of one cgroup. Absent: the controller is not there. Limits: undefined means none. */
export interface CgroupReading {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly version: 1 | 2;
  /** The cgroup's path below the hierarchy's root, with a leading slash. */
  readonly path: string;
  readonly cpu?: {
    /** All in nanoseconds. */
    readonly usage: number;
    readonly user: number;
    readonly system: number;
    readonly throttledTime: number;
    readonly throttledPeriods: number;
    readonly periods: number;
    /** CPUs that may be used, for example 0.5. */
    readonly limit?: number;
  };
  readonly memory?: {
    /** All in bytes. */
    readonly current: number;
    readonly peak?: number;
    readonly anon: number;
    readonly file: number;
    readonly kernel?: number;
    readonly swap?: number;
    /** File pages that can be dropped at once; docker stats subtracts it. */
    readonly inactiveFile: number;
    readonly limit?: number;
    readonly oomKills: number;
    readonly events?: MemoryEvents;
  };
  readonly pids?: {
    readonly current: number;
    readonly limit?: number;
    readonly refused: number;
    /** The most at a time (Linux 6.11). */
    readonly peak?: number;
  };
  readonly io?: {
    readonly readBytes: number;
    readonly writeBytes: number;
    readonly reads: number;
    readonly writes: number;
    /** The same per block device; one that was not used is not listed. */
    readonly devices?: readonly DeviceIo[];
  };
  /** True while its processes are frozen; absent without a freezer. */
  readonly frozen?: boolean;
  /** What was put into force, as the kernel has it; a limit that there is not is absent. */
  readonly limits?: LimitsInForce;
  /** Pressure stall averages in percent over 10 s and total microseconds. */
  readonly pressure?: Readonly<Partial<Record<'cpu' | 'memory' | 'io', Pressure>>>;
}

/** How often it happened. v1 counts only `max`, the times that the limit was hit, and `oomKill`. */
export interface MemoryEvents {
  readonly low?: number;
  readonly high?: number;
  readonly max?: number;
  readonly oom?: number;
  readonly oomKill: number;
}

export interface DeviceIo {
  /** MAJOR:MINOR */
  readonly device: string;
  /** Below /dev, for example 'sda'; absent when the machine does not know the device any more. */
  readonly name?: string;
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly reads: number;
  readonly writes: number;
}

export interface LimitsInForce {
  readonly cpu?: {
    /** Microseconds in each period. */
    readonly quota?: number;
    readonly period?: number;
    /** v1, 2 to 262144. */
    readonly shares?: number;
    /** v2, 1 to 10000. */
    readonly weight?: number;
    /** v1: microseconds of real-time scheduling per period. */
    readonly realtimeRuntime?: number;
    readonly realtimePeriod?: number;
  };
  /** Lists like '0-3,7'. */
  readonly cpuset?: { readonly cpus: string; readonly mems: string };
  /** Bytes. `swap` is swap alone on both versions. */
  readonly memory?: {
    readonly max?: number;
    readonly high?: number;
    readonly reservation?: number;
    readonly swap?: number;
    /** v1, 0 to 100. */
    readonly swappiness?: number;
    /** v1: the kernel does not kill for lack of memory here. */
    readonly killerOff?: boolean;
  };
  readonly pids?: { readonly max?: number };
  readonly io?: {
    readonly weight?: number;
    /** Per second. */
    readonly devices: readonly {
      readonly device: string;
      readonly name?: string;
      readonly readBytes?: number;
      readonly writeBytes?: number;
      readonly reads?: number;
      readonly writes?: number;
    }[];
  };
}

/** `GET /porthole/v1/cgroups?path=/a/b`: any cgroup of the host, with what is directly below it. */
export interface CgroupNode {
  readonly path: string;
  readonly reading: CgroupReading;
  /** Processes in it, and in it and below. */
  readonly processes: number;
  readonly processesBelow: number;
  /** The container whose cgroup it is. */
  readonly container?: string;
  readonly children: readonly CgroupChild[];
}

export interface CgroupChild {
  readonly path: string;
  readonly name: string;
  readonly processesBelow: number;
  readonly hasChildren: boolean;
  readonly container?: string;
}

/** `GET /porthole/v1/capacity`: what the host has for all its cgroups together. */
export interface HostCapacity {
  readonly at: number;
  readonly cpus: number;
  /** Nanoseconds of CPU time since boot, all CPUs, idle time included, and idle time alone. */
  readonly cpuTime: number;
  readonly cpuIdle: number;
  /** Bytes. */
  readonly memory: { readonly total: number; readonly available: number };
  readonly swap: { readonly total: number; readonly free: number };
  readonly processes: { readonly current: number; readonly limit: number };
  /** The whole machine's. */
  readonly pressure?: Readonly<Partial<Record<'cpu' | 'memory' | 'io', Pressure>>>;
}

export interface Pressure {
  readonly some: { readonly avg10: number; readonly avg60: number; readonly total: number };
  readonly full?: { readonly avg10: number; readonly avg60: number; readonly total: number };
}

export type NamespaceKind = 'mnt' | 'pid' | 'net' | 'ipc' | 'uts' | 'cgroup' | 'user' | 'time';
