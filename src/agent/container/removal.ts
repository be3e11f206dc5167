import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { conflict, noSuchContainer, removalInProgress } from './errors.ts';
import { removeLocked } from './remove.ts';
import { hasProcess, isUp } from './state.ts';
import { killNow, stopRetrying } from './stop.ts';
import { nextExit } from './waiting.ts';

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

async function end(engine: Engine, container: Container, options: { readonly force: boolean }): Promise<void> {
  const { status } = container.record.state;
  if (status === 'removing') throw removalInProgress(container.id);
  if (status !== 'restarting' && !options.force) checkIdle(container);
  if (status === 'restarting') {
    if (!options.force) throw running(container.id, 'restarting');
    await stopRetrying(engine, container);
  }
  if (!hasProcess(container.record.state.status)) return;
  container.stopping = 'stop';
  container.change({ manuallyStopped: true });
  try {
    await killNow(engine, container, { ended: nextExit(container), purpose: 'remove' });
  } finally {
    container.stopping = undefined;
  }
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
