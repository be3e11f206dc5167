import type { Device, Spec } from '../oci/runtime.ts';
import { invalidSpec } from './errors.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO } from './flags.ts';
import type { Operation } from './operations.ts';
import { reasons } from './reasons.ts';

/** Nodes that programs expect in /dev, with their numbers (Linux's devices.txt). */
const usualNodes = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
] as const;

const usualLinks = [
  ['/proc/self/fd', 'fd'],
  ['/proc/self/fd/0', 'stdin'],
  ['/proc/self/fd/1', 'stdout'],
  ['/proc/self/fd/2', 'stderr'],
  ['pts/ptmx', 'ptmx'],
  ['/proc/kcore', 'core'],
] as const;

/**
 * Device nodes and links of /dev: the usual ones where /dev is mounted anew, and those of the configuration.
 * A bind-mounted /dev is somebody else's and gets only the latter.
 */
export function deviceSteps(spec: Spec): Operation[] {
  const made = new Set<string>();
  const operations: Operation[] = [];
  const asked = spec.linux.devices ?? [];
  const isNew = (spec.mounts ?? []).some((mount) => mount.destination === '/dev' && mount.type === 'tmpfs');
  for (const device of asked) {
    operations.push(...nodeOf(device));
    made.add(device.path);
  }
  if (!isNew) return operations;
  for (const [name, major, minor] of usualNodes) {
    const path = `/dev/${name}`;
    if (made.has(path)) continue;
    operations.push({ op: 'mknod', path, mode: S_IFCHR | 0o666, major, minor, why: reasons.deviceNode });
  }
  for (const [target, name] of usualLinks) {
    const path = `/dev/${name}`;
    if (made.has(path)) continue;
    operations.push({ op: 'symlink', target, path, tolerate: ['EEXIST'], why: reasons.deviceLink });
  }
  return operations;
}

const typeBits: Readonly<Record<Device['type'], number>> = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO };

function nodeOf(device: Device): Operation[] {
  const { path, uid = 0, gid = 0, major = 0, minor = 0 } = device;
  if (!path.startsWith('/') || path.endsWith('/'))
    throw invalidSpec('linux.devices', `"${path}" is not an absolute path`);
  const mode = typeBits[device.type] | ((device.fileMode ?? 0o666) & 0o7777);
  const parent = path.slice(0, path.lastIndexOf('/'));
  return [
    ...(parent === '' || parent === '/dev'
      ? []
      : [{ op: 'mkdirs', path: parent, mode: 0o755, why: reasons.mountPoint } as const]),
    { op: 'mknod', path, mode, major, minor, tolerate: ['EEXIST'], why: reasons.deviceNode },
    ...(uid === 0 && gid === 0 ? [] : [{ op: 'chown', path, uid, gid, why: reasons.deviceOwner } as const]),
  ];
}
