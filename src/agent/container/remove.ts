import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTrees } from '../shim/remove-tree.ts';
import type { Container } from './container.ts';
import { announce, containersRoot, type Engine } from './engine.ts';
import { markVolumes, releaseVolumes } from './volumes.ts';

/** A directory with this prefix below DATA_ROOT/containers is on its way out: start-up finishes what a crash left. */
export const removingPrefix = '.removing-';

/** Removes a container that does not run; its lock is held. */
export async function removeLocked(
  engine: Engine,
  container: Container,
  options: { readonly volumes: boolean },
): Promise<void> {
  const last = container.record.state;
  container.retry?.cancel();
  container.move('removing');
  const doomed = join(containersRoot(engine), `${removingPrefix}${container.id}`);
  try {
    await container.letGo();
    if (options.volumes) await markVolumes(container);
    // One rename takes the container out of the world whole; what follows can be cut off at any point.
    await rename(container.directory, doomed);
  } catch (failure) {
    container.move('broke', { error: String(failure) });
    throw failure;
  }
  engine.registry.delete(container);
  for (const exec of container.execs.keys()) engine.execs.delete(exec);
  const released = await Promise.allSettled([releaseVolumes(engine, container.record, { remove: options.volumes })]);
  announce(engine, container, 'destroy');
  container.output.end();
  container.removed.emit({ exitCode: last.exitCode, error: last.error });
  await removeTrees(engine, [container.runtime, doomed]);
  for (const each of released) if (each.status === 'rejected') throw each.reason;
}
