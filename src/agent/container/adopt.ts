import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isKind, messageOf, PortholeError } from '../../base/errors.ts';
import { compile } from '../plan/compile.ts';
import type { StartedShim } from '../shim/contract.ts';
import { removeTrees } from '../shim/remove-tree.ts';
import { removeStaleTemporaries } from '../sys/durable.ts';
import { namesIfThere } from '../sys/files.ts';
import { readStat, startTicks } from '../sys/proc.ts';
import { adoptExecs } from './adopt-execs.ts';
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
import { resume } from './resume.ts';
import { SIGKILL } from './signals.ts';
import { hasProcess } from './state.ts';
import { adoptVolumes, forgetVolumes, markedVolumes, withMovedVolumes } from './volumes.ts';

/** Milliseconds that the start of the engine waits for one shim. */
const patience = 3000;
/** And those who want something of its container: on a machine that is busy enough it may be long until a shim has its turn. */
const longPatience = 15_000;
/** And, when that has answered, for what is written about it: a busy disk is no reason to show what is not so any more. */
const diskPatience = 30_000;
/** And for those of its execs. */
const execPatience = 1000;
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
  const container = new Container(current, directoriesOf(engine, current.id));
  // Its shim may know of a life that the record does not yet: nobody's end may unmount what that life uses.
  const running = hasProcess(current.state.status) || (await namesIfThere(container.runtime)) !== undefined;
  adoptVolumes(engine, current, { running });
  engine.registry.add(container);
}

/**
 * One container that cannot be taken over keeps nobody else waiting: it is named, and stays as it is. A shim that was
 * stopped (SIGSTOP, a debugger) answers nobody: its container is adopted when it goes on. What is asked of the container
 * meanwhile waits for its lock at first, and is then told why nothing can be done.
 */
async function settleInTime(engine: Engine, container: Container): Promise<void> {
  let isAnswered = false;
  const settled = engine.locks
    .run(container.id, async () => {
      const shim = await firstAnswer(engine, container);
      isAnswered = true;
      await settle(engine, container, shim);
    })
    .then(
      () => resume(engine, container),
      (failure: unknown) => {
        tell(engine, container, failure);
        if (!isAnswered) void settleLater(engine, container);
      },
    );
  const inTime = new AbortController();
  const wait = { signal: inTime.signal, ref: false };
  const late = delay(patience, undefined, wait)
    .then(() => (isAnswered ? delay(diskPatience, undefined, wait) : undefined))
    .catch(() => undefined);
  await Promise.race([settled, late]);
  inTime.abort();
}

/** @throws unavailable when it takes too long */
async function firstAnswer(engine: Engine, container: Container): Promise<StartedShim | undefined> {
  const late = new AbortController();
  const giveUp = (): void => late.abort();
  const timer = setTimeout(giveUp, longPatience);
  engine.closing.addEventListener('abort', giveUp, { once: true });
  try {
    return await shimAt(engine, container.runtime, late.signal);
  } catch (failure) {
    throw late.signal.aborted ? unanswered(container.id) : failure;
  } finally {
    clearTimeout(timer);
    engine.closing.removeEventListener('abort', giveUp);
  }
}

async function settleLater(engine: Engine, container: Container): Promise<void> {
  try {
    const shim = await shimAt(engine, container.runtime, engine.closing);
    await engine.locks.run(container.id, () => settle(engine, container, shim));
    resume(engine, container);
  } catch (failure) {
    tell(engine, container, failure);
  }
}

/** It shows at whatever is tried with the container. */
function tell(engine: Engine, container: Container, failure: unknown): void {
  if (engine.closing.aborted) return;
  const problem = unadoptable(container.id, failure);
  if (problem.message === container.unreachable?.message) return;
  container.unreachable = problem;
  engine.report?.(problem.message);
}

const unanswered = (id: string) =>
  new PortholeError('unavailable', `container ${id} cannot be taken over now: its shim does not answer`);

const unadoptable = (id: string, cause: unknown) =>
  cause instanceof PortholeError && (cause.kind === 'unsupported' || cause.message === unanswered(id).message)
    ? cause
    : new PortholeError('unavailable', `container ${id} cannot be taken over: ${messageOf(cause)}`, { cause });

/**
 * A shim whose container's directory is gone serves nobody. One whose record cannot be read may serve the next agent.
 * @param known names of the directories of containers
 */
