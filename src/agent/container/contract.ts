import type { Duplex, Readable } from 'node:stream';
import type { ContainerConfig, HostConfig, UpdateBody } from '../../protocol/docker.ts';
import type { Ending, HistoryEntry } from '../../protocol/history.ts';
import type { ReadOfContainer } from '../../protocol/layers.ts';
import type { PlannedContainer, PlanView, Trace } from '../../protocol/trace.ts';
import type { CgroupReading } from '../../protocol/usage.ts';
import type { UpdatePlan } from '../../protocol/usage-history.ts';
import type { DockerFigures } from '../cgroup/docker-figures.ts';
import type { FileRoot } from '../files/contract.ts';
import type { LayeredImage } from '../layers/contract.ts';
import type { HistoryQuery } from './history.ts';

/**
 * Containers: view-isolated, resource-limited sets of processes with their own file system.
 *
 * A container lives as long as its initial process. Its record (`DATA_ROOT/containers/ID/container.json`) and its
 * OCI bundle (`config.json`, `rootfs/`) outlive it; its shim's files are in `EXEC_ROOT/containers/ID`.
 * States and moves are a pure table in `state.ts`. Every public method takes a name, an id or a unique id prefix
 * and throws not-found `No such container: X`.
 */
export interface Containers {
  create(options: CreateOptions): Promise<{ id: string; warnings: string[] }>;
  /** What `create` and `start` would do and say, found out without doing any of it. Throws what they would. */
  planFor(options: CreateOptions): Promise<PlannedContainer>;
  list(): ContainerRecord[];
  get(nameOrId: string): ContainerRecord;
  /** @throws not-modified when it runs already; invalid (400) with exit code 126/127 wording when the program cannot be executed. */
  start(nameOrId: string): Promise<void>;
  /** Stop signal, grace, SIGKILL. @throws not-modified when it does not run. */
  stop(nameOrId: string, options: StopOptions): Promise<void>;
  restart(nameOrId: string, options: StopOptions): Promise<void>;
  kill(nameOrId: string, signal: string | undefined): Promise<void>;
  pause(nameOrId: string): Promise<void>;
  unpause(nameOrId: string): Promise<void>;
  /** Resolves with the exit. `condition` as in Docker's API. */
  wait(
    nameOrId: string,
    condition: 'not-running' | 'next-exit' | 'removed',
    abort: AbortSignal,
  ): Promise<{ exitCode: number; error?: string }>;
  rename(nameOrId: string, name: string): Promise<void>;
  /** Changes limits and the restart policy; 0 and empty leave what there is. @throws conflict, invalid, internal with nothing changed */
  update(nameOrId: string, change: UpdateBody): Promise<{ warnings: string[] }>;
  /** What `update` would write. Nothing is changed; throws what it would before the kernel is asked. */
  updatePlan(nameOrId: string, change: UpdateBody): Promise<UpdatePlan>;
  remove(nameOrId: string, options: { force: boolean; volumes: boolean }): Promise<void>;
  resize(nameOrId: string, size: { rows: number; columns: number }): Promise<void>;
  /** May be called before `start`: the streams are then those of the next life. */
  attach(nameOrId: string, options: AttachOptions): Promise<AttachedStreams>;
  logs(nameOrId: string, options: LogOptions): LogStream;

  execCreate(nameOrId: string, options: ExecOptions): Promise<{ id: string }>;
  /** Resolves when the program runs; its streams follow. */
  execStart(
    execId: string,
    options: { detach: boolean; tty: boolean; size?: { rows: number; columns: number } },
  ): Promise<AttachedStreams | undefined>;
  execResize(execId: string, size: { rows: number; columns: number }): Promise<void>;
  execInspect(execId: string): ExecRecord;
  /** Ids of the execs that run or are about to, oldest first (inspect's ExecIDs). */
  execIds(nameOrId: string): string[];

