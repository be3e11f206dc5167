import { makeDirectories } from '../sys/files.ts';
import type { Systemd } from './systemd.ts';
import { containersProperties } from './units.ts';

/**
 * On a host with systemd and cgroup v2: has systemd delegate a cgroup for containers, moves the agent (and so every shim that
 * it will start) into a leaf of it, and returns the path of the delegated cgroup. systemd is the only one that writes outside
 * of it (https://systemd.io/CGROUP_DELEGATION).
 *
 *   /system.slice/porthole-containers.service    delegated; has no process itself
 *     agent                                      the agent and its shims
 *     CONTAINER ...
 *
 * A user's own manager does the same below /user.slice/user-UID.slice/user@UID.service/app.slice. The unit needs no process,
 * so it stays when the agent ends; one that an agent before us had made is taken as it is.
 *
 * @param options.unit see `unitNames`
 * @param options.mount where cgroup2 is mounted
 * @param options.pids who is moved
 */
export async function delegatedCgroup(
  systemd: Systemd,
  options: { readonly unit: string; readonly mount: string; readonly pids: readonly number[] },
): Promise<string> {
  const { unit, mount, pids } = options;
  const found = await systemd.properties(unit, 'ActiveState', 'LoadState', 'ControlGroup');
  if (found('ActiveState') !== 'active') {
    await startContainersUnit(systemd, unit, { isInstalled: found('LoadState') === 'loaded' });
  }
  let path = found('ControlGroup');
  if (path === '') {
    // systemd takes an empty cgroup away: with us it is there again, and not yet divided.
    await systemd.attach(unit, '', pids);
    path = (await systemd.properties(unit, 'ControlGroup'))('ControlGroup');
  }
  await makeDirectories(`${mount}${path}/agent`);
  await systemd.attach(unit, '/agent', pids);
  return path;
}

async function startContainersUnit(
  systemd: Systemd,
  unit: string,
  { isInstalled }: { readonly isInstalled: boolean },
): Promise<void> {
  if (isInstalled) {
    await systemd.ctl('start', unit);
    return;
  }
  const properties = containersProperties.map(([name, value]) => `--property=${name}=${value}`);
  await systemd.run(unit, ['--description=Containers of the Porthole agent', ...properties, '/bin/true']);
}