async function endOrphans(engine: Engine, known: ReadonlySet<string>): Promise<void> {
  const root = join(engine.execRoot, 'containers');
  const orphans = (await readdir(root)).filter((name) => !known.has(name));
  await inParallel(orphans, async (name) => {
    try {
      await endOrphan(engine, join(root, name));
    } catch (failure) {
      engine.report?.(`what is left of the container ${name} cannot be removed: ${messageOf(failure)}`);
    }
  });
}

async function endOrphan(engine: Engine, runtime: string): Promise<void> {
  const signal = AbortSignal.timeout(patience);
  const shim = await shimAt(engine, runtime, signal);
  if (shim) {
    shim.signal(SIGKILL);
    const late = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await Promise.race([shim.exited.catch(() => undefined), late]);
    shim.disconnect();
  }
  await rm(runtime, { recursive: true, force: true });
}

/** The container's lock is held. */
async function settle(engine: Engine, container: Container, shim: StartedShim | undefined): Promise<void> {
  const { record } = container;
  const { status } = record.state;
  container.unreachable = undefined;
  if (!engine.registry.has(container)) {
    // Removed while its shim did not answer.
    shim?.signal(SIGKILL);
    shim?.disconnect();
    return;
  }
  container.isAdopted = true;
  if (shim) {
    await takeOver(engine, container, shim);
    return;
  }
  const exit = await engine.shims.readRecord(exitRecordPath(container.runtime)).catch(() => undefined);
  const isNews = exit && (hasProcess(status) || timestamp(exit.exitedAt) !== record.state.finishedAt);
  if (!exit && hasProcess(status) && (await isSupervised(container))) throw socketIsGone(container.runtime);
  if (isNews || hasProcess(status)) {
    if (!hasProcess(status)) {
      container.move('started', { startedAt: record.created });
      container.change({ oom: noOom, stopping: undefined });
    }
    await completeReads(engine, container);
    await adoptExecs(engine, container, AbortSignal.timeout(execPatience));
    await recordExit(engine, container, exit ?? lostExit(), { error: exit ? '' : supervisorKilled });
    return;
  }
  // A start was cut off together with its shim, which nobody else clears up after.
  if ((await namesIfThere(container.runtime)) !== undefined) await endCgroups(engine, container).catch(() => undefined);
  await rm(container.runtime, { recursive: true, force: true });
  await forgetVolumes(engine, record);
  // What it is to become was decided already.
  if (container.record.stopping) return;
  if (status === 'restarting') scheduleRestart(engine, container);
  else if (isWantedUp(container)) {
    container.move('started');
    container.move('retrying');
    scheduleRestart(engine, container);
  }
}

/** Its shim lives, though nobody can speak to it: whoever took its socket away did not end it. */
async function isSupervised({ record }: Container): Promise<boolean> {
  const stat = await readStat(record.state.pid);
  if (stat === undefined || String(stat.startTicks) !== record.startTicks) return false;
  return (await readStat(stat.parent))?.name === 'porthole-shim';
}

const socketIsGone = (runtime: string) =>
  new PortholeError('unavailable', `nobody listens on ${socketPath(runtime)}, but its shim lives`);

/** As Docker's daemon does when it starts: `always` also brings back what a user had stopped. */
function isWantedUp(container: Container): boolean {
  const { state, hostConfig, manuallyStopped } = container.record;
  if (state.status !== 'exited' || state.startedAt === never) return false;
  if (hostConfig.RestartPolicy?.Name !== 'always' && manuallyStopped) return false;
  return wantsRestart(container.record, state.exitCode);
}

async function takeOver(engine: Engine, container: Container, shim: StartedShim): Promise<void> {
  const { state } = container.record;
  if (!hasProcess(state.status)) container.move('started', { startedAt: timestamp(shim.startedAt) });
  // Of a life that the record does not know, nothing was announced.
  const isKnown = hasProcess(state.status) && state.startedAt === timestamp(shim.startedAt);
  if (!isKnown) {
    // What was to be stopped is a life before this one.
    container.change({ oom: noOom, stopping: undefined });
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
  await adoptExecs(engine, container, AbortSignal.timeout(execPatience));
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

async function shimAt(engine: Engine, runtime: string, signal: AbortSignal): Promise<StartedShim | undefined> {
  try {
    return await engine.shims.connect(socketPath(runtime), { signal });
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
