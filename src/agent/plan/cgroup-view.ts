import type { Spec } from '../oci/runtime.ts';
import { hierarchyOf } from './cgroup-path.ts';
import type { HostFacts } from './facts.ts';
import { cloneFlags, mountFlags } from './flags.ts';
import { parseMountOptions } from './mount-options.ts';
import { atLeast, restrict } from './mounts.ts';
import type { Operation } from './operations.ts';
import { reasons } from './reasons.ts';
import { becomeRoot, remapOf } from './userns.ts';

/**
 * v1: shows a running container the cpuset that it was put into, where it would have been from its start: two lists, each for
 * an executor of its own. The first makes the mount point. Its file system is sealed in the container, and open only in the
 * executor's own copy of the mounts.
 *
 * @param of.path of the container's cgroups, below the root of each hierarchy
 */
export function cpusetView(
  spec: Spec,
  of: { readonly pid: number; readonly startTicks: bigint; readonly path: string; readonly host: HostFacts },
): readonly (readonly Operation[])[] {
  const { pid, startTicks, path, host } = of;
  const root = host.cgroup.version === 1 ? hierarchyOf(host.cgroup, 'cpuset') : undefined;
  const mount = (spec.mounts ?? []).find(({ type }) => type === 'cgroup');
  if (root === undefined || mount === undefined || !atLeast(host, 5, 2)) return [];
  const options = parseMountOptions(mount);
  const { MS_REMOUNT, MS_BIND, MS_RDONLY, MS_REC, MS_PRIVATE } = mountFlags;
  const target = `${mount.destination}/${root.slice(root.lastIndexOf('/') + 1)}`;
  const why = reasons.mountCgroup;
  const enter: Operation = { op: 'joinProcess', pid, startTicks, flags: cloneFlags.CLONE_NEWNS, why };
  const isRemapped = remapOf(spec, host) !== undefined;
  const change = (place: string, flags: bigint): Operation => {
    return { op: 'mount', source: 'none', target: place, type: 'none', flags, data: '', why };
  };
  return [
    [
      ...(isRemapped ? [{ op: 'usernsOf', path: `/proc/${pid}/ns/user`, why } as const] : []),
      enter,
      // Before the copy: one that somebody else owns would have every mount's flags locked, see mount_namespaces(7).
      ...(isRemapped ? [{ op: 'enterUserns', why } as const, ...becomeRoot()] : []),
      { op: 'unshare', flags: cloneFlags.CLONE_NEWNS, why },
      change('/', MS_REC | MS_PRIVATE),
      change(mount.destination, (options.flags & ~MS_RDONLY) | MS_REMOUNT | MS_BIND),
      { op: 'mkdir', path: target, mode: 0o755, tolerate: ['EEXIST'], why: reasons.mountPoint },
    ],
    [
      { op: 'openTree', slot: 0, path: `${root}${path}`, recursive: 0, why: reasons.bindSource },
      enter,
      { op: 'moveMount', slot: 0, target, why },
      ...restrict(target, options, host),
    ],
  ];
}
