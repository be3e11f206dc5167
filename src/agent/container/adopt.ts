import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isKind, messageOf, PortholeError } from '../../base/errors.ts';
import { compile } from '../plan/compile.ts';
import type { StartedShim } from '../shim/contract.ts';
import { removeTrees } from '../shim/remove-tree.ts';
import { removeStaleTemporaries } from '../sys/durable.ts';
import { namesIfThere } from '../sys/files.ts';
import { startTicks } from '../sys/proc.ts';
import { afterReads } from './after-reads.ts';
import { containerFacts, exitRecordPath, socketPath } from './bundle.ts';
import { Container } from './container.ts';
import { directoriesOf, unfinishedPrefix } from './create.ts';
import { containersRoot, type Engine } from './engine.ts';
import { specOf } from './exec.ts';
import { beginLife, endCgroups, lostExit, recordExit, supervisorKilled } from './exits.ts';
import { announceOom } from './oom.ts';
import { never, noOom, readRecord, saveRecord, timestamp } from './record.ts';
import { removingPrefix } from './remove.ts';
import { scheduleRestart, wantsRestart } from './restart-policy.ts';
import { SIGKILL } from './signals.ts';
import { hasProcess } from './state.ts';
import { adoptVolumes, markedVolumes, withMovedVolumes } from './volumes.ts';

/** Milliseconds that the start of the engine waits for one shim. */
const patience = 3000;
/** Containers that are looked at side by side. */
const width = 16;

/**
 * Learns at start-up what the disk and the shims know: which containers there are, which of them run, and how
 * those ended that ended while no agent was there. Finishes what a crash cut off.
 */
export async function adopt(engine: Engine): Promise<void> {
  const root = containersRoot(engine);
  await Promise.all([
    mkdir(root, { recursive: true, mode: 0o710 }),
    mkdir(join(engine.execRoot, 'containers'), { recursive: true, mode: 0o700 }),
  ]);
  const names = await readdir(root);
  const doomed: string[] = [];
  await inParallel(names, async (name) => {
    const directory = join(root, name);
    if (name.startsWith(unfinishedPrefix) || name.startsWith(removingPrefix)) {
      doomed.push(...(await markedVolumes(directory, await readRecord(directory).catch(() => undefined))));
      // What cannot be removed is no reason for everybody else to be without an agent; the next start tries again.
      await removeTrees(engine, [directory]).catch(() => undefined);
      return;
    }
    try {
      await adoptOne(engine, directory);
    } catch (failure) {
      // It stays as it is, for whoever can mend it; the others are served.
      engine.report?.(`the container ${name} is left out: ${messageOf(failure)}`);
    }
  });
  for (const name of doomed) await engine.volumes.remove(name, { force: true }).catch(() => undefined);
  await endOrphans(engine, new Set(names));
  await inParallel(engine.registry.all(), (container) => settleInTime(engine, container));
  await engine.volumes.settle();
}

async function adoptOne(engine: Engine, directory: string): Promise<void> {
  const record = await readRecord(directory);
  if (!record) throw new PortholeError('internal', `${directory} holds no container.json`);
  if (record.id !== basename(directory))
    throw new PortholeError('internal', `${directory} holds the record of ${record.id}`);
  await removeStaleTemporaries(directory);
  const current = await withMovedVolumes(engine, record);
  if (current !== record) await saveRecord(directory, current);
  engine.registry.reserve(current.name, current.id);
  adoptVolumes(engine, current, { running: hasProcess(current.state.status) });
  engine.registry.add(new Container(current, directoriesOf(engine, current.id)));
}

/** A shim that was stopped (SIGSTOP, a debugger) answers nobody: its container is adopted when it goes on. */
async function settleInTime(engine: Engine, container: Container): Promise<void> {
  const settled = engine.locks.run(container.id, () => settle(engine, container));
  const late = new AbortController();
  await Promise.race([settled, delay(patience, undefined, { signal: late.signal, ref: false }).catch(() => undefined)]);
  late.abort();
  // It shows at whatever is tried with the container; the others are served.
  settled.catch((failure: unknown) => {
    if (failure instanceof PortholeError) container.unreachable = failure;
  });
}

