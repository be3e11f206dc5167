import type { Operation } from './operations.ts';

/** What an errno means for an operation where the C library's words leave the reader alone. Undefined: they suffice. */
export function hintOf(operation: Operation, errnoName: string): string | undefined {
  return hints.find((one) => one.op === operation.op && one.errno === errnoName && (one.where?.(operation) ?? true))
    ?.hint;
}

interface Hint {
  readonly op: Operation['op'];
  readonly errno: string;
  readonly where?: (operation: Operation) => boolean;
  readonly hint: string;
}

const onFile = (pattern: RegExp) => (operation: Operation) => 'path' in operation && pattern.test(operation.path);

const kindsOfFile = 'a file cannot be mounted on a directory, nor a directory on a file';

const noSuchId =
  'the user namespace has no such id; without root, /etc/subuid and /etc/subgid say how many there are (and newuidmap has to be installed)';

const hints: readonly Hint[] = [
  {
    op: 'setrlimit',
    errno: 'EPERM',
    hint: 'this machine’s hard limit is lower, and raising it needs CAP_SYS_RESOURCE',
  },
  {
    op: 'write',
    errno: 'EACCES',
    where: onFile(/oom_score_adj$/),
    hint: 'lowering it needs CAP_SYS_RESOURCE',
  },
  {
    op: 'write',
    errno: 'EINVAL',
    where: onFile(/\/cpu\.(cfs_quota_us|max)$/),
    hint: 'the kernel takes quotas and periods from 1 ms, and no more than the cgroup above has',
  },
  {
    op: 'write',
    errno: 'EBUSY',
    where: onFile(/\/cgroup\.subtree_control$/),
    hint: 'a cgroup with processes of its own cannot hand controllers down',
  },
  {
    op: 'write',
    errno: 'EACCES',
    where: onFile(/\/cpuset\.(cpus|mems)$/),
    hint: 'the cgroup above does not have them',
  },
  { op: 'sysctl', errno: 'EXDEV', hint: 'something is mounted in the place of the kernel’s own /proc' },
  { op: 'directory', errno: 'ENOTDIR', hint: 'the image has a link or a file where a directory must be' },
  { op: 'moveMount', errno: 'ENOTDIR', hint: kindsOfFile },
  // move_mount(2) says EINVAL where mount(2) said ENOTDIR.
  { op: 'moveMount', errno: 'EINVAL', hint: kindsOfFile },
  { op: 'openTree', errno: 'ENOENT', hint: 'the source of a bind mount does not exist' },
  {
    op: 'spawn',
    errno: 'ENOSPC',
    hint: 'the machine’s limit of namespaces is reached (/proc/sys/user/max_*_namespaces)',
  },
  { op: 'chown', errno: 'EINVAL', hint: noSuchId },
  { op: 'setuid', errno: 'EINVAL', hint: noSuchId },
  { op: 'setgid', errno: 'EINVAL', hint: noSuchId },
  { op: 'setgroups', errno: 'EINVAL', hint: noSuchId },
  { op: 'idmap', errno: 'EINVAL', hint: 'its file system cannot be seen through other ids (idmapped mounts)' },
  { op: 'spawn', errno: 'EAGAIN', hint: 'the machine’s limit of processes is reached' },
];
