import { PortholeError } from '../../base/errors.ts';
import type { Container } from './container.ts';
import { announce, type Engine } from './engine.ts';
import { isRestarting, notModified, notRunning } from './errors.ts';
import { thaw } from './freezer.ts';
import { signalNumber } from './signals.ts';
import { hasProcess } from './state.ts';
import { nextExit } from './waiting.ts';

const SIGTERM = 15;
const SIGKILL = 9;
/** Seconds between the stop signal and SIGKILL when neither the user nor the container says. */
const defaultGrace = 10;
/** Milliseconds: a process that SIGKILL does not end is stuck in the kernel. */
const killPatience = 10_000;

export interface StopOptions {
  readonly seconds?: number;
  readonly signal?: string;
  readonly abort: AbortSignal;
}

/** Stop signal, grace, SIGKILL. The lock is not held: the exit's own handling takes it. */
export async function stop(
  engine: Engine,
  container: Container,
  options: StopOptions & { readonly purpose: 'stop' | 'restart' },
): Promise<void> {
  if (await cancelRetry(engine, container)) return;
  if (!hasProcess(container.record.state.status)) throw notModified(`Container ${container.id} is already stopped`);
  const signal = options.signal ? signalNumber(options.signal) : stopSignal(container);
  const seconds = options.seconds ?? container.record.config.StopTimeout ?? defaultGrace;
  container.stopping = options.purpose;
  container.change({ manuallyStopped: true });
  try {
    const ended = nextExit(container, options.abort);
    // Whoever fails first, nobody is left with a rejection that is not handled.
    ended.catch(() => undefined);
    await sendSignal(engine, container, signal);
    const intime = seconds < 0 ? await ended.then(() => true) : await within(ended, seconds * 1000);
    if (!intime) await killNow(engine, container, ended);
    announce(engine, container, 'stop');
  } finally {
    container.stopping = undefined;
  }
}

/** SIGKILL, and the wait for the exit that must follow. */
export async function killNow(engine: Engine, container: Container, ended: Promise<unknown>): Promise<void> {
  if (hasProcess(container.record.state.status)) await sendSignal(engine, container, SIGKILL);
  if (!(await within(ended, killPatience))) {
    throw new PortholeError('internal', 'tried to kill container, but did not receive an exit event');
  }
}

/** `docker kill`. */
export async function kill(engine: Engine, nameOrId: string, given: string | undefined): Promise<void> {
  const signal = given ? signalNumber(given) : SIGKILL;
  const container = runningOne(engine, nameOrId);
  // As Docker sees it, a signal that is meant to end the container is a user's stop.
  if (signal === SIGKILL || signal === stopSignal(container)) container.change({ manuallyStopped: true });
  await sendSignal(engine, container, signal);
}

/** @throws what `find` throws, conflict when it does not run; in dockerd's longer words. */
function runningOne(engine: Engine, nameOrId: string): Container {
  try {
    const container = engine.registry.find(nameOrId);
    const { status } = container.record.state;
    if (status === 'restarting') throw isRestarting(container.id);
    if (!hasProcess(status)) throw notRunning(container.id);
    return container;
  } catch (cause) {
    if (!(cause instanceof PortholeError)) throw cause;
    throw new PortholeError(cause.kind, `Cannot kill container: ${nameOrId}: ${cause.message}`, { cause });
  }
}

/** Sends a signal to the initial process. A frozen one gets it when it is thawed, so it is thawed for the ones that end it. */
async function sendSignal(engine: Engine, container: Container, signal: number): Promise<void> {
  container.life?.shim.signal(signal);
  announce(engine, container, 'kill', { signal: String(signal) });
  if (container.record.state.status !== 'paused') return;
  if (signal !== SIGKILL && signal !== stopSignal(container)) return;
  await engine.locks.run(container.id, async () => {
    if (container.record.state.status !== 'paused') return;
    await thaw(engine, container);
    container.move('unpaused');
    announce(engine, container, 'unpause');
  });
}

/** Takes back the next attempt of a restart policy. True when the container was between two attempts. */
export async function cancelRetry(engine: Engine, container: Container): Promise<boolean> {
  return engine.locks.run(container.id, async () => {
    if (container.record.state.status !== 'restarting') return false;
    container.retry?.cancel();
    container.change({ manuallyStopped: true });
    container.move('gave-up');
    await container.save();
    announce(engine, container, 'stop');
    container.exited.emit({ exitCode: container.record.state.exitCode, error: container.record.state.error });
    return true;
  });
}

function stopSignal(container: Container): number {
  const { StopSignal: given } = container.record.config;
  return given ? signalNumber(given) : SIGTERM;
}

/** True when the promise settles in time. A rejection is passed on. */
async function within(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
