import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { killCgroup, removeCgroup } from '../cgroup/leftovers.ts';
import type { ExitRecord, StartedShim } from '../shim/contract.ts';
import { isAlive } from '../sys/proc.ts';
import { exitRecordPath } from './bundle.ts';
import type { Container, Life } from './container.ts';
import { type EndingTry, endingOf } from './ending.ts';
import { announce, type Engine } from './engine.ts';
import { unwatchHealth, watchHealth } from './health-monitor.ts';
import { watchOom } from './oom.ts';
import { timestamp } from './record.ts';
import { removeLocked } from './remove.ts';
import { planRetry } from './restart-policy.ts';
import { afterExit, triedBy } from './stopping.ts';
import { leaveVolumes } from './volumes.ts';

/** Takes over a running shim: its output is given out, its exit is waited for. */
export function beginLife(
  engine: Engine,
  container: Container,
  shim: StartedShim,
  options: { readonly subscribed: boolean },
): void {
  const life: Life = { shim, pid: shim.pid };
  const process = { pid: shim.pid, startTicks: BigInt(container.record.startTicks || '0') };
  container.life = life;
  container.unreachable = undefined;
  container.output.begin(() => shim.subscribe(container.output.deliver), {
    subscribed: options.subscribed,
    isDead: async () => !(await isAlive(process)),
  });
  watchOom(engine, container, shim);
  watchHealth(engine, container);
  container.began.emit(life);
  shim.exited.then(
    (exit) => endLife(engine, container, life, exit),
    () => endLife(engine, container, life, undefined),
  );
}

export const supervisorKilled = 'the container’s supervisor was killed, so its processes were ended';

/** What an end is recorded as when nobody could tell it: the shim was killed, or the machine went down. */
export function lostExit(): ExitRecord {
  return { exitCode: 137, exitedAt: Date.now(), after: [] };
}

/** @param exit undefined: the shim went away without a record. */
async function endLife(engine: Engine, container: Container, life: Life, exit: ExitRecord | undefined): Promise<void> {
  await engine.locks.run(container.id, async () => {
    if (container.life !== life || engine.closing.aborted) return;
    const known = exit ?? (await engine.shims.readRecord(exitRecordPath(container.runtime)).catch(() => undefined));
    container.life = undefined;
    await recordExit(engine, container, known ?? lostExit(), { error: known ? '' : supervisorKilled });
  });
}

/**
 * The one path of every exit, whether it was seen or is learned later: on disk first, then told.
 * The container's lock is held.
 */
export async function recordExit(
  engine: Engine,
  container: Container,
  exit: ExitRecord,
  options: { readonly error: string },
): Promise<void> {
  const { record } = container;
  unwatchHealth(container);
  // Before anybody hears of it: whoever does may rely on nothing of the container running any more.
  await endProcesses(engine, container, exit, { error: options.error });
  const kills = Math.max(oomKills(record.after, exit), record.oom.kills);
  const ending = endingOf(record, exit, {
    kills,
    tried: await triedBefore(engine, container, exit),
    isLost: options.error !== '',
  });
  const { stopping } = container.record;
  const restart = planRetry(container, exit);
  container.move(restart ? 'retrying' : 'exited', {
    pid: 0,
    exitCode: exit.exitCode,
    oomKilled: kills > 0,
    error: options.error,
    finishedAt: timestamp(exit.exitedAt),
    ending,
  });
  container.change({
    startTicks: '',
    after: [],
    stopping: afterExit(stopping),
    ...(restart ? { restartCount: record.restartCount + 1 } : {}),
  });
  const removes = record.hostConfig.AutoRemove === true && stopping?.by !== 'restart';
  // A container that is removed next needs no record of its end.
  const isSaved = !removes && (await succeeds(container.save()));
  for (let kill = record.oom.kills; kill < kills; kill++) announce(engine, container, 'oom');
  engine.history.add(record, { event: 'ended', ending, ...(restart ? { restartIn: restart.delay } : {}) });
  announce(engine, container, 'die', {
    exitCode: String(exit.exitCode),
    execDuration: String(secondsOf(record.state.startedAt, exit.exitedAt)),
  });
  // What could not be unmounted is found by the next who uses it, or by the next engine.
  await succeeds(leaveVolumes(engine, container));
  container.output.end();
  container.exited.emit({ exitCode: exit.exitCode, error: options.error });
  if (removes) {
    // A failure leaves the container as dead, with the reason in its state.
    await succeeds(removeLocked(engine, container, { volumes: true }));
    return;
  }
  // On a full disk the shim's own record stays, so that the next engine learns of the end once more.
  if (isSaved) await succeeds(removeRuntime(container));
  restart?.schedule(engine);
}

