import { isKind, PortholeError } from '../../base/errors.ts';
import type { Container } from './container.ts';
import { announce, type Engine } from './engine.ts';
import { invalid } from './errors.ts';
import { checkName } from './names.ts';

/** `docker rename`; the lock is held. */
export async function rename(engine: Engine, container: Container, given: string): Promise<void> {
  const before = container.record.name;
  if (given === '') throw invalid('Neither old nor new names may be empty');
  if (given.replace(/^\//, '') === before) throw invalid('Renaming a container with the same name as its current name');
  const name = takeName(engine, container, given);
  container.change({ name });
  try {
    await container.save();
  } catch (failure) {
    container.change({ name: before });
    engine.registry.release(name, container.id);
    throw failure;
  }
  engine.registry.release(before, container.id);
  announce(engine, container, 'rename', { oldName: `/${before}` });
}

function takeName(engine: Engine, container: Container, given: string): string {
  try {
    // dockerd puts the slash before it looks at the name, and shows it.
    const name = checkName(given.startsWith('/') ? given : `/${given}`);
    engine.registry.reserve(name, container.id);
    return name;
  } catch (cause) {
    if (!isKind(cause, 'conflict') && !isKind(cause, 'invalid')) throw cause;
    throw new PortholeError(cause.kind, `Error when allocating new name: ${cause.message}`, { cause });
  }
}
