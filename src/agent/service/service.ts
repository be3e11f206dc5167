import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PortholeError } from '../../base/errors.ts';
import { writeDurable } from '../sys/durable.ts';
import { isThere, makeDirectories } from '../sys/files.ts';
import { readStat } from '../sys/proc.ts';
import { makeLinger } from './linger.ts';
import type { UnitOwner } from './owner.ts';
import { hasSystemd, requireSystemd, type Systemd } from './systemd.ts';
import { agentUnit, containersUnit, type Roots } from './units.ts';

const needsRoot = () =>
  new PortholeError('forbidden', 'a service of the host is installed by root; --user installs one of your own');
const notInstalled = (unit: string) => new PortholeError('not-found', `${unit} is not installed`);

const silent = (unit: string) =>
  new PortholeError('unavailable', `${unit} is installed, but does not answer; journalctl --unit ${unit} may say why`);

/** Whose service, and on which roots. */
export interface ServiceRoots extends Roots {
  readonly owner: UnitOwner;
}

/** What to install: a whole command line that serves on these roots. */
export interface ServicePlan extends ServiceRoots {
  readonly command: readonly string[];
  /** Which agent answers on the socket. */
  whoServes(): Promise<{ readonly pid: number } | undefined>;
}

/** Milliseconds for the agent of the service to start, and for one before it to hand over. */
const patience = 60_000;

/**
 * Installs the agent as a service that starts with the host, and starts it: one that runs already on the same roots hands
 * over. Installing again replaces the command, as an upgrade does.
 */
export async function installService(plan: ServicePlan): Promise<string> {
  const { dataRoot, owner, command, socket } = plan;
  const { systemd, directory } = owner;
  await requireSystemd();
  refuseOthers(owner);
  const names = owner.unitNames(dataRoot);
  const linger = systemd.kind === 'user' ? await makeLinger() : [];
  await makeDirectories(directory);
  await writeDurable(join(directory, names.containers), containersUnit(), { mode: 0o644 });
  await writeDurable(join(directory, names.agent), agentUnit(names, { command, kind: systemd.kind }), { mode: 0o644 });
  await systemd.ctl('daemon-reload');
  await systemd.ctl('enable', '--quiet', names.agent);
  await systemd.ctl('restart', names.agent);
  await untilItServes(plan, names.agent);
  return [`${names.agent} is installed and runs; its socket is ${socket}`, ...linger].join('\n');
}

/**
 * Replaces an agent that systemd keeps: its unit gets the new command and is restarted. False: the agent that runs is no
 * service.
 */
export async function upgradeService(running: { readonly pid: number }, plan: ServicePlan): Promise<boolean> {
  const { systemd, directory } = plan.owner;
  const { agent } = plan.owner.unitNames(plan.dataRoot);
  if (!(await hasSystemd()) || !(await isThere(join(directory, agent)))) return false;
  if (!(await isMain(running, { systemd, unit: agent }))) return false;
  await installService(plan);
  return true;
}

/** Stops the agent and removes its units. Containers go on, and what is on disk stays. */
export async function uninstallService({ dataRoot, owner }: ServiceRoots): Promise<string> {
  const { systemd, directory } = owner;
  await requireSystemd();
  const names = owner.unitNames(dataRoot);
  if (!(await isThere(join(directory, names.agent)))) throw notInstalled(names.agent);
  refuseOthers(owner);
  await systemd.ctl('disable', '--quiet', '--now', names.agent);
  for (const unit of [names.agent, names.containers]) await rm(join(directory, unit), { force: true });
  await systemd.ctl('daemon-reload');
  return `${names.agent} is removed; ${dataRoot} and the containers that run stay`;
}

/** `UNIT: enabled, active, pid N`, or that it is not installed. */
export async function serviceStatus({ dataRoot, owner }: ServiceRoots): Promise<string> {
  await requireSystemd();
  const { agent } = owner.unitNames(dataRoot);
  if (!(await isThere(join(owner.directory, agent)))) return `${agent}: not installed`;
  const found = await owner.systemd.properties(agent, 'UnitFileState', 'ActiveState', 'MainPID');
  const pid = found('MainPID');
  return `${agent}: ${found('UnitFileState')}, ${found('ActiveState')}${pid === '0' ? '' : `, pid ${pid}`}`;
}

async function untilItServes(plan: ServicePlan, unit: string): Promise<void> {
  for (const deadline = Date.now() + patience; Date.now() < deadline; await pause(50)) {
    // A connection can be cut while one agent follows the other.
    const running = await plan.whoServes().catch(() => undefined);
    if (running !== undefined && (await isMain(running, { systemd: plan.owner.systemd, unit }))) return;
  }
  throw silent(unit);
}

async function isMain(
  running: { readonly pid: number },
  { systemd, unit }: { readonly systemd: Systemd; readonly unit: string },
): Promise<boolean> {
  const main = Number((await systemd.properties(unit, 'MainPID'))('MainPID'));
  // Without root it is the parent that was started: the agent itself is in a user namespace.
  return main === running.pid || main === (await readStat(running.pid))?.parent;
}

function refuseOthers({ systemd }: UnitOwner): void {
  if (systemd.kind === 'system' && process.getuid?.() !== 0) throw needsRoot();
}
