import { isKind, messageOf, PortholeError } from '../../base/errors.ts';
import type { PlannedWrite } from '../../protocol/usage-history.ts';
import { moveProcesses } from '../cgroup/move.ts';
import type { Resources, Spec } from '../oci/runtime.ts';
import { type LimitUpdate, limitUpdate } from '../plan/cgroup-update.ts';
import { cpusetView } from '../plan/cgroup-view.ts';
import type { Operation } from '../plan/operations.ts';
import { reasons } from '../plan/reasons.ts';
import { renderOperation } from '../plan/render.ts';
import { text } from '../plan/text.ts';
import { PlanFailed } from '../shim/errors.ts';
import { readIfThere, removeDirectoryIfThere } from '../sys/files.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { notRunning } from './errors.ts';
import { isOver } from './over.ts';

/**
 * Changes the limits of a container that runs. When the kernel refuses one, those before it are taken back.
 * @throws internal with the step that was refused
 */
export async function applyLimits(
  engine: Engine,
  container: Container,
  limits: { readonly before: Resources; readonly after: Resources; readonly spec: Spec },
): Promise<void> {
  const { host } = engine;
  const { life } = container;
  const path = container.record.cgroupPath;
  const update = limitUpdate(limits, { path, host });
  const earlier = await valuesOf(update);
  try {
    await runAll(engine, [...update.make, ...update.writes.map(({ operation }) => operation)]);
    if (update.entersCpuset && host.cgroup.version === 1) {
      await moveProcesses(host.cgroup, path, { from: 'pids', to: 'cpuset' });
      await showCpuset(engine, container, limits.spec);
    }
  } catch (failure) {
    await takeBack(engine, update, { failure, earlier });
    if (life && !isKind(failure, 'invalid') && (await isOver(container, life))) throw notRunning(container.id);
    throw new PortholeError(
      isKind(failure, 'invalid') ? 'invalid' : 'internal',
      `Cannot update container ${container.id}: ${messageOf(failure)}`,
      { cause: failure },
    );
  }
}

/** What `applyLimits` would write, in its order, with what the files hold now. */
export async function writesFor(
  engine: Engine,
  container: Container,
  limits: { readonly before: Resources; readonly after: Resources },
): Promise<PlannedWrite[]> {
  const update = limitUpdate(limits, { path: container.record.cgroupPath, host: engine.host });
  const earlier = await valuesOf(update);
  const made = update.make.map((operation) => ({ line: renderOperation(operation), why: operation.why }));
  const written = update.writes.map(({ path, value, operation }) => {
    const was = earlier.get(path);
    return {
      line: renderOperation(operation),
      path,
      value,
      ...(was !== undefined && { was: earlierValue(path, value, was) }),
      why: operation.why,
    };
  });
  return [...made, ...written];
}

/** What cannot be shown limits all the same: a container may have changed what it has mounted there. */
async function showCpuset(engine: Engine, container: Container, spec: Spec): Promise<void> {
  const { cgroupPath: path, startTicks, state } = container.record;
  const of = { pid: state.pid, startTicks: BigInt(startTicks || '0'), path, host: engine.host };
  try {
    for (const operations of cpusetView(spec, of)) await runAll(engine, operations);
  } catch (failure) {
    if (!(failure instanceof PlanFailed)) throw failure;
  }
}

async function runAll(engine: Engine, operations: readonly Operation[]): Promise<void> {
  if (operations.length === 0) return;
  const executor = engine.shims.execute();
  try {
    await executor.run({ operations });
  } finally {
    await executor.close().catch(() => undefined);
  }
}

/** What the files that will be written hold now. */
async function valuesOf({ writes }: LimitUpdate): Promise<ReadonlyMap<string, string>> {
  const paths = [...new Set(writes.map(({ path }) => path))];
  const texts = await Promise.all(paths.map((path) => readIfThere(path)));
  return new Map(paths.flatMap((path, index) => (texts[index] === undefined ? [] : [[path, texts[index]]])));
}

async function takeBack(
  engine: Engine,
  update: LimitUpdate,
  state: { readonly failure: unknown; readonly earlier: ReadonlyMap<string, string> },
): Promise<void> {
  const failedAt = state.failure instanceof PlanFailed ? state.failure.step.id - update.make.length : 0;
  const operations = update.writes
    .slice(0, Math.max(0, failedAt))
    .reverse()
    .flatMap(({ path, value }): Operation[] => {
      const was = state.earlier.get(path);
      if (was === undefined) return [];
      return [{ op: 'write', path, data: text(earlierValue(path, value, was)), why: reasons.limitLifted }];
    });
  if (operations.length > 0) {
    const executor = engine.shims.execute();
    await executor.ask(operations).catch(() => undefined);
    await executor.close().catch(() => undefined);
  }
  const cpuset = update.make[0];
  if (cpuset?.op === 'mkdirs') await removeDirectoryIfThere(cpuset.path).catch(() => undefined);
}

/** The value to write for a file to be as it was; of a file with a line per device that device's. */
function earlierValue(path: string, written: string, was: string): string {
  const [first = ''] = written.split(' ');
  const lines = was.trim().split('\n');
  if (path.endsWith('/memory.oom_control')) return /^oom_kill_disable (\d)/.exec(was)?.[1] ?? '0';
  if (!/^(?:\d+:\d+|default)$/.test(first)) return lines[0] ?? '';
  const line = lines.find((one) => one.startsWith(`${first} `));
  if (line !== undefined) return line;
  if (path.endsWith('/io.max')) return `${first} rbps=max wbps=max riops=max wiops=max`;
  return path.endsWith('weight') ? `${first} default` : `${first} 0`;
}
