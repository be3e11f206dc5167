import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { KeyedLock } from '../../base/async.ts';
import { isKind } from '../../base/errors.ts';
import { capabilityNames } from '../oci/capabilities.ts';
import { readStatus } from '../sys/proc.ts';
import type { Volumes } from '../volume/contract.ts';
import { LocalVolumes } from '../volume/local-volumes.ts';
import { adopt } from './adopt.ts';
import { exportRoot, readArchive, statPath, writeArchive } from './archive.ts';
import { attach } from './attach.ts';
import { changesOf } from './changes.ts';
import { commit } from './commit.ts';
import type { Container } from './container.ts';
import type { Containers } from './contract.ts';
import { create } from './create.ts';
import type { Engine, EngineParts } from './engine.ts';
import { notRunning } from './errors.ts';
import { createExec, execRecord, findExec, startExec } from './exec.ts';
import { pauseLocked, unpauseLocked } from './freezer.ts';
import { DiskHistory } from './history.ts';
import { withLayers } from './layered.ts';
import { openLogs } from './logs.ts';
import { planFor } from './plan-for.ts';
import { Registry } from './registry.ts';
import { remove } from './removal.ts';
import { rename } from './rename.ts';
import { restart } from './restart.ts';
import { startLocked, stillThere } from './start.ts';
import { kill, stop } from './stop.ts';
import { updateLocked, updatePlanOf } from './update.ts';
import { figuresOf, liveCgroups, pidsOf, planOf, readingOf, traceOfContainer } from './views.ts';
import { visit } from './visit.ts';
import { waitFor } from './waiting.ts';

/**
 * Opens the container engine on its directories: everything that was there is adopted before it resolves.
 * `shutdown` lets go of every container without touching it; the next engine adopts them.
 */
