import type { IdMappings } from '../oci/id-mappings.ts';
import type { Seccomp } from '../oci/runtime.ts';

/** What `compile` has to know about the host. Collected by `agent/sys/facts.ts`, plain data in tests. */
export interface HostFacts {
  readonly architecture: 'x64' | 'arm64';
  /** Numbers of uname -r, for example { major: 6, minor: 1 }. */
  readonly kernel: { readonly major: number; readonly minor: number };
  /** Highest capability number, from /proc/sys/kernel/cap_last_cap. */
  readonly lastCapability: number;
  readonly cgroup: CgroupFacts;
  /** Optional kernel features, by name: 'mqueue', 'overlay', 'seccomp', 'apparmor', 'docker-default' (an AppArmor profile), 'selinux', 'keyring', 'cgroupns', 'timens', 'userns'. */
  readonly features: ReadonlySet<string>;
  /** Online CPUs and memory nodes as lists, for example { cpus: '0-3,8', mems: '0' }. */
  readonly processors?: { readonly cpus: string; readonly mems: string };
  /** Kernel files of this machine alone that are masked beside the usual ones. */
  readonly telltales?: readonly string[];
  /**
   * Set when the engine itself is in a user namespace: its root is an ordinary user of the host. `groups` tells whether
   * setgroups(2) is allowed there.
   */
  readonly rootless?: IdMappings & { readonly groups: boolean };
  /** Names of the files in a container's cgroup, which tell the limits that the kernel has; absent: not looked at. */
  readonly limitFiles?: ReadonlySet<string>;
  /** Seccomp policies compiled before for this machine (`SeccompFilters`); without it every plan compiles its own. */
  readonly filters?: { compile(policy: Seccomp): Uint8Array };
}

export type CgroupFacts = CgroupV2 | CgroupV1;

export interface CgroupV2 {
  readonly version: 2;
  /** Where cgroup2 is mounted, for example /sys/fs/cgroup. */
  readonly root: string;
  /** cgroup.controllers of the root, or of `delegated`. */
  readonly controllers: readonly string[];
  /** A cgroup that somebody else, systemd for example, made for the engine: the ones above it are not ours to change. */
  readonly delegated?: string;
}

export interface CgroupV1 {
  readonly version: 1;
  /** Every mounted v1 hierarchy. A named hierarchy has the controller 'name=systemd' or the like. */
  readonly hierarchies: readonly { readonly root: string; readonly controllers: readonly string[] }[];
}

/** A log of several files: of at most `limit` bytes each, the newest `keep` of them, full ones numbered from `next` on. */
export interface LogRotation {
  readonly limit: number;
  readonly keep: number;
  readonly next: number;
}

/** Where the container's parts are on the host. All paths are absolute. */
export interface ContainerFacts {
  readonly id: string;
  /** The mount point of the root file system: BUNDLE/rootfs, an empty directory when not running. */
  readonly rootfs: string;
  /** The layers to be stacked at `rootfs`; undefined when `rootfs` itself is the root file system (a foreign bundle). */
  readonly overlay?: {
    /** Directory that `lowers` are relative to; the overlay is mounted from there, which keeps its options short. */
    readonly base: string;
    /** Directory names below `base`, topmost first. */
    readonly lowers: readonly string[];
    readonly upper: string;
    readonly work: string;
  };
  /**
   * Destinations of bind mounts whose source is not a directory: their mount point is an empty file. From
   * `fileBinds(spec)` of `agent/sys/binds.ts`.
   */
  readonly fileBinds?: readonly string[];
  /** Destinations of bind mounts whose source is `path` below `root`, where somebody hostile may write: the kernel keeps it there. */
  readonly beneath?: readonly { readonly destination: string; readonly root: string; readonly path: string }[];
  /** The shim's files. An empty log: nothing is kept. */
  readonly socket: string;
  readonly log: string;
  /** How the log is cut; absent: it grows. */
  readonly rotation?: LogRotation;
  readonly record: string;
  /** Keep stdin open (docker's OpenStdin). */
  readonly stdin: boolean;
}
