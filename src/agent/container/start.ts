import { rm } from 'node:fs/promises';
import { canceled, messageOf } from '../../base/errors.ts';
import type { Trace } from '../../protocol/trace.ts';
import type { NamespaceType, Spec } from '../oci/runtime.ts';
import { compile } from '../plan/compile.ts';
import type { Plan } from '../plan/operations.ts';
import { renderOperation, traceOf } from '../plan/render.ts';
import type { OperationResult, StartedShim } from '../shim/contract.ts';
import { errnoName } from '../shim/errno.ts';
import { PlanFailed } from '../shim/errors.ts';
import { startTicks } from '../sys/proc.ts';
import { afterReads } from './after-reads.ts';
import { blockIoOf } from './block-devices.ts';
import { containerFacts, freshRuntime, keepSpec, prepareSources } from './bundle.ts';
import type { Container } from './container.ts';
import { wantedDevices } from './devices.ts';
import { announce, type Engine } from './engine.ts';
import {
  cannotJoin,
  isRestarting,
  markedForRemoval,
  nonShareable,
  noSuchContainer,
  notModified,
  StartFailed,
  startOfPaused,
} from './errors.ts';
import { beginLife, endCgroups } from './exits.ts';
import { startFailure } from './failure.ts';
import { resetHealth } from './health-monitor.ts';
import { writeNetworkFiles } from './network-files.ts';
import { never, noOom, timestamp } from './record.ts';
import { removeLocked } from './remove.ts';
import { forgetRestarts } from './restart-policy.ts';
import { SIGKILL } from './signals.ts';
import { buildSpec } from './spec.ts';
import { hasProcess } from './state.ts';
import { accountAtStart } from './users.ts';
import { leaveVolumes, useVolumes } from './volumes.ts';

/** Starts a container whose lock is held. @throws StartFailed, with the record telling the same. */
export async function startLocked(
  engine: Engine,
  container: Container,
  options: { readonly by: 'user' | 'policy' },
): Promise<void> {
  // Who comes next would find it half started.
  if (engine.closing.aborted) throw canceled('starting the container');
  checkStartable(container);
  if (options.by === 'user') forgetRestarts(container);
  container.tried = undefined;
  container.isAdopted = false;
  let plan: Plan | undefined;
  try {
    await useVolumes(engine, container);
    const [spec] = await Promise.all([
      specAtStart(engine, container),
      prepareSources(container),
      freshRuntime(container.runtime),
      engine.images.ensureInit(container.record.imageId),
    ]);
    plan = compile(spec, { host: engine.host, container: await containerFacts(engine, container, spec) });
    const subscribed = container.output.hasClients;
    const shim = await withFiles(
      engine.shims.start(plan, subscribed ? { onOutput: container.output.deliver } : {}),
      Promise.all([keepSpec(container, spec), rewriteNetworkFiles(container)]),
    );
    await started(engine, container, { plan, shim, subscribed });
  } catch (thrown) {
    throw await failed(engine, container, { thrown, plan });
  }
}

/** The shim and the files of a life are made side by side; without its files nothing of it may run. */
async function withFiles(starting: Promise<StartedShim>, writing: Promise<unknown>): Promise<StartedShim> {
  const [shim, files] = await Promise.allSettled([starting, writing]);
  if (shim.status === 'rejected') throw shim.reason;
  if (files.status === 'fulfilled') return shim.value;
  shim.value.signal(SIGKILL);
  await shim.value.exited.catch(() => undefined);
  shim.value.disconnect();
  throw files.reason;
}

function checkStartable(container: Container): void {
  const { status } = container.record.state;
  if (status === 'running') throw notModified(`Container ${container.id} is already running`);
  if (status === 'paused') throw startOfPaused();
  if (status === 'removing' || status === 'dead') throw markedForRemoval();
  // Something of it may still run.
  if (container.unreachable) throw container.unreachable;
}

/** The bundle's spec as it is for a life that begins now: the user is looked up, shared namespaces are found. */
export async function specAtStart(engine: Engine, container: Container): Promise<Spec> {
  const { hostConfig } = container.record;
  const [account, devices, blockIO] = await Promise.all([
    accountAtStart(engine, container),
    wantedDevices(hostConfig, engine.host),
    blockIoOf(hostConfig),
  ]);
  return buildSpec(container.record, {
    host: engine.host,
    available: engine.available,
    account,
    devices,
    blockIO,
    ...((container.record.hostConfig.Init ?? engine.defaults?.init) && { init: engine.shims.path }),
    pidOf: (name, type) => pidOf(engine, name, type),
  });
}

