import type { StopPurpose } from '../../protocol/history.ts';
import type { Container } from './container.ts';
import type { EndingTry } from './ending.ts';

/**
 * An end that a user asked for, from the request until it is reached. It is in the record on disk before the first signal
 * is sent, so that the next agent can go on where this one was killed, and no restart policy takes the end for the
 * container's own:
 *
 *   stop, kill   forgotten with the exit
 *   restart      forgotten with the start that follows the exit
 *   remove       goes with the record
 */
export interface Stopping {
  readonly by: StopPurpose | 'kill';
  readonly signal: number;
  /** Of grace until SIGKILL, counted from `since`; below 0: for ever. */
  readonly seconds: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Sent again it may mean something else: programs take a second SIGTERM for impatience. */
  readonly isSent: boolean;
  /** Anonymous volumes are removed too. */
  readonly volumes?: boolean;
}

export function stoppingNow(wanted: Pick<Stopping, 'by' | 'signal' | 'volumes'> & { seconds?: number }): Stopping {
  return { seconds: -1, ...wanted, since: Date.now(), isSent: false };
}

/** On a full disk a container is stopped all the same. */
export async function beginStopping(container: Container, stopping: Stopping): Promise<void> {
  container.change({ manuallyStopped: true, stopping });
  await container.save().catch(() => undefined);
}

export function noteSent(container: Container): void {
  const { stopping } = container.record;
  if (!stopping || stopping.isSent) return;
  container.change({ stopping: { ...stopping, isSent: true } });
  container.saveLater();
}

/** It cannot be done, and its user was told so. */
export async function giveUpStopping(container: Container, { by, since }: Stopping): Promise<void> {
  const { stopping } = container.record;
  if (stopping?.by !== by || stopping.since !== since) return;
  container.change({ stopping: undefined });
  await container.save().catch(() => undefined);
}

/** What is left of it when the container has ended. */
export function afterExit(stopping: Stopping | undefined): Stopping | undefined {
  return stopping?.by === 'restart' || stopping?.by === 'remove' ? stopping : undefined;
}

/** Milliseconds until SIGKILL; undefined: never. A clock that was set back does not make it longer than it was. */
export function graceLeft({ seconds, since }: Stopping, now: number): number | undefined {
  if (seconds < 0) return undefined;
  return Math.min(Math.max(0, since + seconds * 1000 - now), seconds * 1000);
}

/** What the engine did to end it, as an agent knows that did not do it itself. */
export function triedBy(stopping: Stopping, exitedAt: number): EndingTry {
  const { by, signal, seconds } = stopping;
  if (by === 'kill') return { by, signal };
  return graceLeft(stopping, exitedAt) === 0 ? { by, signal, graceOver: seconds } : { by, signal };
}
