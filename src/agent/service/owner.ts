import { rootlessPlaces, rootPlaces } from '../../protocol/places.ts';
import { isThere } from '../sys/files.ts';
import { Systemd } from './systemd.ts';
import { type UnitNames, unitNames } from './units.ts';

/** Whose units an agent's are: the host's, or those of one user. */
export interface UnitOwner {
  readonly systemd: Systemd;
  /** Where unit files are installed. */
  readonly directory: string;
  unitNames(dataRoot: string): UnitNames;
}

/** Directory of the host's own unit files: systemd.unit(5). */
const hostDirectory = '/etc/systemd/system';

export function hostUnits(): UnitOwner {
  return {
    systemd: new Systemd('system'),
    directory: hostDirectory,
    unitNames: (dataRoot) => unitNames(dataRoot, rootPlaces.dataRoot),
  };
}

export function userUnits(env: Readonly<Record<string, string | undefined>>, home: string): UnitOwner {
  const config = env['XDG_CONFIG_HOME'];
  const usual = rootlessPlaces(env, home).dataRoot;
  return {
    systemd: new Systemd('user'),
    directory: `${config?.startsWith('/') ? config : `${home}/.config`}/systemd/user`,
    unitNames: (dataRoot) => unitNames(dataRoot, usual),
  };
}

/** What keeps a user's service manager from being asked, in words; undefined: nothing does. */
export async function noUserManager(env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  const runtime = env['XDG_RUNTIME_DIR'];
  if (!runtime || !(await isThere(`${runtime}/systemd/private`))) {
    return 'the login has no service manager of the user (systemd --user), as pam_systemd gives it (sshd: UsePAM yes)';
  }
  if (!env['DBUS_SESSION_BUS_ADDRESS'] && !(await isThere(`${runtime}/bus`))) {
    return 'the user has no D-Bus; Debian’s package dbus-user-session brings one';
  }
  return undefined;
}
