import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PortholeError } from '../../base/errors.ts';
import { writeDurable } from '../sys/durable.ts';
import { isThere } from '../sys/files.ts';
import { hasSystemd, requireSystemd, systemctl, unitProperties } from './systemd.ts';
import { agentUnit, containersUnit, type Roots, unitNames } from './units.ts';

const unitDirectory = '/etc/systemd/system';

const needsRoot = () => new PortholeError('forbidden', 'a service of the host is installed by root');
const notInstalled = (unit: string) => new PortholeError('not-found', `${unit} is not installed`);

/** What to install: a whole command line that serves on these roots. */
export interface ServicePlan extends Roots {
  readonly command: readonly string[];
}

/**
 * Installs the agent as a service that starts with the host, and starts it: one that runs already on the same roots hands
 * over. Installing again replaces the command, as an upgrade does.
 */
export async function installService(plan: ServicePlan): Promise<string> {
  await requireSystemd();
  if (process.getuid?.() !== 0) throw needsRoot();
  const names = unitNames(plan.dataRoot);
  await writeDurable(join(unitDirectory, names.containers), containersUnit(), { mode: 0o644 });
  await writeDurable(join(unitDirectory, names.agent), agentUnit(names, plan.command), { mode: 0o644 });
  await systemctl('daemon-reload');
  await systemctl('enable', '--quiet', names.agent);
  await systemctl('restart', names.agent);
  return `${names.agent} is installed and runs; its socket is ${plan.socket}`;
}

/**
 * Replaces an agent that systemd keeps: its unit gets the new command and is restarted. False: the agent that runs is no
 * service.
 */
export async function upgradeService(running: { readonly pid: number }, plan: ServicePlan): Promise<boolean> {
  const { agent } = unitNames(plan.dataRoot);
  if (!(await hasSystemd()) || !(await isThere(join(unitDirectory, agent)))) return false;
  if ((await unitProperties(agent, 'MainPID'))('MainPID') !== String(running.pid)) return false;
  await installService(plan);
  return true;
}

/** Stops the agent and removes its units. Containers go on, and what is on disk stays. */
export async function uninstallService({ dataRoot }: Roots): Promise<string> {
  await requireSystemd();
  const names = unitNames(dataRoot);
  if (!(await isThere(join(unitDirectory, names.agent)))) throw notInstalled(names.agent);
  if (process.getuid?.() !== 0) throw needsRoot();
  await systemctl('disable', '--quiet', '--now', names.agent);
  for (const unit of [names.agent, names.containers]) await rm(join(unitDirectory, unit), { force: true });
  await systemctl('daemon-reload');
  return `${names.agent} is removed; ${dataRoot} and the containers that run stay`;
}

/** `UNIT: enabled, active, pid N`, or that it is not installed. */
export async function serviceStatus({ dataRoot }: Roots): Promise<string> {
  await requireSystemd();
  const { agent } = unitNames(dataRoot);
  if (!(await isThere(join(unitDirectory, agent)))) return `${agent}: not installed`;
  const found = await unitProperties(agent, 'UnitFileState', 'ActiveState', 'MainPID');
  const pid = found('MainPID');
  return `${agent}: ${found('UnitFileState')}, ${found('ActiveState')}${pid === '0' ? '' : `, pid ${pid}`}`;
}
