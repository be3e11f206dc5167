import { setTimeout as delay } from 'node:timers/promises';
import { PortholeError } from '../../base/errors.ts';
import { readIfThere, writeIfThere } from '../sys/files.ts';
import type { Container } from './container.ts';
import { announce, type Engine } from './engine.ts';
import { alreadyPaused, isRestarting, notPaused, notRunning } from './errors.ts';
import { unwatchHealth, watchHealth } from './health-monitor.ts';

/** Milliseconds that a freeze may take: a process in uninterruptible sleep holds it up. */
const patience = 10_000;

/** `docker pause`; the lock is held. */
export async function pauseLocked(engine: Engine, container: Container): Promise<void> {
  const { status } = container.record.state;
  if (status === 'paused') throw alreadyPaused(container.id);
  if (status === 'restarting') throw isRestarting(container.id);
  if (status !== 'running') throw notRunning(container.id);
  try {
    await setFrozen(engine, container, true);
  } catch (failure) {
    await setFrozen(engine, container, false).catch(() => undefined);
    throw failure;
  }
  container.move('paused');
  unwatchHealth(container);
  await container.save();
  announce(engine, container, 'pause');
}

/** `docker unpause`; the lock is held. */
export async function unpauseLocked(engine: Engine, container: Container): Promise<void> {
  if (container.record.state.status !== 'paused') throw notPaused(container.id);
  await thaw(engine, container);
  await container.save();
  announce(engine, container, 'unpause');
}

/** The lock is held. */
export async function thaw(engine: Engine, container: Container): Promise<void> {
  await setFrozen(engine, container, false);
  container.move('unpaused');
  watchHealth(engine, container);
}

async function setFrozen(engine: Engine, container: Container, frozen: boolean): Promise<void> {
  const files = freezerFiles(engine, container);
  const failed = (why: string) =>
    new PortholeError('internal', `cannot ${frozen ? 'pause' : 'unpause'} container ${container.id}: ${why}`);
  const deadline = Date.now() + patience;
  do {
    // v1 gives up on a freeze when a process forks at the wrong moment; writing again goes on with it.
    // The cgroup goes with the last process; that the container has ended is noted a moment later.
    if (!(await writeIfThere(files.control, frozen ? files.freeze : files.thaw))) throw notRunning(container.id);
    if (files.isFrozen((await readIfThere(files.state)) ?? '') === frozen) return;
    await delay(5);
  } while (Date.now() < deadline);
  throw failed('the kernel did not do it in time');
}

function freezerFiles(engine: Engine, container: Container) {
  const path = container.record.cgroupPath;
  const facts = engine.host.cgroup;
  if (facts.version === 2) {
    return {
      control: `${facts.root}${path}/cgroup.freeze`,
      state: `${facts.root}${path}/cgroup.events`,
      freeze: '1',
      thaw: '0',
      isFrozen: (text: string) => /^frozen 1$/m.test(text),
    };
  }
  const hierarchy = facts.hierarchies.find((one) => one.controllers.includes('freezer'));
  if (!hierarchy) throw new PortholeError('unsupported', 'this machine has no freezer controller');
  return {
    control: `${hierarchy.root}${path}/freezer.state`,
    state: `${hierarchy.root}${path}/freezer.state`,
    freeze: 'FROZEN',
    thaw: 'THAWED',
    isFrozen: (text: string) => text.trim() === 'FROZEN',
  };
}