export async function createContainers(
  parts: EngineParts,
): Promise<Containers & { readonly volumes: Volumes; shutdown(): Promise<void> }> {
  const { dataRoot: root, shims, host, events } = parts;
  const volumes = await LocalVolumes.open({
    root,
    shims,
    host,
    ...(parts.report && { report: parts.report }),
    announce: (action, id, attributes) => events.announce({ type: 'volume', action, id, attributes }),
  });
  const closing = new AbortController();
  // Every container that is waited for listens to it.
  setMaxListeners(0, closing.signal);
  const history = await DiskHistory.open(join(parts.dataRoot, 'history'), { days: parts.historyDays ?? 7 });
  const engine: Engine = {
    ...parts,
    registry: new Registry(),
    volumes,
    locks: new KeyedLock(),
    execs: new Map(),
    accountFiles: new Map(),
    available: await ownCapabilities(),
    closing: closing.signal,
    history,
    start: (container) => startLocked(engine, container, { by: 'policy' }),
  };
  await adopt(engine);
  // Room on the disk: what cannot be removed now is looked at again tomorrow.
  await history.keepClean((id) => engine.registry.hasId(id)).catch(() => undefined);
  const find = (nameOrId: string): Container => engine.registry.find(nameOrId);
  const locked = <T>(nameOrId: string, task: (container: Container) => Promise<T>): Promise<T> => {
    const container = find(nameOrId);
    return engine.locks.run(container.id, async () => {
      stillThere(engine, container, nameOrId);
      return task(container);
    });
  };
  return {
    create: (options) => create(engine, options),
    planFor: (options) => planFor(engine, options),
    list: () => engine.registry.all().map((container) => container.record),
    get: (nameOrId) => find(nameOrId).record,
    start: (nameOrId) => locked(nameOrId, (container) => startLocked(engine, container, { by: 'user' })),
    stop: async (nameOrId, options) => stop(engine, find(nameOrId), { ...options, purpose: 'stop' }),
    restart: async (nameOrId, options) => restart(engine, find(nameOrId), { ...options, given: nameOrId }),
    kill: async (nameOrId, signal) => kill(engine, nameOrId, signal),
    pause: (nameOrId) => locked(nameOrId, (container) => pauseLocked(engine, container)),
    unpause: (nameOrId) => locked(nameOrId, (container) => unpauseLocked(engine, container)),
    wait: async (nameOrId, condition, abort) => waitFor(find(nameOrId), condition, abort),
    update: (nameOrId, change) => locked(nameOrId, (container) => updateLocked(engine, container, change)),
    updatePlan: (nameOrId, change) => locked(nameOrId, (container) => updatePlanOf(engine, container, change)),
    rename: (nameOrId, name) => locked(nameOrId, (container) => rename(engine, container, name)),
    remove: async (nameOrId, options) => remove(engine, find(nameOrId), options),
    resize: async (nameOrId, size) => runningShim(find(nameOrId)).resize(size),
    attach: async (nameOrId, options) => attach(engine, find(nameOrId), { ...options, given: nameOrId }),
    logs: (nameOrId, options) => openLogs(engine, find(nameOrId), options),
    execCreate: async (nameOrId, options) => {
      const { id } = createExec(engine, find(nameOrId), options, { given: nameOrId });
      return { id };
    },
    execStart: async (execId, options) => startExec(engine, findExec(engine, execId), options),
    execResize: async (execId, size) => {
      findExec(engine, execId).shim?.resize(size);
    },
    execInspect: (execId) => execRecord(findExec(engine, execId)),
    execIds: (nameOrId) =>
      [...find(nameOrId).execs.values()].filter(({ status }) => status !== 'ended').map(({ id }) => id),
    plan: async (nameOrId) => planOf(engine, find(nameOrId)),
    history: async (nameOrId, query) => history.of(await historyId(engine, nameOrId), query),
    wholeHistory: (query) => history.all(query),
    trace: async (nameOrId) => traceOfContainer(engine, find(nameOrId)),
    reading: async (nameOrId) => readingOf(engine, find(nameOrId)),
    liveCgroups: () => liveCgroups(engine),
    figures: async (nameOrId) => figuresOf(engine, find(nameOrId)),
    pids: async (nameOrId) => pidsOf(engine, find(nameOrId)),
    changes: async (nameOrId) => changesOf(engine, find(nameOrId)),
    pathStatus: async (given, options) => statPath(engine, find(given), { ...options, given }),
    readArchive: async (given, options) => readArchive(engine, find(given), { ...options, given }),
    writeArchive: async (given, options) => writeArchive(engine, find(given), { ...options, given }),
    visit: async (given, options, task) => visit(engine, find(given), options, task),
    withLayers: async (given, signal, task) => withLayers(engine, find(given), signal, task),
    export: async (given, signal) => exportRoot(engine, find(given), signal),
    commit: async (nameOrId, request) => commit(engine, find(nameOrId), request),
    upper: (nameOrId) => join(find(nameOrId).directory, 'upper'),
    volumes,
    shutdown: () => shutdown(engine, closing),
  };
}

async function ownCapabilities(): Promise<ReadonlySet<string>> {
  const mask = BigInt(`0x${(await readStatus('self'))?.get('CapPrm') ?? '0'}`);
  return new Set(capabilityNames.filter((_, number) => (mask >> BigInt(number)) & 1n));
}

/** Containers that are there come first; a name may have belonged to others before. */
async function historyId(engine: Engine, nameOrId: string): Promise<string> {
  try {
    return engine.registry.find(nameOrId).id;
  } catch (failure) {
    if (!isKind(failure, 'not-found')) throw failure;
    return engine.history.idOf(nameOrId);
  }
}

function runningShim(container: Container) {
  if (!container.life) throw container.unreachable ?? notRunning(container.id);
  return container.life.shim;
}

/** Milliseconds: a change of a container that does not come to its end is left to the next engine. */
const lockPatience = 5_000;

async function shutdown(engine: Engine, closing: AbortController): Promise<void> {
  closing.abort();
  const late = new AbortController();
  const isLate = delay(lockPatience, undefined, { signal: late.signal, ref: false }).catch(() => undefined);
  const letGo = async (container: Container): Promise<void> => {
    container.retry?.cancel();
    container.health?.dispose();
    await Promise.race([engine.locks.run(container.id, () => container.saved()), isLate]);
    await container.trace.flush().catch(() => undefined);
    container.life?.shim.disconnect();
    container.output.end();
  };
  await Promise.all(engine.registry.all().map(letGo));
  late.abort();
  for (const exec of engine.execs.values()) exec.shim?.disconnect();
  await engine.history.close();
}
