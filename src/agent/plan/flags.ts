/** Numbers of the kernel's interface that plans use, by the names of the man pages. The same on x64 and arm64. */

/** clone(2), unshare(2), setns(2). */
export const cloneFlags = {
  CLONE_NEWTIME: 0x80n,
  CLONE_NEWNS: 0x20000n,
  CLONE_NEWCGROUP: 0x2000000n,
  CLONE_NEWUTS: 0x4000000n,
  CLONE_NEWIPC: 0x8000000n,
  CLONE_NEWUSER: 0x10000000n,
  CLONE_NEWPID: 0x20000000n,
  CLONE_NEWNET: 0x40000000n,
} as const;

/** mount(2). */
export const mountFlags = {
  MS_RDONLY: 0x1n,
  MS_NOSUID: 0x2n,
  MS_NODEV: 0x4n,
  MS_NOEXEC: 0x8n,
  MS_SYNCHRONOUS: 0x10n,
  MS_REMOUNT: 0x20n,
  MS_MANDLOCK: 0x40n,
  MS_DIRSYNC: 0x80n,
  MS_NOSYMFOLLOW: 0x100n,
  MS_NOATIME: 0x400n,
  MS_NODIRATIME: 0x800n,
  MS_BIND: 0x1000n,
  MS_REC: 0x4000n,
  MS_SILENT: 0x8000n,
  MS_UNBINDABLE: 0x20000n,
  MS_PRIVATE: 0x40000n,
  MS_SLAVE: 0x80000n,
  MS_SHARED: 0x100000n,
  MS_RELATIME: 0x200000n,
  MS_STRICTATIME: 0x1000000n,
} as const;

/** mount_setattr(2). The access time policy is a field of three bits: to set one is to clear the others. */
export const mountAttributes = {
  MOUNT_ATTR_RDONLY: 0x1n,
  MOUNT_ATTR_NOSUID: 0x2n,
  MOUNT_ATTR_NODEV: 0x4n,
  MOUNT_ATTR_NOEXEC: 0x8n,
  MOUNT_ATTR_NOATIME: 0x10n,
  MOUNT_ATTR_STRICTATIME: 0x20n,
  MOUNT_ATTR__ATIME: 0x70n,
  MOUNT_ATTR_NODIRATIME: 0x80n,
  MOUNT_ATTR_NOSYMFOLLOW: 0x200000n,
} as const;

/** umount2(2). */
export const MNT_DETACH = 2;

/** prctl(2). */
export const prctlOptions = {
  PR_SET_PDEATHSIG: 1,
  PR_SET_DUMPABLE: 4,
  PR_SET_KEEPCAPS: 8,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_SET_NO_NEW_PRIVS: 38,
} as const;

/** mknod(2) and inode(7). */
export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFBLK = 0o060000;

/** setrlimit(2), at their numbers. */
export const rlimitNames: readonly string[] = [
  'RLIMIT_CPU',
  'RLIMIT_FSIZE',
  'RLIMIT_DATA',
  'RLIMIT_STACK',
  'RLIMIT_CORE',
  'RLIMIT_RSS',
  'RLIMIT_NPROC',
  'RLIMIT_NOFILE',
  'RLIMIT_MEMLOCK',
  'RLIMIT_AS',
  'RLIMIT_LOCKS',
  'RLIMIT_SIGPENDING',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
];

export const RLIM_INFINITY = 0xffffffffffffffffn;

/** seccomp(2) flags by the names of the OCI specification. */
export const seccompFlags: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};

/** Names of the bits that are set, the rest in hexadecimal. */
export function namesOf(table: Readonly<Record<string, bigint>>, value: bigint): string[] {
  const names: string[] = [];
  let rest = value;
  for (const [name, bits] of Object.entries(table)) {
    if ((rest & bits) !== bits) continue;
    names.push(name);
    rest &= ~bits;
  }
  if (rest !== 0n) names.push(`0x${rest.toString(16)}`);
  return names;
}