/** Again where an exec that was just being started has put a file there meanwhile. */
function removeRuntime({ runtime }: Container): Promise<void> {
  return rm(runtime, { recursive: true, force: true, maxRetries: 5, retryDelay: 10 });
}

/**
 * Processes can outlive the initial one where it was not the init of a PID namespace (host or shared), and
 * where its supervisor was killed.
 */
async function endProcesses(
  engine: Engine,
  container: Container,
  exit: ExitRecord,
  options: { readonly error: string },
): Promise<void> {
  const { hostConfig } = container.record;
  const cleanEnd =
    options.error === '' &&
    !hostConfig.PidMode &&
    // Its cpuset may be younger than what the shim removes at its end: `docker update` makes one.
    !hostConfig.CpusetCpus &&
    !hostConfig.CpusetMems &&
    exit.after.every((result) => result.errno === 0 || result.errno === 2);
  if (!cleanEnd) await succeeds(endCgroups(engine, container));
  await endOfExecs(container);
}

/** Ends whatever is in its cgroups and removes them, where its shim did not. @throws conflict when they stay busy */
export async function endCgroups(engine: Engine, container: Container): Promise<void> {
  const { cgroupPath } = container.record;
  await succeeds(killCgroup(engine.host.cgroup, cgroupPath));
  await removeCgroup(engine.host.cgroup, cgroupPath);
}

/** What the engine did to end this life; of an agent before us, what it had begun, or the last signal that it sent. */
async function triedBefore(
  engine: Engine,
  container: Container,
  { exitedAt }: ExitRecord,
): Promise<EndingTry | undefined> {
  if (container.tried || !container.isAdopted) return container.tried;
  const { stopping } = container.record;
  if (stopping) return triedBy(stopping, exitedAt);
  const past = await engine.history.of(container.id, { withTrace: false }).catch(() => []);
  const begun = past.findLastIndex(({ event }) => event === 'started');
  const last = past.slice(begun + 1).findLast(({ event }) => event === 'signaled');
  return last?.event === 'signaled' ? { by: 'kill', signal: last.signal } : undefined;
}

/** Milliseconds: an exec whose client takes nothing tells of its end later than it ends. */
const execPatience = 500;

/** They end with the initial process, or have just been killed; their shims tell it in a moment. */
async function endOfExecs(container: Container): Promise<void> {
  const running = [...container.execs.values()].filter(({ status }) => status === 'running');
  if (running.length === 0) return;
  const late = new AbortController();
  const ended = Promise.allSettled(running.map((exec) => exec.shim?.exited));
  await Promise.race([ended, succeeds(delay(execPatience, undefined, { signal: late.signal }))]);
  late.abort();
}

/** For steps of an end that must not keep the other steps from being done. */
function succeeds(step: Promise<unknown>): Promise<boolean> {
  return step.then(
    () => true,
    () => false,
  );
}

/** The kernel counts OOM kills per cgroup: `oom_kill N` in v1's memory.oom_control and in v2's memory.events. */
function oomKills(reads: Container['record']['after'], exit: ExitRecord): number {
  const ids = new Set(reads.filter((read) => /memory\.(oom_control|events)$/.test(read.path)).map((read) => read.id));
  let kills = 0;
  for (const result of exit.after) {
    if (!ids.has(result.id)) continue;
    kills += Number(/^oom_kill (\d+)$/m.exec(result.data?.toString('latin1') ?? '')?.[1] ?? 0);
  }
  return kills;
}

function secondsOf(startedAt: string, exitedAt: number): number {
  return Math.max(0, Math.round((exitedAt - Date.parse(startedAt)) / 1000));
}
