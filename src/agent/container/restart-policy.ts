import type { ExitRecord } from '../shim/contract.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';

/** Milliseconds: Docker's back-off begins here, doubles to the longest, and begins anew after a run of `settled`. */
const shortest = 100;
const longest = 60_000;
const settled = 10_000;

export interface Retry {
  /** Milliseconds until then. */
  readonly delay: number;
  schedule(engine: Engine): void;
}

/** The restart that a container's policy asks for after an exit; undefined: it stays down. */
export function planRetry(container: Container, exit: Pick<ExitRecord, 'exitCode' | 'exitedAt'>): Retry | undefined {
  const { record } = container;
  // dockerd's rule: a signal of a user's that is meant to end it keeps the policy from acting on this life's end.
  if (record.stopping || !wantsRestart(record, exit.exitCode)) return undefined;
  container.backOff = nextBackOff(container.backOff, exit.exitedAt - Date.parse(record.state.startedAt));
  return { delay: container.backOff, schedule: (engine) => scheduleRestart(engine, container) };
}

/** @param before milliseconds of the last wait, 0 for none. @param ran milliseconds that the life lasted. */
export function nextBackOff(before: number, ran: number): number {
  return before === 0 || ran >= settled ? shortest : Math.min(before * 2, longest);
}

/** What a policy says about an exit, as dockerd's does: `always` starts again also what a signal of the user's has ended. */
export function wantsRestart(
  record: Pick<Container['record'], 'hostConfig' | 'manuallyStopped' | 'restartCount'>,
  exitCode: number,
): boolean {
  const { Name: policy = 'no', MaximumRetryCount: most = 0 } = record.hostConfig.RestartPolicy ?? {};
  if (policy === 'always') return true;
  if (policy === 'unless-stopped') return !record.manuallyStopped;
  return policy === 'on-failure' && exitCode !== 0 && (most === 0 || record.restartCount < most);
}

export function scheduleRestart(engine: Engine, container: Container): void {
  const timer = setTimeout(() => {
    container.retry = undefined;
    engine.locks
      .run(container.id, async () => {
        if (engine.closing.aborted || container.record.state.status !== 'restarting') return;
        await engine.start(container);
      })
      // The failure is in the container's record, where everybody sees it; the policy gives up, as Docker does.
      .catch(() => undefined);
  }, container.backOff);
  container.retry = {
    cancel: () => {
      clearTimeout(timer);
      container.retry = undefined;
    },
  };
}

/** Gives the next attempt up, where one is waited for; the lock is held. */
export function cancelRetry(container: Container): boolean {
  if (container.record.state.status !== 'restarting') return false;
  container.retry?.cancel();
  container.change({ manuallyStopped: true });
  container.move('gave-up');
  return true;
}

/** A user's start: the policy counts from the beginning. */
export function forgetRestarts(container: Container): void {
  container.retry?.cancel();
  container.backOff = 0;
  container.change({ restartCount: 0 });
}
