import { PortholeError } from '../../base/errors.ts';
import { longestTimer } from '../../base/timer.ts';
import type { StopPurpose } from '../../protocol/history.ts';
import { killCgroup } from '../cgroup/leftovers.ts';
import type { Container } from './container.ts';
import type { StopOptions } from './contract.ts';
import { announce, type Engine } from './engine.ts';
import { invalid, notModified, notRunning } from './errors.ts';
import { thaw } from './freezer.ts';
import { cancelRetry } from './restart-policy.ts';
import { lastSignal, SIGKILL, SIGTERM, signalNumber } from './signals.ts';
import { hasProcess } from './state.ts';
import { nextExit } from './waiting.ts';

/** Seconds between the stop signal and SIGKILL when neither the user nor the container says. */
const defaultGrace = 10;
/** Milliseconds: a process that SIGKILL does not end is frozen by somebody, or stuck in the kernel. */
const killPatience = 10_000;
const thawPatience = 1_000;

/**
 * Stop signal, grace, SIGKILL. The lock is not held: the exit's own handling takes it. A client that goes away does not
 * take the stop back, as in dockerd.
 */
export async function stop(
  engine: Engine,
  container: Container,
  options: StopOptions & { readonly purpose: 'stop' | 'restart' },
): Promise<void> {
  if (await stopRetrying(engine, container)) return;
  if (!hasProcess(container.record.state.status)) throw notModified(`Container ${container.id} is already stopped`);
  const signal = options.signal ? signalNumber(options.signal) : stopSignal(container);
  const seconds = options.seconds ?? container.record.config.StopTimeout ?? defaultGrace;
  container.stopping = options.purpose;
  container.tried = { by: options.purpose, signal };
  container.change({ manuallyStopped: true });
  try {
    const ended = nextExit(container, engine.closing);
    // Whoever fails first, nobody is left with a rejection that is not handled.
    ended.catch(() => undefined);
    await sendSignal(engine, container, signal);
    const intime = seconds < 0 ? await ended.then(() => true) : await within(ended, seconds * 1000);
    if (!intime) {
      container.tried = { by: options.purpose, signal, graceOver: seconds };
      await killNow(engine, container, { ended });
    }
    announce(engine, container, 'stop');
  } finally {
    container.stopping = undefined;
  }
}

/** SIGKILL, and the wait for the exit that must follow. @param options.purpose what the end is then recorded as */
export async function killNow(
  engine: Engine,
  container: Container,
  options: { readonly ended: Promise<unknown>; readonly purpose?: StopPurpose },
): Promise<void> {
  const { ended, purpose } = options;
  ended.catch(() => undefined);
  if (purpose) container.tried = { by: purpose, signal: SIGKILL };
  if (hasProcess(container.record.state.status)) await sendSignal(engine, container, SIGKILL);
  if (await within(ended, thawPatience)) return;
  // Somebody may have frozen a part of it; whoever of its processes is left is to end anyway.
  await killCgroup(engine.host.cgroup, container.record.cgroupPath).catch(() => undefined);
  if (await within(ended, killPatience)) return;
  throw new PortholeError('internal', 'tried to kill container, but did not receive an exit event');
}

/** `docker kill`. SIGKILL is waited for, as in dockerd; other signals are only sent. */
export async function kill(engine: Engine, nameOrId: string, given: string | undefined): Promise<void> {
  const isBeyond = given !== undefined && /^\d+$/.test(given) && Number(given) > lastSignal;
  const signal = given && !isBeyond ? signalNumber(given) : SIGKILL;
  const container = killable(engine, nameOrId);
  if (isBeyond) throw invalid(`Cannot kill container: ${nameOrId}: The linux daemon does not support signal ${given}`);
  if (await stopRetrying(engine, container)) return;
  container.change({ manuallyStopped: true });
  if (isMeantToEnd(container, signal)) container.isRestartOff = true;
  container.tried = { by: 'kill', signal };
  if (signal !== SIGKILL) {
    await sendSignal(engine, container, signal);
    // It may live on for long, and a later agent has to know. It may be gone as well.
    return container.save().catch(() => undefined);
  }
  await killNow(engine, container, { ended: nextExit(container, engine.closing) });
}

/** dockerd's rule: without a stop signal of its own every signal is one that ends the container. */
function isMeantToEnd(container: Container, signal: number): boolean {
  return signal === SIGKILL || !container.record.config.StopSignal || signal === stopSignal(container);
}

/** @throws what `find` throws, conflict when it does not run; in dockerd's longer words. */
function killable(engine: Engine, nameOrId: string): Container {
  try {
    const container = engine.registry.find(nameOrId);
    const { status } = container.record.state;
    if (!hasProcess(status) && status !== 'restarting') throw notRunning(container.id);
    return container;
  } catch (cause) {
    if (!(cause instanceof PortholeError)) throw cause;
    throw new PortholeError(cause.kind, `Cannot kill container: ${nameOrId}: ${cause.message}`, { cause });
  }
}

/** Sends a signal to the initial process. A frozen one gets it when it is thawed, so it is thawed for the ones that end it. */
async function sendSignal(engine: Engine, container: Container, signal: number): Promise<void> {
  if (container.unreachable) throw container.unreachable;
  container.life?.shim.signal(signal);
  announce(engine, container, 'kill', { signal: String(signal) });
  if (container.record.state.status !== 'paused' || !isMeantToEnd(container, signal)) return;
  await engine.locks.run(container.id, async () => {
    if (container.record.state.status !== 'paused') return;
    await thaw(engine, container);
    announce(engine, container, 'unpause');
  });
}

/** Takes back the next attempt of a restart policy. True when the container was between two attempts. */
export async function stopRetrying(engine: Engine, container: Container): Promise<boolean> {
  return engine.locks.run(container.id, async () => {
    if (!cancelRetry(container)) return false;
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
    timer = setTimeout(() => resolve(false), Math.min(milliseconds, longestTimer));
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
