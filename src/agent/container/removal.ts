import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { conflict, noSuchContainer, removalInProgress } from './errors.ts';
import { removeLocked } from './remove.ts';
import { SIGKILL } from './signals.ts';
import { hasProcess, isUp } from './state.ts';
import { carryOut, stopRetrying } from './stop.ts';
import { stoppingNow } from './stopping.ts';

/** `docker rm`. With `force` what runs is killed first. */
export async function remove(
  engine: Engine,
  container: Container,
  options: { readonly force: boolean; readonly volumes: boolean },
): Promise<void> {
  for (let isGone = false; !isGone; ) {
    await end(engine, container, options);
    isGone = await engine.locks.run(container.id, async () => {
      // It may have removed itself (--rm) meanwhile, or somebody else has.
      if (!engine.registry.has(container)) {
        if (options.force) return true;
        throw noSuchContainer(container.id);
      }
      if (!options.force) checkIdle(container);
      // A start was under way: its process must not outlive the container.
      if (isUp(container.record.state.status)) return false;
      await removeLocked(engine, container, { volumes: options.volumes });
      return true;
    });
  }
}

async function end(
  engine: Engine,
  container: Container,
  { force, volumes }: { readonly force: boolean; readonly volumes: boolean },
): Promise<void> {
  const { status } = container.record.state;
  if (status === 'removing') throw removalInProgress(container.id);
  if (!force) {
    if (status === 'restarting') throw running(container.id, 'restarting');
    checkIdle(container);
    return;
  }
  if (!isUp(status)) return;
  if (container.unreachable) throw container.unreachable;
  const stopping = stoppingNow({ by: 'remove', signal: SIGKILL, volumes });
  if (await stopRetrying(engine, container, stopping)) return;
  if (hasProcess(container.record.state.status)) await carryOut(engine, container, stopping);
}

function checkIdle(container: Container): void {
  const { status } = container.record.state;
  if (status === 'running') throw running(container.id, 'running');
  if (status === 'paused') {
    throw conflict(
      `You cannot remove a paused container ${container.id}. Unpause and then stop the container before attempting removal or force remove`,
    );
  }
}

const running = (id: string, state: string) =>
  conflict(
    `You cannot remove a ${state} container ${id}. Stop the container before attempting removal or force remove`,
  );
