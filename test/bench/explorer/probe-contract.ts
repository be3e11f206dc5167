/**
 * What a second extension in the extension host under measurement answers: times as the extension host has them, its memory,
 * and VS Code's own part of what is measured. Times are milliseconds since the epoch, so that those of two processes of one
 * machine can be compared; shapes are all JSON.
 */
export interface ProbeAnswers {
  process: { readonly pid: number; readonly heapUsed: number; readonly heapTotal: number; readonly external: number };
  /** Connects the only host; resolves when its lists are there. When the answers with them had been read. */
  connect: { readonly containers: number; readonly images: number };
  disconnect: { readonly done: true };
  /** Milliseconds of each of a number of `GET /_ping` through the host's channel. */
  roundTrips: readonly number[];
  /** When a command was called. */
  execute: { readonly begun: number };
  /** An empty panel: one row, with a script and a style sheet of its own. */
  panel: { readonly begun: number };
  /** A diff of two documents in memory. */
  plainDiff: { readonly begun: number };
  closeEditors: { readonly done: true };
  profileStart: { readonly done: true };
  /** A V8 profile, as `.cpuprofile` files hold it. */
  profileStop: { readonly profile: object };
}

export type ProbeName = keyof ProbeAnswers;

export interface ProbeQuestion {
  /** Of `execute`. */
  readonly command?: string;
  readonly argument?: object;
  /** Of `plainDiff`. */
  readonly left?: string;
  readonly right?: string;
  /** Of `panel`: the path of the folder its script and style sheet are in. */
  readonly folder?: string;
}

/** Names the socket that it listens on. */
export const probeVariable = 'PORTHOLE_BENCH_PROBE';
