import { canceled } from '../../base/errors.ts';
import type { Container, Exit } from './container.ts';
import { isUp } from './state.ts';

/** The next exit of a container, also one whose start is still to come. */
export function nextExit(container: Container, abort?: AbortSignal): Promise<Exit> {
  return nextOf(container, 'exited', abort);
}

/** `docker wait`'s three conditions. */
export async function waitFor(
  container: Container,
  condition: 'not-running' | 'next-exit' | 'removed',
  abort: AbortSignal,
): Promise<{ exitCode: number; error?: string }> {
  const { status, exitCode, error } = container.record.state;
  const exit =
    condition === 'not-running' && !isUp(status)
      ? { exitCode, error }
      : await nextOf(container, condition === 'removed' ? 'removed' : 'exited', abort);
  return exit.error === '' ? { exitCode: exit.exitCode } : exit;
}

function nextOf(container: Container, what: 'exited' | 'removed', abort?: AbortSignal): Promise<Exit> {
  return new Promise((resolve, reject) => {
    const done = (settle: () => void) => {
      for (const each of listening) each.dispose();
      abort?.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = () => done(() => reject(canceled('waiting for the container')));
    const listening = [
      container[what].on((exit) => done(() => resolve(exit))),
      // A container that goes away without another exit ends every wait.
      ...(what === 'exited' ? [container.removed.on((exit) => done(() => resolve(exit)))] : []),
    ];
    if (abort?.aborted) onAbort();
    else abort?.addEventListener('abort', onAbort, { once: true });
  });
}