  plan(nameOrId: string): Promise<PlanView>;
  trace(nameOrId: string): Promise<Trace>;
  /** What happened to a container, oldest first, also to one that is gone. @throws not-found */
  history(nameOrId: string, query: HistoryQuery): Promise<HistoryEntry[]>;
  /** What happened to all of them. */
  wholeHistory(query: HistoryQuery): Promise<HistoryEntry[]>;
  reading(nameOrId: string): Promise<CgroupReading>;
  /** Of every container that has processes. */
  liveCgroups(): LiveCgroup[];
  /** What Docker's stats hold beside it. */
  figures(nameOrId: string): Promise<DockerFigures>;
  /** Host pids of every process in it, initial process first. */
  pids(nameOrId: string): Promise<number[]>;
  /** `docker diff`: kind 0 modified, 1 added, 2 deleted; sorted by path, paths absolute. */
  changes(nameOrId: string): Promise<{ Path: string; Kind: 0 | 1 | 2 }[]>;
  /** What lies at a path of its files. @throws not-found in dockerd's words */
  pathStatus(nameOrId: string, options: PathOptions): Promise<PathStatus>;
  /** A file or directory of it as a tar archive. */
  readArchive(nameOrId: string, options: PathOptions): Promise<{ stat: PathStatus; stream: Readable }>;
  /** Unpacks a tar archive (plain, gzip or zstd) into a directory of it. */
  writeArchive(nameOrId: string, options: WriteArchiveOptions): Promise<void>;
  /** Its files with what is mounted there, whether it runs or not. What is written stays. */
  visit<T>(nameOrId: string, options: VisitOptions, task: (visited: VisitedFiles) => Promise<T>): Promise<T>;
  /**
   * A container as the layers of its image, the engine's own on top of them, and its writable layer as the last; for as long
   * as the task takes. @throws unsupported where that layer is only a part of one
   */
  withLayers<T>(nameOrId: string, signal: AbortSignal, task: (layers: ContainerLayers) => Promise<T>): Promise<T>;
  /** Its root file system as a tar archive, without volumes. */
  export(nameOrId: string, signal: AbortSignal): Promise<Readable>;
  /** Makes an image of it. @returns the image's id */
  commit(nameOrId: string, request: CommitRequest): Promise<string>;
  /** Directory of the writable layer. */
  upper(nameOrId: string): string;
}

/** Where a container's processes are counted, as long as one life lasts. */
export interface LiveCgroup {
  readonly id: string;
  /** Below the root of each hierarchy, with a leading slash. */
  readonly path: string;
  /** When that life began: another one counts from zero. */
  readonly startedAt: string;
}

export interface StopOptions {
  /** Of grace; below 0: for ever. Undefined: the container's own, else 10. */
  readonly seconds?: number;
  /** Undefined: the container's own, else SIGTERM. */
  readonly signal?: string;
}

export interface PathOptions {
  /** As the client wrote it: relative means from the root; a slash or `/.` at the end means the directory itself. */
  readonly path: string;
  readonly signal: AbortSignal;
}

/** What the header X-Docker-Container-Path-Stat holds. */
export interface PathStatus {
  readonly name: string;
  readonly size: number;
  /** Bits of Go's os.FileMode. */
  readonly mode: number;
  /** RFC 3339 */
  readonly mtime: string;
  /** Where a symbolic link leads, as a path of the container; '' for anything else. */
  readonly linkTarget: string;
}

export interface VisitOptions {
  readonly writable: boolean;
  readonly signal: AbortSignal;
}

export interface VisitedFiles {
  readonly root: FileRoot;
  /** @throws forbidden where a read-only mount or root file system lies; a running container's kernel says so by itself. */
  checkWritable(path: string): void;
}

export interface ContainerLayers {
  readonly image: LayeredImage;
  readonly read: ReadOfContainer;
}

export interface WriteArchiveOptions extends PathOptions {
  readonly archive: Readable;
  /** A directory is not replaced by something else, nor the other way round. */
  readonly keepKinds: boolean;
  /** Everything belongs to the user of the container. */
  readonly ownUser: boolean;
}

export interface CommitRequest {
  readonly author: string;
  readonly comment: string;
  /** Dockerfile instructions that change the image's config. */
  readonly changes: readonly string[];
  /** What the image's config begins with, instead of the container's. */
  readonly config?: ContainerConfig;
  readonly reference?: string;
  /** Freeze it meanwhile. */
  readonly pause: boolean;
  readonly signal: AbortSignal;
}

