import { makeDirectories } from '../sys/files.ts';
import { hasSystemd, must, systemctl, unitProperty } from './systemd.ts';
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
 * The unit has no process, so it stays when the agent ends; one that an agent before us had made is taken as it is.
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
  await startContainersUnit(unit);
  const path = await unitProperty(unit, 'ControlGroup');
  await makeDirectories(`${options.mount}${path}/agent`);
  await must('busctl', [
    ...['call', '--quiet', 'org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'],
    ...['AttachProcessesToUnit', 'ssau', unit, '/agent', '1', String(process.pid)],
  ]);
  return path;
}

async function startContainersUnit(unit: string): Promise<void> {
  if ((await unitProperty(unit, 'ActiveState')) === 'active') return;
  if ((await unitProperty(unit, 'LoadState')) === 'loaded') {
    await systemctl('start', unit);
    return;
  }
  const properties = containersProperties.map(([name, value]) => `--property=${name}=${value}`);
  await must('systemd-run', [
    ...['--quiet', `--unit=${unit}`, '--description=Containers of the Porthole agent', ...properties, '/bin/true'],
  ]);
}
