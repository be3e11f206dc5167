import type { HostConfig, UpdateBody } from '../../protocol/docker.ts';
import type { UpdatePlan } from '../../protocol/usage-history.ts';
import { blockIoOf } from './block-devices.ts';
import { keepSpec } from './bundle.ts';
import type { Container } from './container.ts';
import { announce, type Engine } from './engine.ts';
import { conflict, invalid, notSupportedYet } from './errors.ts';
import { specOf } from './exec.ts';
import { checkedLimits } from './limits.ts';
import { applyLimits, writesFor } from './live-limits.ts';
import { resourcesOf } from './resources.ts';
import { hasProcess } from './state.ts';
import { checkRestartPolicy } from './supported.ts';

/**
 * `docker update`: new limits, in force at once where the container runs, and a new restart policy. The container's
 * lock is held. Nothing has changed when it fails.
 */
export async function updateLocked(
  engine: Engine,
  container: Container,
  change: UpdateBody,
): Promise<{ warnings: string[] }> {
  const { before, after, warnings } = await checkedUpdate(engine, container, change);
  if (hasProcess(container.record.state.status)) await changeLive(engine, container, { before, after });
  container.change({ hostConfig: after });
  await container.save();
  announce(engine, container, 'update');
  return { warnings: [...warnings] };
}

/** What `updateLocked` would write, found out without doing it. Throws what that would before the kernel is asked. */
export async function updatePlanOf(engine: Engine, container: Container, change: UpdateBody): Promise<UpdatePlan> {
  const { before, after, warnings } = await checkedUpdate(engine, container, change);
  const isLive = hasProcess(container.record.state.status);
  const writes = isLive ? await writesFor(engine, container, await resourcesFor(container, { before, after })) : [];
  return { live: isLive, writes, warnings: [...warnings] };
}

async function checkedUpdate(engine: Engine, container: Container, change: UpdateBody) {
  refuseFixed(change);
  const limits = checkedLimits(change, engine.host, { update: true });
  checkRestartPolicy({ RestartPolicy: change.RestartPolicy });
  const before = container.record.hostConfig;
  const after = merged(container, limits.hostConfig);
  checkTogether(after);
  await blockIoOf(change);
  return { before, after, warnings: limits.warnings };
}

/** What a container has for its whole life. dockerd takes these and does nothing. */
function refuseFixed(change: UpdateBody): void {
  for (const field of ['CgroupParent', 'Devices', 'DeviceCgroupRules', 'DeviceRequests', 'Ulimits'] as const) {
    if ((change[field]?.length ?? 0) > 0) throw notSupportedYet(`Updating ${field}`);
  }
}

const cannotUpdate = (container: Container, why: string) => conflict(`Cannot update container ${container.id}: ${why}`);

/** The new configuration. A field that is 0 or empty in the change stays as it is. @throws conflict in dockerd's words */
function merged(container: Container, change: UpdateBody): HostConfig {
  const { hostConfig: current, state } = container.record;
  if (state.status === 'removing' || state.status === 'dead') {
    throw cannotUpdate(container, 'container is marked for removal and cannot be "update"');
  }
  const set = (value: number | undefined): boolean => (value ?? 0) > 0;
  const conflicts: readonly (readonly [isSo: boolean, words: string])[] = [
    [set(change.NanoCpus) && set(current.CpuPeriod), 'Nano CPUs cannot be updated as CPU Period has already been set'],
    [set(change.NanoCpus) && set(current.CpuQuota), 'Nano CPUs cannot be updated as CPU Quota has already been set'],
    [set(change.CpuPeriod) && set(current.NanoCpus), 'CPU Period cannot be updated as NanoCPUs has already been set'],
    [set(change.CpuQuota) && set(current.NanoCpus), 'CPU Quota cannot be updated as NanoCPUs has already been set'],
  ];
  const found = conflicts.find(([isSo]) => isSo);
  if (found) throw cannotUpdate(container, `Conflicting options: ${found[1]}`);
  // dockerd refuses here even where swap was unlimited (-1): that is a slip of its comparison.
  const swap = current.MemorySwap ?? 0;
  if (change.Memory && !change.MemorySwap && swap >= 0 && change.Memory > swap) {
    const words =
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time';
    throw cannotUpdate(container, words);
  }
  const policy = change.RestartPolicy;
  if (policy?.Name && policy.Name !== 'no' && current.AutoRemove) {
    throw cannotUpdate(container, 'Restart policy cannot be updated because AutoRemove is enabled for the container');
  }
  // What Windows has stays as it was made.
  const { RestartPolicy: _, PidsLimit: pids, CpuCount: _count, CpuPercent: _percent, ...rest } = change;
  const asked = Object.fromEntries(Object.entries(rest).filter(([, value]) => isGiven(value)));
  return {
    ...current,
    ...asked,
    ...(pids === undefined ? {} : { PidsLimit: Math.max(pids, 0) }),
    ...(policy?.Name ? { RestartPolicy: { Name: policy.Name, MaximumRetryCount: policy.MaximumRetryCount ?? 0 } } : {}),
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== 0 && value !== '' && !(Array.isArray(value) && value.length === 0);
}

/** Each half was right; the kernel would refuse them together, and a container that does not run would not start. */
function checkTogether({
  Memory: memory = 0,
  MemorySwap: swap = 0,
  MemoryReservation: reservation = 0,
}: HostConfig): void {
  if (memory > 0 && swap > 0 && swap < memory) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (memory === 0 && swap > 0) {
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (memory > 0 && reservation > memory) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
}

interface Configs {
  readonly before: HostConfig;
  readonly after: HostConfig;
}

async function changeLive(engine: Engine, container: Container, configs: Configs): Promise<void> {
  const { spec, before, after, devices } = await resourcesFor(container, configs);
  await applyLimits(engine, container, { before, after, spec });
  const linux = { ...spec.linux, resources: { ...after, ...(devices && { devices }) } };
  // The next exec joins the cgroups that this says.
  await keepSpec(container, { ...spec, linux });
}

async function resourcesFor(container: Container, configs: Configs) {
  const spec = await specOf(container);
  const { devices, ...before } = spec.linux.resources ?? {};
  return { spec, before, after: resourcesOf(configs.after, await blockIoOf(configs.after)), devices };
}
