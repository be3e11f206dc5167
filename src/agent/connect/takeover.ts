import { setTimeout as pause } from 'node:timers/promises';
import { errnoOf, PortholeError } from '../../base/errors.ts';
import { isHeld, type LockHolder, type ProcessLock, takeProcessLock } from '../sys/process-lock.ts';
import { endProcess, killProcess } from '../sys/signals.ts';
import { askToHandOver } from './running-agent.ts';

/** Milliseconds for the old agent's requests to end and its records to reach the disk. */
const patience = 15_000;

const staysOn = (holder: LockHolder, dataRoot: string) =>
  new PortholeError('unavailable', `the agent (pid ${holder.pid}) on ${dataRoot} cannot be ended`);

/**
 * Follows the agent that runs: it stops listening, lets go of its containers and of the lock.
 *
 *   new                              old
 *    | POST /porthole/v1/handover ->  | stops listening (the socket's name is free)
 *    | <---------------------- 200 -  |
 *    | `onFree`: listens              | lets its requests end, saves, lets go of the lock, ends
 *    | waits for the lock             x
 *    | adopts, answers
 *
 * One that does not know the request gets SIGTERM, which means the same. One that does not end is killed: no
 * container needs it.
 */
export async function takeOver(
  dataRoot: string,
  options: { readonly socket: string; readonly holder: LockHolder; onFree(): Promise<void> },
): Promise<ProcessLock> {
  const { socket, holder } = options;
  const isAsked = await askToHandOver(socket).catch((failure: unknown) => {
    // It is ending already, or was killed meanwhile, or hangs.
    if (failure instanceof Error && errnoOf(failure) !== 'ENOTSOCK') return false;
    throw failure;
  });
  if (isAsked) await options.onFree();
  else endProcess(holder.pid);
  const deadline = Date.now() + patience;
  for (let isKilled = false; ; ) {
    const taken = await takeProcessLock(dataRoot, 'agent.lock');
    if (!isHeld(taken)) return taken;
    // Somebody else was faster.
    if (taken.pid !== holder.pid) throw new PortholeError('conflict', `another agent (pid ${taken.pid}) took over`);
    if (Date.now() > deadline + 5_000) throw staysOn(holder, dataRoot);
    if (Date.now() > deadline && !isKilled) {
      isKilled = true;
      killProcess(holder.pid);
    }
    await pause(5);
  }
}
