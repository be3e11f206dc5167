import { PortholeError } from '../../base/errors.ts';
import { isWithin } from '../../base/paths.ts';
import type { FileRoot } from '../files/contract.ts';
import type { Container } from './container.ts';
import type { VisitedFiles, VisitOptions } from './contract.ts';
import type { Engine } from './engine.ts';
import { openRootOf, openRunningRoot } from './roots.ts';
import { hasProcess } from './state.ts';

const readOnly = (what: string) => new PortholeError('forbidden', `${what} is marked read-only`);

/** A container's files with what is mounted there, for as long as the task takes. */
export async function visit<T>(
  engine: Engine,
  container: Container,
  { writable, signal }: VisitOptions,
  task: (visited: VisitedFiles) => Promise<T>,
): Promise<T> {
  const inside = async (root: FileRoot): Promise<T> => {
    try {
      return await task({ root, checkWritable: (path) => checkWritable(container, path) });
    } finally {
      await root.close();
    }
  };
  const running = await openRunningRoot(engine, container, { signal });
  if (running) return inside(running);
  if (!writable) return inside(await openRootOf(engine, container, { signal }));
  // What is mounted here must not be mounted by a start at the same time.
  return engine.locks.run(container.id, async () => inside(await openRootOf(engine, container, { signal, writable })));
}

/** @throws forbidden in dockerd's words. */
function checkWritable(container: Container, path: string): void {
  const { mounts, hostConfig, state } = container.record;
  const over = mounts
    .filter(({ Destination, Type }) => {
      // A tmpfs is there only while the container runs.
      if (Type === 'tmpfs' && !hasProcess(state.status)) return false;
      return isWithin(path, Destination);
    })
    .sort((a, b) => b.Destination.length - a.Destination.length)[0];
  if (over && !over.RW) throw readOnly('mounted volume');
  if (!over && hostConfig.ReadonlyRootfs) throw readOnly('container rootfs');
}
