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
  };
  readonly pids?: { readonly current: number; readonly limit?: number; readonly refused: number };
  readonly io?: {
    readonly readBytes: number;
    readonly writeBytes: number;
    readonly reads: number;
    readonly writes: number;
  };
  /** Pressure stall averages in percent over 10 s and total microseconds. */
  readonly pressure?: Readonly<Partial<Record<'cpu' | 'memory' | 'io', Pressure>>>;
}

export interface Pressure {
  readonly some: { readonly avg10: number; readonly avg60: number; readonly total: number };
  readonly full?: { readonly avg10: number; readonly avg60: number; readonly total: number };
}

export type NamespaceKind = 'mnt' | 'pid' | 'net' | 'ipc' | 'uts' | 'cgroup' | 'user' | 'time';
