import type { SpecMount } from '../oci/runtime.ts';
import { unsupportedSpec } from './errors.ts';
import { mountAttributes, mountFlags } from './flags.ts';

/** A mount's options as mount(2) and mount_setattr(2) want them. */
export interface MountOptions {
  /** Flags for mount(2), without propagation and MS_BIND. */
  readonly flags: bigint;
  /** For mount_setattr(2) on a bind mount, on the mount itself. */
  readonly attributes: AttributeChange;
  /** The same on everything below it: options that begin with r, such as 'rro'. */
  readonly recursiveAttributes: AttributeChange;
  readonly propagation: Propagation | undefined;
  readonly bind: 'no' | 'one' | 'recursive';
  /** A bind mount that is seen with the ids of the container's user namespace, if it has one. */
  readonly idmap: 'no' | 'one' | 'recursive';
  /** What the file system itself understands, comma-separated. */
  readonly data: string;
}

export interface AttributeChange {
  readonly set: bigint;
  readonly clear: bigint;
}

export interface Propagation {
  /** One of MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE. */
  readonly flag: bigint;
  readonly recursive: boolean;
}

const none = { flag: 0n, attribute: 0n } as const;
const { MS_NOATIME, MS_RELATIME, MS_STRICTATIME } = mountFlags;
const allTimes = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;
const times = mountAttributes.MOUNT_ATTR__ATIME;

interface OptionMeaning {
  /** Bits of mount(2) and of mount_setattr(2) that the option sets. */
  readonly set: { readonly flag: bigint; readonly attribute: bigint };
  readonly clear: { readonly flag: bigint; readonly attribute: bigint };
}

const on = (flag: bigint, attribute = 0n): OptionMeaning => ({ set: { flag, attribute }, clear: none });
const off = (flag: bigint, attribute = 0n): OptionMeaning => ({ set: none, clear: { flag, attribute } });
const time = (flag: bigint, attribute: bigint): OptionMeaning => ({
  set: { flag, attribute },
  clear: { flag: allTimes & ~flag, attribute: times },
});

/** mount(8)'s words. Those with an attribute may also be written with an r in front, for everything below. */
const meanings: Readonly<Record<string, OptionMeaning>> = {
  defaults: on(0n),
  ro: on(mountFlags.MS_RDONLY, mountAttributes.MOUNT_ATTR_RDONLY),
  rw: off(mountFlags.MS_RDONLY, mountAttributes.MOUNT_ATTR_RDONLY),
  nosuid: on(mountFlags.MS_NOSUID, mountAttributes.MOUNT_ATTR_NOSUID),
  suid: off(mountFlags.MS_NOSUID, mountAttributes.MOUNT_ATTR_NOSUID),
  nodev: on(mountFlags.MS_NODEV, mountAttributes.MOUNT_ATTR_NODEV),
  dev: off(mountFlags.MS_NODEV, mountAttributes.MOUNT_ATTR_NODEV),
  noexec: on(mountFlags.MS_NOEXEC, mountAttributes.MOUNT_ATTR_NOEXEC),
  exec: off(mountFlags.MS_NOEXEC, mountAttributes.MOUNT_ATTR_NOEXEC),
  nosymfollow: on(mountFlags.MS_NOSYMFOLLOW, mountAttributes.MOUNT_ATTR_NOSYMFOLLOW),
  symfollow: off(mountFlags.MS_NOSYMFOLLOW, mountAttributes.MOUNT_ATTR_NOSYMFOLLOW),
  nodiratime: on(mountFlags.MS_NODIRATIME, mountAttributes.MOUNT_ATTR_NODIRATIME),
  diratime: off(mountFlags.MS_NODIRATIME, mountAttributes.MOUNT_ATTR_NODIRATIME),
  noatime: time(MS_NOATIME, mountAttributes.MOUNT_ATTR_NOATIME),
  relatime: time(MS_RELATIME, 0n),
  strictatime: time(MS_STRICTATIME, mountAttributes.MOUNT_ATTR_STRICTATIME),
  atime: off(MS_NOATIME, times),
  norelatime: off(MS_RELATIME),
  nostrictatime: off(MS_STRICTATIME),
  sync: on(mountFlags.MS_SYNCHRONOUS),
  async: off(mountFlags.MS_SYNCHRONOUS),
  dirsync: on(mountFlags.MS_DIRSYNC),
  mand: on(mountFlags.MS_MANDLOCK),
  nomand: off(mountFlags.MS_MANDLOCK),
  silent: on(mountFlags.MS_SILENT),
  loud: off(mountFlags.MS_SILENT),
};