export interface CreateOptions {
  /** 64 hexadecimal digits, for whoever has to know it before there is a container; random unless told. */
  readonly id?: string;
  readonly name?: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** As clients before API 1.44 expect it: what is mounted below a read-only mount stays as it is. */
  readonly readOnlyNonRecursive?: boolean;
}

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface ContainerRecord {
  readonly id: string;
  /** Without a leading slash. */
  readonly name: string;
  /** RFC 3339 with nanoseconds. */
  readonly created: string;
  /** The image as the user named it, and its id. */
  readonly image: string;
  readonly imageId: string;
  /** The effective program: entrypoint followed by command. */
  readonly path: string;
  readonly args: readonly string[];
  /** Config merged with the image's. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly state: ContainerState;
  readonly restartCount: number;
  readonly logPath: string;
  readonly bundle: string;
  /** What is mounted on the user's or the image's wish, sorted by destination. */
  readonly mounts: readonly MountPoint[];
  /** Files of the engine that are bound over /etc/hostname, /etc/hosts and /etc/resolv.conf; '' when something else is. */
  readonly hostnamePath: string;
  readonly hostsPath: string;
  readonly resolvConfPath: string;
}

/** One mount in the shape of Docker's `Mounts` (inspect and list). */
export interface MountPoint {
  readonly Type: 'bind' | 'tmpfs' | 'volume';
  /** Only for volumes: an anonymous volume's 64 hex digits. */
  readonly Name?: string;
  /** Absolute on the host; '' for tmpfs. */
  readonly Source: string;
  readonly Destination: string;
  readonly Driver?: string;
  /** What followed the destination in a bind, for example 'ro' or 'z'. */
  readonly Mode: string;
  readonly RW: boolean;
  readonly Propagation: string;
  /** Path below the volume that is mounted instead of the whole. */
  readonly subpath?: string;
}

export interface ContainerState {
  readonly status: ContainerStatus;
  /** 0 when not running. */
  readonly pid: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly error: string;
  /** RFC 3339 with nanoseconds; '0001-01-01T00:00:00Z' for never. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Absent without a health check, and before the first start. */
  readonly health?: HealthState;
  /** Why the last life ended. */
  readonly ending?: Ending;
}

export interface HealthState {
  readonly status: 'starting' | 'healthy' | 'unhealthy';
  /** Failed probes in a row. */
  readonly failingStreak: number;
  /** The last results, oldest first. */
  readonly log: readonly ProbeResult[];
}

export interface ProbeResult {
  /** RFC 3339 with nanoseconds. */
  readonly start: string;
  readonly end: string;
  /** -1: it could not be run, or took too long. */
  readonly exitCode: number;
  /** At most 4096 bytes, and '...' where there was more. */
  readonly output: string;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Replay the log first. */
  readonly logs: boolean;
  /** Go on with live output. */
  readonly stream: boolean;
  /** Docker's detach keys, for example 'ctrl-p,ctrl-q'. */
  readonly detachKeys?: string;
}

/**
 * One duplex as Docker's clients see it: raw bytes with a terminal, frames of
 * [stream, 0, 0, 0, length (u32 BE)] + data without one. Ends when the process's output ends or the client detaches.
 */
export interface AttachedStreams {
  readonly tty: boolean;
  readonly duplex: Duplex;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Seconds since the epoch with fraction; undefined: no bound. */
  readonly since?: number;
  readonly until?: number;
  readonly timestamps: boolean;
  /** The attributes that the log options choose, before each line. */
  readonly details?: boolean;
  /** Last lines; undefined: all. */
  readonly tail?: number;
  readonly signal: AbortSignal;
}

export interface LogStream {
  readonly tty: boolean;
  /** Framed like `AttachedStreams` unless `tty`. */
  readonly stream: Readable;
}

export interface ExecOptions {
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  readonly tty: boolean;
  readonly privileged: boolean;
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  readonly detachKeys?: string;
  /** Of its terminal, unless its start says another. */
  readonly size?: TerminalSize;
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface ExecRecord {
  readonly id: string;
  readonly containerId: string;
  readonly options: ExecOptions;
  readonly running: boolean;
  /** Undefined while it has not ended. */
  readonly exitCode?: number;
  /** Host pid, 0 before it ran. */
  readonly pid: number;
}
