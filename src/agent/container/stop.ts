import { PortholeError } from '../../base/errors.ts';
import { longestTimer } from '../../base/timer.ts';
import { killCgroup } from '../cgroup/leftovers.ts';
import type { Container } from './container.ts';
import type { StopOptions } from './contract.ts';
import { announce, type Engine } from './engine.ts';
import { invalid, notModified, notRunning } from './errors.ts';
import { thaw } from './freezer.ts';
import { cancelRetry } from './restart-policy.ts';
import { lastSignal, SIGKILL, SIGTERM, signalNumber } from './signals.ts';
import { hasProcess } from './state.ts';
import { beginStopping, giveUpStopping, graceLeft, noteSent, type Stopping, stoppingNow } from './stopping.ts';
import { nextExit } from './waiting.ts';

/** Seconds between the stop signal and SIGKILL when neither the user nor the container says. */
const defaultGrace = 10;
/** Milliseconds: a process that SIGKILL does not end is frozen by somebody, or stuck in the kernel. */
const killPatience = 10_000;
const thawPatience = 1_000;

/** `docker stop`. A client that goes away does not take the stop back, as in dockerd. */
export async function stop(
  engine: Engine,
  container: Container,
  options: StopOptions & { readonly purpose: 'stop' | 'restart' },
): Promise<void> {
  const { purpose: by } = options;
  if (container.unreachable) throw container.unreachable;
  const then = by === 'restart' ? stoppingNow({ by, signal: SIGTERM }) : undefined;
  if (await stopRetrying(engine, container, then)) return;
  if (!hasProcess(container.record.state.status)) throw notModified(`Container ${container.id} is already stopped`);
  const signal = options.signal ? signalNumber(options.signal) : stopSignal(container);
  const seconds = options.seconds ?? container.record.config.StopTimeout ?? defaultGrace;
  await carryOut(engine, container, stoppingNow({ by, signal, seconds }));
}

/**
 * Signal, grace, SIGKILL of a process that runs; also of a stop that another agent began. The lock is not held: the
 * exit's own handling takes it.
 */
export async function carryOut(engine: Engine, container: Container, stopping: Stopping): Promise<void> {
  const { by, signal, seconds } = stopping;
  const ended = nextExit(container, engine.closing);
  // Whoever fails first, nobody is left with a rejection that is not handled.
  ended.catch(() => undefined);
  container.tried = { by, signal };
  try {
    // What an agent before us began is on disk already.
    if (container.record.stopping !== stopping) await beginStopping(container, stopping);
    if (by === 'remove' || (by === 'kill' && signal === SIGKILL)) return await killNow(engine, container, ended);
    if (!stopping.isSent || container.record.state.status === 'paused') await sendSignal(engine, container, signal);
    if (by === 'kill') return;
    const grace = graceLeft(stopping, Date.now());
    const intime = grace === undefined ? await ended.then(() => true) : await within(ended, grace);
    if (!intime) {
      container.tried = { by, signal, graceOver: seconds };
      await killNow(engine, container, ended);
    }
    announce(engine, container, 'stop');
  } catch (failure) {
    // An agent that ends leaves it to the next one.
    if (!engine.closing.aborted) await giveUpStopping(container, stopping);
    throw failure;
  }
}

/** SIGKILL, and the wait for the exit that must follow. */
async function killNow(engine: Engine, container: Container, ended: Promise<unknown>): Promise<void> {
  await sendSignal(engine, container, SIGKILL);
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
  const container = killable(engine, nameOrId, { unsupported: isBeyond ? given : undefined });
  if (await stopRetrying(engine, container)) return;
  const ended = signal === SIGKILL ? nextExit(container, engine.closing) : undefined;
  ended?.catch(() => undefined);
  // A stop that is under way stays what it is.
  const isOwn = (container.record.stopping?.by ?? 'kill') === 'kill';
  const stopping = isOwn && isMeantToEnd(container, signal) ? stoppingNow({ by: 'kill', signal }) : undefined;
  container.tried = { by: 'kill', signal };
  try {
    if (stopping) await beginStopping(container, stopping);
    else container.change({ manuallyStopped: true });
    if (ended) await killNow(engine, container, ended);
    else await sendSignal(engine, container, signal);
  } catch (failure) {
    if (stopping && !engine.closing.aborted) await giveUpStopping(container, stopping);
    throw failure;
  }
  // It may live on for long, and a later agent has to know. It may be gone as well.
  if (!stopping) await container.save().catch(() => undefined);
}

/** dockerd's rule: without a stop signal of its own every signal is one that ends the container. */
function isMeantToEnd(container: Container, signal: number): boolean {
  return signal === SIGKILL || !container.record.config.StopSignal || signal === stopSignal(container);
}

/** @throws what `find` throws, conflict when it does not run; in dockerd's longer words. */
function killable(
  engine: Engine,
  nameOrId: string,
  { unsupported }: { readonly unsupported: string | undefined },
): Container {
  try {
    const container = engine.registry.find(nameOrId);
    if (unsupported !== undefined) throw invalid(`The linux daemon does not support signal ${unsupported}`);
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
  if (!hasProcess(container.record.state.status)) return;
  container.life?.shim.signal(signal);
  announce(engine, container, 'kill', { signal: String(signal) });
  noteSent(container);
  if (container.record.state.status !== 'paused' || !isMeantToEnd(container, signal)) return;
  await engine.locks.run(container.id, async () => {
    if (container.record.state.status !== 'paused') return;
    await thaw(engine, container);
    announce(engine, container, 'unpause');
  });
}

/**
 * Takes back the next attempt of a restart policy. True when the container was between two attempts.
 * @param then what is to follow, whoever does it.
 */
export async function stopRetrying(engine: Engine, container: Container, then?: Stopping): Promise<boolean> {
  return engine.locks.run(container.id, async () => {
    if (!cancelRetry(container)) return false;
    if (then) container.change({ stopping: then });
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
