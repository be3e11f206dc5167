import { isKind, messageOf } from '../../base/errors.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { remove } from './removal.ts';
import { startAgain } from './restart.ts';
import { hasProcess } from './state.ts';
import { carryOut } from './stop.ts';

/** Goes on with the stop, restart, kill or forced removal in whose middle another agent ended. Nobody waits for it. */
export function resume(engine: Engine, container: Container): void {
  goOn(engine, container).catch((failure: unknown) => {
    if (engine.closing.aborted || isKind(failure, 'not-found')) return;
    const what = container.record.stopping?.by ?? 'stop';
    engine.report?.(`container ${container.id}: the ${what} that was under way: ${messageOf(failure)}`);
  });
}

async function goOn(engine: Engine, container: Container): Promise<void> {
  const { stopping, state } = container.record;
  if (!stopping) return;
  if (stopping.by === 'remove') {
    await remove(engine, container, { force: true, volumes: stopping.volumes ?? false });
    return;
  }
  if (hasProcess(state.status)) await carryOut(engine, container, stopping);
  if (stopping.by === 'restart') await startAgain(engine, container);
}
