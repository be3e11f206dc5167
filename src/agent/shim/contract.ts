import type { Plan } from '../plan/operations.ts';

/**
 * The shim, as the agent sees it.
 *
 * Vocabulary: a **plan** is a list of kernel operations. The **executor** runs them and reports each. A plan
 * with a `spawn` turns its shim into a **supervisor**, which lives as long as the spawned process: it holds
 * its stdio, writes its log, serves clients on a socket, reaps it, runs `after` and writes the exit record.
 *
 *   agent                         shim                               child
 *     | spawn, plan on fd 3  ---->  |                                  |
 *     |                             | host operations                  |
 *     |                             | clone ------------------------>  | child operations
 *     | <---- results, started ---- | <---- pipe closed by execve ---- | exec
 *     | <---- output, exited ------ | reaps, after, exit record        x
 *
 * `after` runs when the process has ended, and also when a step failed on the way to it: all of it, whatever fails in it.
 *
 * The shim never needs the agent: when its connection goes away it carries on, and a new agent connects to the
 * socket that `listen` opened and is told the state first.
 */
export interface Shims {
  /** The shim's binary. Under the name docker-init it is the init of `docker run --init`. */
  readonly path: string;

  /**
   * Runs a plan with a spawn. Resolves when the child has executed its program; a failed step rejects with `PlanFailed`.
   * An abort kills what was started, waits for its clean-up and rejects with `canceled`.
   */
  start(plan: Plan, options: StartOptions): Promise<StartedShim>;

  /**
   * Connects to a running shim by its socket. One that was stopped (SIGSTOP, a debugger) answers when it goes on.
   * @throws not-found when nothing listens there, unavailable when it does not answer as a shim does, canceled
   */
  connect(socket: string, options?: ConnectOptions): Promise<StartedShim>;

  /** Opens an executor for a stream of operations without a spawn: mknod, xattrs, everything below a hostile root. */
  execute(): Executor;

  /** Reads an exit record. Undefined: there is none (the process has not ended, or its shim was killed). */
  readRecord(path: string): Promise<ExitRecord | undefined>;

  /** Ends the shims that were kept ready. Those that run something go on. */
  close(): Promise<void>;
}

export interface StartOptions {
  readonly signal?: AbortSignal;
  /**
   * Subscribed before the child runs, so that not a byte of its output is missed: what `attach` before `start` needs.
   * Back-pressure as in `subscribe`. It ends with the process or with `disconnect`.
   */
  readonly onOutput?: OnOutput;
}

export interface ConnectOptions {
  readonly signal?: AbortSignal;
  /** Where it writes its exit record: it may have done so by the time it is gone. */
  readonly recordPath?: string;
}

export interface StartedShim {
  /** The shim's own process. */
  readonly shimPid: number;
  /** The spawned process, as the host numbers it. */
  readonly pid: number;
  /** Milliseconds since the epoch, from the shim's clock when execve succeeded. */
  readonly startedAt: number;
  /** One result per operation id of the plan, as far as it ran. */
  readonly results: readonly OperationResult[];
  /** Settles once: the process ended, its output was delivered, `after` has run and the record is on disk. Rejects with `unavailable` if the shim vanished. */
  readonly exited: Promise<ExitRecord>;
  /**
   * Opens a view of the process's stdio on this connection. Output is delivered from now on, with back-pressure: while
   * `onOutput`'s promise is pending no more is read, and in the end the process itself waits. Dispose to stop.
   */
  subscribe(onOutput: OnOutput): { dispose(): void };
  /** Writes to the process's stdin; resolves when the process's pipe or terminal took it. */
  write(data: Uint8Array): Promise<void>;
  closeStdin(): void;
  resize(size: { readonly rows: number; readonly columns: number }): void;
  /**
   * Told when the plan's `watchMemory` saw something happen: the cgroup's files say what. On v1 that is just before the
   * kernel kills. What was told before the first listener is told to it. Dispose to stop.
   */
  onMemory(listener: () => void): { dispose(): void };
  /** Sends a signal to the spawned process; safe against pid reuse because the shim has not reaped it. */
  signal(signal: number): void;
  /** Lets go of the connection. The process goes on. */
  disconnect(): void;
}

export type OnOutput = (chunk: Output) => void | Promise<void>;

export interface Output {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Buffer;
}

export interface OperationResult {
  readonly id: number;
  /** 0 or an errno number. */
  readonly errno: number;
  readonly nanoseconds: number;
  /** What `read` read. */
  readonly data?: Buffer;
}

export interface ExitRecord {
  /** 0 to 255: the code, or 128 + the signal. */
  readonly exitCode: number;
  readonly signal?: number;
  /** Milliseconds since the epoch. */
  readonly exitedAt: number;
  /** Results of the plan's `after` list. */
  readonly after: readonly OperationResult[];
}

/** Runs operations without a child, in order. The first failure ends it. */
export interface Executor {
  /** Runs a plan and resolves with its results, `read` data included. @throws PlanFailed */
  run(plan: Plan): Promise<OperationResult[]>;
  /** As `run`, but every operation runs, and a failed one says so in its result alone: for looking at what may not be there. */
  ask(operations: Plan['operations']): Promise<OperationResult[]>;
  /**
   * Sends operations without waiting for their results: fast for thousands of them. Resolves when the connection took
   * them (back-pressure). A failure surfaces at the next call or at `close`.
   */
  send(operations: Plan['operations']): Promise<void>;
  /** Waits for everything sent. @throws PlanFailed */
  close(): Promise<void>;
  /** Kills it; what was done stays done. */
  abort(): void;
}
