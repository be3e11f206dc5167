import { posix } from 'node:path';
import type { HostFacts } from '../plan/facts.ts';
import { cloneFlags, MNT_DETACH, mountAttributes, mountFlags } from '../plan/flags.ts';
import { atLeast } from '../plan/mounts.ts';
import type { Operation } from '../plan/operations.ts';
import { overlayOptions } from '../plan/overlay.ts';
import { becomeRoot } from '../plan/userns.ts';
import type { DirectoryRoot, RunningRoot, StackedBind, StackedRoot } from './contract.ts';

export const why = 'Files are reached from inside their own root.';

const { CLONE_NEWNS } = cloneFlags;
const { MS_REC, MS_PRIVATE, MS_BIND, MS_REMOUNT, MS_NODEV, MS_NOSUID } = mountFlags;
const noFollow = 8; // UMOUNT_NOFOLLOW

const ownMounts: readonly Operation[] = [
  { op: 'unshare', flags: CLONE_NEWNS, why },
  { op: 'mount', source: '', target: '/', type: '', flags: MS_REC | MS_PRIVATE, data: '', why },
];
const chrootTo = (path: string): Operation[] => [
  { op: 'chroot', path, why },
  { op: 'chdir', path: '/', why },
];

/**
 * A container that runs. What the kernel shows of itself there goes out of sight, as in dockerd: /proc is no file system to
 * copy, and in the /proc of a shared PID namespace lie ways into other roots.
 */
export function enterRunning({ pid, startTicks, alone, remapped }: RunningRoot, host: HostFacts): Operation[] {
  const join: Operation[] = [
    // While /proc is still the host's; it is entered at the end, see `giveUpRights`.
    ...(remapped ? [{ op: 'usernsOf', path: `/proc/${pid}/ns/user`, why } as const] : []),
    { op: 'joinProcess', pid, startTicks, flags: CLONE_NEWNS, why },
  ];
  if (alone) return [...join, ...rootAlone(host), { op: 'umask', mask: 0, why }];
  return [
    ...join,
    ...ownMounts,
    ...['/proc', '/sys', '/dev'].map(
      (target): Operation => ({
        op: 'umount',
        target,
        flags: MNT_DETACH | noFollow,
        why,
        tolerate: ['EINVAL', 'ENOENT'],
      }),
    ),
    { op: 'umask', mask: 0, why },
  ];
}

/** The root without what is mounted on it, put where every container has a directory. Opened first: mounts that another user namespace made are locked together in ours. */
function rootAlone(host: HostFacts): Operation[] {
  const place = '/proc';
  const bind: Operation = { op: 'mount', source: '/', target: place, type: '', flags: MS_BIND, data: '', why };
  const steps: Operation[] = atLeast(host, 5, 2)
    ? [
        { op: 'openTree', slot: 0, path: '/', recursive: 0, why },
        ...ownMounts,
        { op: 'moveMount', slot: 0, target: place, why },
      ]
    : [...ownMounts, bind];
  return [...steps, ...chrootTo(place)];
}

export function enterDirectory({ path }: DirectoryRoot): Operation[] {
  return [
    ...ownMounts,
    // Not recursive: what is mounted below belongs to somebody else.
    { op: 'mount', source: path, target: path, type: '', flags: MS_BIND, data: '', why },
    ...chrootTo(path),
    { op: 'umask', mask: 0, why },
  ];
}

/** A container that does not run. Its binds are opened before and moved in after the chroot, where the kernel finds their places. */
export function enterStack(root: StackedRoot, binds: readonly StackedBind[], host: HostFacts): Operation[] {
  const { upper, at, work } = root;
  const layers = work === undefined ? [upper, ...root.lowers] : root.lowers;
  // Without a work directory of its own what is written goes to memory that ends with us.
  const scratch: Operation[] = [
    { op: 'mount', source: 'tmpfs', target: at, type: 'tmpfs', flags: MS_NODEV | MS_NOSUID, data: 'mode=700', why },
    ...['upper', 'work', 'root'].map(
      (name): Operation => ({ op: 'mkdir', path: posix.join(at, name), mode: 0o755, why }),
    ),
  ];
  const merged = work === undefined ? posix.join(at, 'root') : at;
  const writable = {
    upper: work === undefined ? posix.join(at, 'upper') : upper,
    work: work ?? posix.join(at, 'work'),
  };
  return [
    ...ownMounts,
    ...binds.map(
      ({ source, below }, slot): Operation =>
        below === undefined
          ? { op: 'openTree', slot, path: source, recursive: 1, why }
          : { op: 'openTreeBelow', slot, root: source, path: below, recursive: 1, why },
    ),
    ...(work === undefined ? scratch : []),
    { op: 'chdir', path: root.base, why },
    {
      op: 'mount',
      source: 'overlay',
      target: merged,
      type: 'overlay',
      flags: MS_NODEV | MS_NOSUID,
      data: overlayOptions({ lowers: layers, ...writable }, host),
      why,
    },
    ...chrootTo(merged),
    { op: 'umask', mask: 0, why },
  ];
}

/** The last steps in every root: no device opens any more, and of the rights those stay that files need. */
export function giveUpRights(
  host: HostFacts,
  { trusted, remapped }: { readonly trusted: boolean; readonly remapped: boolean },
): Operation[] {
  const keep = [...fileRights, ...(trusted ? [CAP_SYS_ADMIN] : [])].reduce((all, bit) => all | (1n << bit), 0n);
  return [
    closeDevices(host, why),
    ...(remapped ? [{ op: 'enterUserns', why } as const, ...becomeRoot()] : []),
    { op: 'capset', effective: keep, permitted: keep, inheritable: 0n, why },
  ];
}

/** In a mount namespace of one's own: no node below the root opens any more. */
export function closeDevices(host: HostFacts, why: string): Operation {
  const target = '/';
  const set = mountAttributes.MOUNT_ATTR_NODEV;
  return atLeast(host, 5, 12)
    ? { op: 'mountSetattr', target, set, clear: 0n, propagation: 0n, recursive: 1, why }
    : { op: 'mount', source: 'none', target, type: 'none', flags: MS_REMOUNT | MS_BIND | MS_NODEV, data: '', why };
}

/** CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, MKNOD, SETFCAP: without SYS_PTRACE no link of /proc leads anywhere. */
const fileRights = [0n, 1n, 2n, 3n, 4n, 27n, 31n];
/** For attributes in `trusted.`. */
const CAP_SYS_ADMIN = 21n;
