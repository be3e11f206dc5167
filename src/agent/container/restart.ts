import { isKind } from '../../base/errors.ts';
import type { Container } from './container.ts';
import type { StopOptions } from './contract.ts';
import { announce, type Engine } from './engine.ts';
import { startLocked, stillThere } from './start.ts';
import { stop } from './stop.ts';

/** `docker restart`: stops what runs, then starts. Auto-remove and the restart policy hold still in between. */
export async function restart(engine: Engine, container: Container, options: StopOptions): Promise<void> {
  await stop(engine, container, { ...options, purpose: 'restart' }).catch((failure: unknown) => {
    if (!isKind(failure, 'not-modified')) throw failure;
  });
  await startAgain(engine, container);
}

export async function startAgain(engine: Engine, container: Container): Promise<void> {
  await engine.locks.run(container.id, async () => {
    stillThere(engine, container, container.id);
    await startLocked(engine, container, { by: 'user' });
  });
  announce(engine, container, 'restart');
}
