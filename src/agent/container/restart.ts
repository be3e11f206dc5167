import { isKind, messageOf, PortholeError } from '../../base/errors.ts';
import type { Container } from './container.ts';
import type { StopOptions } from './contract.ts';
import { announce, type Engine } from './engine.ts';
import { StartFailed } from './errors.ts';
import { startLocked, stillThere } from './start.ts';
import { stop } from './stop.ts';

/**
 * `docker restart`: stops what runs, then starts. Auto-remove and the restart policy hold still in between.
 * @param options.given how the user named it
 * @throws internal in dockerd's words when it cannot start again
 */
export async function restart(
  engine: Engine,
  container: Container,
  options: StopOptions & { readonly given: string },
): Promise<void> {
  await stop(engine, container, { ...options, purpose: 'restart' }).catch((failure: unknown) => {
    if (!isKind(failure, 'not-modified')) throw failure;
  });
  await startAgain(engine, container).catch((cause: unknown) => {
    if (!(cause instanceof StartFailed)) throw cause;
    throw new PortholeError('internal', `Cannot restart container ${options.given}: ${messageOf(cause)}`, { cause });
  });
}

export async function startAgain(engine: Engine, container: Container): Promise<void> {
  await engine.locks.run(container.id, async () => {
    stillThere(engine, container, container.id);
    await startLocked(engine, container, { by: 'user' });
  });
  announce(engine, container, 'restart');
}