function pidOf(engine: Engine, name: string, type: NamespaceType): number {
  const other = engine.registry.find(name);
  const { hostConfig, state } = other.record;
  if (state.status === 'restarting') throw isRestarting(other.id);
  if (!hasProcess(state.status)) throw cannotJoin(type, other.id);
  const ipc = hostConfig.IpcMode ?? '';
  if (type === 'ipc' && ['', 'private', 'none'].includes(ipc)) throw nonShareable(other.id);
  return state.pid;
}

/** At the first start they are as `create` wrote them. */
async function rewriteNetworkFiles(container: Container): Promise<void> {
  const { config, hostConfig, state } = container.record;
  if (state.startedAt === never) return;
  await writeNetworkFiles(container.directory, {
    hostname: config.Hostname ?? '',
    config: hostConfig,
  });
}

async function started(
  engine: Engine,
  container: Container,
  life: { readonly plan: Plan; readonly shim: StartedShim; readonly subscribed: boolean },
): Promise<void> {
  const { plan, shim } = life;
  const ticks = await startTicks(shim.pid);
  container.change({
    manuallyStopped: false,
    stopping: undefined,
    oom: noOom,
    startTicks: String(ticks ?? 0n),
    after: afterReads(plan),
  });
  container.move('started', {
    pid: shim.pid,
    exitCode: 0,
    oomKilled: false,
    error: '',
    startedAt: timestamp(shim.startedAt),
  });
  container.accounts = undefined;
  resetHealth(container);
  forgetExecs(engine, container);
  beginLife(engine, container, shim, { subscribed: life.subscribed });
  announce(engine, container, 'start');
  // It need not be on disk before the caller hears of the start: an agent that comes after a crash finds the shim's
  // socket whatever the record says. A full disk shows when the end is recorded.
  if (container.record.hostConfig.AutoRemove) container.saveLater();
  else container.save().catch(() => undefined);
  const { results, startedAt, pid } = shim;
  const trace = once(() => traceOfStart(plan, results, { startedAt, pid }));
  container.trace.keep(trace);
  engine.history.add(container.record, { event: 'started', pid }, trace);
}

/** Those of the life before. */
function forgetExecs(engine: Engine, container: Container): void {
  for (const id of container.execs.keys()) engine.execs.delete(id);
  container.execs.clear();
}

async function failed(
  engine: Engine,
  container: Container,
  start: { readonly thrown: unknown; readonly plan: Plan | undefined },
): Promise<StartFailed> {
  const { plan, thrown } = start;
  const failure = startFailure(thrown, 'create');
  if (container.record.state.status === 'restarting') container.move('gave-up');
  const { state } = container.record;
  container.change({
    stopping: undefined,
    state: { ...state, pid: 0, exitCode: failure.exitCode, error: failure.message },
  });
  container.began.emit(undefined);
  container.output.end();
  const cleaned = await Promise.allSettled([
    removeRemains(engine, container, start),
    container.save(),
    leaveVolumes(engine, container),
  ]);
  const event = { event: 'start-failed', exitCode: failure.exitCode, error: failure.message } as const;
  if (plan && thrown instanceof PlanFailed) {
    const startedAt = Date.now();
    const trace = once(() => traceOfStart(plan, thrown.results, { startedAt }));
    container.trace.keep(trace);
    const step = renderOperation(thrown.step.operation);
    engine.history.add(container.record, { ...event, step }, trace);
  } else engine.history.add(container.record, event);
  if (container.record.hostConfig.AutoRemove)
    cleaned.push(...(await Promise.allSettled([removeLocked(engine, container, { volumes: true })])));
  const alsoFailed = cleaned.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  if (alsoFailed.length === 0) return failure;
  return new StartFailed(`${failure.message} (and cleaning up: ${alsoFailed.map(messageOf).join('; ')})`, {
    exitCode: failure.exitCode,
    cause: failure,
  });
}

/** A plan that failed was cleared away by its shim; one whose shim was killed was not. */
async function removeRemains(
  engine: Engine,
  container: Container,
  { thrown, plan }: { readonly thrown: unknown; readonly plan: Plan | undefined },
): Promise<void> {
  if (plan && !(thrown instanceof PlanFailed)) await endCgroups(engine, container);
  // Last: as long as it is there, the next engine knows that there may be cgroups.
  await rm(container.runtime, { recursive: true, force: true });
}

/** Rendered for the first who asks, the same for the next one. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function traceOfStart(
  plan: Plan,
  results: readonly OperationResult[],
  facts: { readonly startedAt: number; readonly pid?: number },
): Trace {
  return traceOf(plan, results, {
    startedAt: timestamp(facts.startedAt),
    ...(facts.pid === undefined ? {} : { pid: facts.pid }),
    errnoName,
  });
}

/** @throws not-found: for a container that is gone by the time its lock was had. */
export function stillThere(engine: Engine, container: Container, given: string): void {
  if (!engine.registry.has(container)) throw noSuchContainer(given);
}
