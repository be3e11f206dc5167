import type { PlanView, Trace } from '../../protocol/trace.ts';
import type { CgroupReading } from '../../protocol/usage.ts';
import { type DockerFigures, readDockerFigures } from '../cgroup/docker-figures.ts';
import { readCgroup } from '../cgroup/reading.ts';
import { processesIn } from '../cgroup/tree.ts';
import { compile } from '../plan/compile.ts';
import type { Plan } from '../plan/operations.ts';
import { planView, traceOf } from '../plan/render.ts';
import { errnoName } from '../shim/errno.ts';
import { sharingNamespace } from '../sys/proc.ts';
import { containerFacts } from './bundle.ts';
import type { Container } from './container.ts';
import type { LiveCgroup } from './contract.ts';
import type { Engine } from './engine.ts';
import { notRunning } from './errors.ts';
import { specOf } from './exec.ts';
import { never } from './record.ts';
import { specAtStart } from './start.ts';
import { hasProcess } from './state.ts';
import { hasCgroups } from './without-root.ts';

/** The plan of the running or last life; before the first start, the plan as it would be now. */
export async function planOf(engine: Engine, container: Container): Promise<PlanView> {
  return planView(await lastPlan(engine, container));
}

async function lastPlan(engine: Engine, container: Container): Promise<Plan> {
  const fresh = container.record.state.startedAt === never;
  const spec = fresh ? await specAtStart(engine, container) : await specOf(container);
  return compile(spec, { host: engine.host, container: await containerFacts(engine, container, spec) });
}

/** Before the first start: every step not run. */
export async function traceOfContainer(engine: Engine, container: Container): Promise<Trace> {
  const stored = await container.trace.read();
  return stored ?? traceOf(await lastPlan(engine, container), [], { startedAt: never, errnoName });
}

export async function readingOf(engine: Engine, container: Container): Promise<CgroupReading> {
  runningPid(container);
  return readCgroup(engine.host.cgroup, container.record.cgroupPath);
}

export function liveCgroups(engine: Engine): LiveCgroup[] {
  if (!hasCgroups(engine.host)) return [];
  return engine.registry
    .all()
    .map(({ record }) => record)
    .filter(({ state }) => hasProcess(state.status))
    .map(({ id, cgroupPath: path, state }) => ({ id, path, startedAt: state.startedAt }));
}

export async function figuresOf(engine: Engine, container: Container): Promise<DockerFigures> {
  runningPid(container);
  return readDockerFigures(engine.host.cgroup, container.record.cgroupPath);
}

/** Host pids, the initial process first. */
export async function pidsOf(engine: Engine, container: Container): Promise<number[]> {
  const initial = runningPid(container);
  const all = hasCgroups(engine.host)
    ? await processesIn(engine.host.cgroup, container.record.cgroupPath)
    : await sharingNamespace(initial, 'pid');
  return [initial, ...all.filter((pid) => pid !== initial).sort((a, b) => a - b)];
}

function runningPid(container: Container): number {
  const { status, pid } = container.record.state;
  if (!hasProcess(status)) throw notRunning(container.id);
  return pid;
}
