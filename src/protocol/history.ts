import type { Trace } from './trace.ts';

/** Why a container's initial process ended. */
export interface Ending {
  /** 0 to 255; 128 + the signal that ended it. */
  readonly exitCode: number;
  readonly signal?: number;
  readonly cause: EndingCause;
  /** The kernel killed in its cgroup for lack of memory during this life. Limit and peak in bytes, where they are known. */
  readonly outOfMemory?: { readonly kills: number; readonly limit?: number; readonly peak?: number };
  /** The last word of its health check. */
  readonly health?: 'starting' | 'healthy' | 'unhealthy';
}

export type EndingCause =
  /** By itself: it returned, or its program ended. */
  | { readonly kind: 'exited' }
  /** A user's stop, restart or removal; it ended within the grace. */
  | { readonly kind: 'stopped'; readonly by: StopPurpose; readonly signal: number }
  /** So too, but the grace ran out and SIGKILL followed. */
  | { readonly kind: 'grace-over'; readonly by: StopPurpose; readonly signal: number; readonly seconds: number }
  /** A user's `docker kill`. */
  | { readonly kind: 'killed'; readonly signal: number }
  | { readonly kind: 'out-of-memory' }
  /** A signal that the engine did not send: of a process inside, or of the host. */
  | { readonly kind: 'signal'; readonly signal: number }
  /** The shim was killed, or the machine went down: nobody saw the end. */
  | { readonly kind: 'supervisor-lost' };

export type StopPurpose = 'stop' | 'restart' | 'remove';

/** What happened to a container, one thing at a time. */
export type HistoryEvent =
  | { readonly event: 'created'; readonly image: string; readonly imageId: string }
  /** `trace` is in the history of one container, unless it was asked without. */
  | { readonly event: 'started'; readonly pid: number; readonly trace?: Trace }
  /** `step` is the rendered operation that failed. */
  | {
      readonly event: 'start-failed';
      readonly exitCode: number;
      readonly error: string;
      readonly step?: string;
      readonly trace?: Trace;
    }
  | { readonly event: 'paused' | 'unpaused' | 'stopped' | 'restarted' | 'updated' | 'removed' }
  | { readonly event: 'out-of-memory' }
  /** A signal was sent for a user. */
  | { readonly event: 'signaled'; readonly signal: number }
  | { readonly event: 'health'; readonly status: 'starting' | 'healthy' | 'unhealthy' }
  | { readonly event: 'renamed'; readonly oldName: string }
  /** `restartIn`: milliseconds until the restart policy's next attempt. */
  | { readonly event: 'ended'; readonly ending: Ending; readonly restartIn?: number };

/** `GET /porthole/v1/history` and `GET /porthole/v1/containers/{id}/history`: a list of these, oldest first. */
export type HistoryEntry = {
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly id: string;
  /** The container's name then. */
  readonly name: string;
} & HistoryEvent;