const propagations: Readonly<Record<string, bigint>> = {
  private: mountFlags.MS_PRIVATE,
  slave: mountFlags.MS_SLAVE,
  shared: mountFlags.MS_SHARED,
  unbindable: mountFlags.MS_UNBINDABLE,
};

/** @throws unsupported on an option that changes what is mounted and that we cannot do. */
export function parseMountOptions(mount: SpecMount): MountOptions {
  let flags = 0n;
  let propagation: Propagation | undefined;
  const own = { set: 0n, clear: 0n };
  const below = { set: 0n, clear: 0n };
  const data: string[] = [];
  for (const option of mount.options ?? []) {
    const meaning = meanings[option];
    const recursive = option.startsWith('r') ? meanings[option.slice(1)] : undefined;
    if (option === 'bind' || option === 'rbind') continue;
    if (isBind(mount) && (option === 'idmap' || option === 'ridmap')) continue;
    if (meaning !== undefined) {
      flags = (flags & ~meaning.clear.flag) | meaning.set.flag;
      apply(own, meaning);
    } else if (parsePropagation(option) !== undefined) {
      propagation = parsePropagation(option);
    } else if (recursive !== undefined) {
      apply(below, recursive);
    } else if (unsupportedOptions.has(option)) {
      throw unsupportedSpec(`mount of ${mount.destination}`, `option ${option} is not supported`);
    } else {
      data.push(option);
    }
  }
  return {
    flags,
    attributes: own,
    recursiveAttributes: below,
    propagation,
    bind: bindKind(mount),
    idmap: mount.options?.includes('ridmap') ? 'recursive' : mount.options?.includes('idmap') ? 'one' : 'no',
    data: data.join(','),
  };
}

function bindKind(mount: SpecMount): MountOptions['bind'] {
  if (!isBind(mount)) return 'no';
  return mount.options?.includes('rbind') ? 'recursive' : 'one';
}

/** True for a mount that shows a file or directory of the host. */
export function isBind(mount: SpecMount): boolean {
  return mount.type === 'bind' || (mount.options ?? []).some((option) => option === 'bind' || option === 'rbind');
}

/**
 * A source such as /proc/12/root/dev/shm is a directory of another container: only from inside can its mount be copied,
 * and only there do the links on the way lead nowhere else.
 */
export function sourceInside(mount: SpecMount): { readonly pid: number; readonly path: string } | undefined {
  const [, pid, path] = /^\/proc\/(\d+)\/root(\/.*)$/.exec(mount.source ?? '') ?? [];
  return pid === undefined || path === undefined ? undefined : { pid: Number(pid), path };
}

/** 'rslave' and the like. */
export function parsePropagation(option: string): Propagation | undefined {
  const plain = propagations[option];
  if (plain !== undefined) return { flag: plain, recursive: false };
  const recursive = option.startsWith('r') ? propagations[option.slice(1)] : undefined;
  return recursive === undefined ? undefined : { flag: recursive, recursive: true };
}

const unsupportedOptions: ReadonlySet<string> = new Set(['idmap', 'ridmap', 'tmpcopyup', 'remount', 'move']);

function apply(change: { set: bigint; clear: bigint }, meaning: OptionMeaning): void {
  change.set = (change.set & ~meaning.clear.attribute) | meaning.set.attribute;
  change.clear = (change.clear & ~meaning.set.attribute) | meaning.clear.attribute;
  // The access time field can only be set together with clearing all of it.
  if ((change.set & times) !== 0n) change.clear |= times;
}
