import type { LayerEntry } from './layers.ts';

/** `GET /porthole/v1/info` */
export interface AgentInfo {
  readonly version: string;
  readonly protocol: number;
  readonly pid: number;
  readonly dataRoot: string;
  readonly execRoot: string;
  /** Path of the unix socket. */
  readonly socket: string;
  /** Of the Node that runs the agent, for example 'v20.20.2'. */
  readonly node: string;
  readonly platform: string;
  /** 'x64' or 'arm64'. */
  readonly architecture: string;
  /** uname -r. */
  readonly kernel: string;
  readonly cgroupVersion: 1 | 2;
  /** Containers have cgroups: without root only where one was delegated to the user. */
  readonly cgroups: boolean;
  /** The engine runs as an ordinary user, in a user namespace. */
  readonly rootless: boolean;
  readonly userns: UsernsInfo;
  /** What this engine cannot do on this host, and why. Empty for an engine with root. */
  readonly unavailable: readonly { readonly feature: string; readonly reason: string }[];
  /** What `serve` was told beside its roots and its shim. */
  readonly options: readonly string[];
  /** RFC 3339. */
  readonly startedAt: string;
}

/** Whose ids containers have. */
export interface UsernsInfo {
  /** Containers that ask for nothing: the engine's own ids, one range for all of them, or a range for each. */
  readonly containers: 'host' | 'remapped' | 'auto';
  /** Of the range for all of them, and of the engine's own ids when it is rootless. */
  readonly uids?: readonly IdRangeView[];
  readonly gids?: readonly IdRangeView[];
}

/** One line of /proc/PID/uid_map: `size` ids from `inside` on are those from `outside` on. */
export interface IdRangeView {
  readonly inside: number;
  readonly outside: number;
  readonly size: number;
}

/** `GET /hello` of the stdio bridge, and the first thing that a client asks for. */
export interface Hello {
  readonly version: string;
  readonly pid: number;
  readonly platform: string;
  readonly arch: string;
  readonly node: string;
  /** Path of the agent's socket that the bridge leads to. */
  readonly socket: string;
}

/** `GET /porthole/v1/images/{name}/merged`: every entry, or with `path` the entries directly in that directory. */
export type MergedTree = readonly LayerEntry[];

/** Response header of the file routes: the file's `LayerEntry`, without `xattrs`, as JSON in base64. */
export const entryHeader = 'porthole-entry';

/**
 * Response header of every answer about a container's layers: when its writable layer was read, as `FROM/TO`
 * (two times of RFC 3339), see `ReadOfContainer`.
 */
export const readHeader = 'porthole-read';
