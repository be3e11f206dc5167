import { makeDirectories } from '../sys/files.ts';
import { hasSystemd, must, systemctl, unitProperties } from './systemd.ts';
import { containersProperties, unitNames } from './units.ts';

/**
 * On a host with systemd and cgroup v2: has systemd delegate a cgroup for the containers of these roots, moves this process
 * (and so every shim that it will start) into a leaf of it, and returns the path of the delegated cgroup. systemd is the only
 * one that writes outside of it (https://systemd.io/CGROUP_DELEGATION).
 *
 *   /system.slice/porthole-containers.service    delegated; has no process itself
 *     agent                                      the agent and its shims
 *     CONTAINER ...
 *
 * The unit needs no process, so it stays when the agent ends; one that an agent before us had made is taken as it is.
 * Undefined: there is no systemd to ask.
 *
 * @param options.mount where cgroup2 is mounted
 */
export async function delegatedCgroup(
  dataRoot: string,
  options: { readonly mount: string },
): Promise<string | undefined> {
  if (!(await hasSystemd())) return undefined;
  const { containers: unit } = unitNames(dataRoot);
  const found = await unitProperties(unit, 'ActiveState', 'LoadState', 'ControlGroup');
  if (found('ActiveState') !== 'active')
    await startContainersUnit(unit, { isInstalled: found('LoadState') === 'loaded' });
  let path = found('ControlGroup');
  if (path === '') {
    // systemd takes an empty cgroup away: with us it is there again, and not yet divided.
    await attach(unit, '');
    path = (await unitProperties(unit, 'ControlGroup'))('ControlGroup');
  }
  await makeDirectories(`${options.mount}${path}/agent`);
  await attach(unit, '/agent');
  return path;
}

/** systemd itself moves us: nobody else writes outside of what is delegated. See org.freedesktop.systemd1(5). */
async function attach(unit: string, below: string): Promise<void> {
  await must('busctl', [
    ...['call', '--quiet', 'org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'],
    ...['AttachProcessesToUnit', 'ssau', unit, below, '1', String(process.pid)],
  ]);
}

async function startContainersUnit(unit: string, { isInstalled }: { readonly isInstalled: boolean }): Promise<void> {
  if (isInstalled) {
    await systemctl('start', unit);
    return;
  }
  const properties = containersProperties.map(([name, value]) => `--property=${name}=${value}`);
  await must('systemd-run', [
    ...['--quiet', `--unit=${unit}`, '--description=Containers of the Porthole agent', ...properties, '/bin/true'],
  ]);
}