/**
 * A shim whose container's directory is gone serves nobody. One whose record cannot be read may serve the next agent.
 * @param known names of the directories of containers
 */
async function endOrphans(engine: Engine, known: ReadonlySet<string>): Promise<void> {
  const root = join(engine.execRoot, 'containers');
  for (const name of await readdir(root)) {
    if (known.has(name)) continue;
    const shim = await connect(engine, socketPath(join(root, name)));
    if (shim) {
      shim.signal(SIGKILL);
      await shim.exited.catch(() => undefined);
    }
    await rm(join(root, name), { recursive: true, force: true });
  }
}

async function settle(engine: Engine, container: Container): Promise<void> {
  const { record } = container;
  const { status } = record.state;
  container.isAdopted = true;
  const shim = await connect(engine, socketPath(container.runtime));
  if (shim) {
    await takeOver(engine, container, shim);
    return;
  }
  const exit = await engine.shims.readRecord(exitRecordPath(container.runtime)).catch(() => undefined);
  const isNews = exit && (hasProcess(status) || timestamp(exit.exitedAt) !== record.state.finishedAt);
  if (isNews || hasProcess(status)) {
    if (!hasProcess(status)) {
      container.move('started', { startedAt: record.created });
      container.change({ oom: noOom });
    }
    await completeReads(engine, container);
    await recordExit(engine, container, exit ?? lostExit(), { error: exit ? '' : supervisorKilled });
    return;
  }
  // A start was cut off together with its shim, which nobody else clears up after.
  if ((await namesIfThere(container.runtime)) !== undefined) await endCgroups(engine, container).catch(() => undefined);
  await rm(container.runtime, { recursive: true, force: true });
  if (status === 'restarting') scheduleRestart(engine, container);
  else if (isWantedUp(container)) {
    container.move('started');
    container.move('retrying');
    scheduleRestart(engine, container);
  }
}

/** As Docker's daemon does when it starts: `always` also brings back what a user had stopped. */
function isWantedUp(container: Container): boolean {
  const { state, hostConfig, manuallyStopped } = container.record;
  if (state.status !== 'exited' || state.startedAt === never) return false;
  if (hostConfig.RestartPolicy?.Name !== 'always' && manuallyStopped) return false;
  return wantsRestart(container.record, state.exitCode);
}

async function takeOver(engine: Engine, container: Container, shim: StartedShim): Promise<void> {
  const { state } = container.record;
  adoptVolumes(engine, container.record, { running: true });
  if (!hasProcess(state.status)) container.move('started', { startedAt: timestamp(shim.startedAt) });
  // Of a life that the record does not know, nothing was announced.
  const isKnown = hasProcess(state.status) && state.startedAt === timestamp(shim.startedAt);
  if (!isKnown) {
    container.change({ oom: noOom });
    engine.history.add(container.record, { event: 'started', pid: shim.pid });
  }
  container.change({
    startTicks: String((await startTicks(shim.pid)) ?? 0n),
    state: {
      ...container.record.state,
      pid: shim.pid,
      startedAt: timestamp(shim.startedAt),
      exitCode: 0,
      error: '',
      oomKilled: isKnown && state.oomKilled,
    },
  });
  await completeReads(engine, container);
  beginLife(engine, container, shim, { subscribed: false });
  void announceOom(engine, container);
  // As after a start: the shim's socket tells the next agent the same, and a full disk must not keep this one away.
  container.save().catch(() => undefined);
}

/** An agent that was killed right after a start had not yet noted what its shim will read in the end. */
async function completeReads(engine: Engine, container: Container): Promise<void> {
  if (container.record.after.length > 0) return;
  try {
    const spec = await specOf(container);
    const plan = compile(spec, { host: engine.host, container: await containerFacts(engine, container, spec) });
    container.change({ after: afterReads(plan) });
  } catch {
    // Without them only the OOM flag of this one life is unknown.
  }
}

async function connect(engine: Engine, socket: string): Promise<StartedShim | undefined> {
  try {
    return await engine.shims.connect(socket);
  } catch (failure) {
    if (isKind(failure, 'not-found')) return undefined;
    throw failure;
  }
}

async function inParallel<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, rest.length) }, worker));
}
