import type { ExitRecord } from '../shim/contract.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { hasProcess } from './state.ts';

/** Milliseconds: Docker's back-off begins here, doubles to the longest, and begins anew after a run of `settled`. */
const shortest = 100;
const longest = 60_000;
const settled = 10_000;

export interface Retry {
  schedule(engine: Engine): void;
}

/** The restart that a container's policy asks for after an exit; undefined: it stays down. */
export function planRetry(container: Container, exit: Pick<ExitRecord, 'exitCode' | 'exitedAt'>): Retry | undefined {
  if (container.stopping || container.record.manuallyStopped) return undefined;
  if (!wantsRestart(container, exit.exitCode)) return undefined;
  const ran = exit.exitedAt - Date.parse(container.record.state.startedAt);
  container.backOff = container.backOff === 0 || ran >= settled ? shortest : Math.min(container.backOff * 2, longest);
  return { schedule: (engine) => scheduleRestart(engine, container) };
}

/** A start by hand begins the counting anew. */
export function forgetRetries(container: Container): void {
  if (hasProcess(container.record.state.status)) return;
  container.backOff = 0;
  container.change({ restartCount: 0 });
}

/** What a policy says about an exit code, apart from who stopped the container. */
export function wantsRestart(container: Container, exitCode: number): boolean {
  const { Name: policy = 'no', MaximumRetryCount: most = 0 } = container.record.hostConfig.RestartPolicy ?? {};
  if (policy === 'always' || policy === 'unless-stopped') return true;
  return policy === 'on-failure' && exitCode !== 0 && (most === 0 || container.record.restartCount < most);
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
