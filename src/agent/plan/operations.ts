/**
 * The one table of kernel operations. From it come the TypeScript union `Operation`, the codec
 * (`agent/shim/encode.ts`) and the C header of the shim (`scripts/shim-header.ts`).
 *
 * An operation is one system call, or the shortest sequence that is only meaningful together. Order,
 * paths, masks and numbers are decided by `compile`; the shim decides nothing.
 *
 * Argument types: `u32`, `u64` (bigint), `text` (UTF-8, no NUL inside), `bytes`, `texts` (a list of
 * text), `list` (nested operations). Codes are stable: a newer agent speaks to older shims, so a code
 * is never reused and arguments are only ever appended.
 */
export const operationTable = {
  // Files. Paths are resolved by the process that runs the operation, after its own chroot or pivot_root.
  mkdir: { code: 1, args: { path: 'text', mode: 'u32' } },
  /** mkdir with all missing parents; existing directories are fine. */
  mkdirs: { code: 2, args: { path: 'text', mode: 'u32' } },
  /** An empty regular file where there is nothing yet: the mount point of a bound file. */
  touch: { code: 3, args: { path: 'text', mode: 'u32' } },
  /** Opens an existing file for writing and writes `data` with one write(2): cgroup and /proc files. */
  write: { code: 4, args: { path: 'text', data: 'bytes' } },
  /** `write` to a file below the root of /proc, which has to be the kernel's: nothing mounted on the way, no link. */
  sysctl: { code: 125, args: { path: 'text', data: 'bytes' } },
  /** Reads at most `limit` bytes, without waiting for any (O_NONBLOCK); they come back in the operation's result. */
  read: { code: 5, args: { path: 'text', limit: 'u32' } },
  symlink: { code: 6, args: { target: 'text', path: 'text' } },
  link: { code: 7, args: { target: 'text', path: 'text' } },
  mknod: { code: 8, args: { path: 'text', mode: 'u32', major: 'u32', minor: 'u32' } },
  /** lchown(2). Here and in `chmod`, `utimens` and `setxattr` an empty path is what `file` or `openDirectory` opened. */
  chown: { code: 9, args: { path: 'text', uid: 'u32', gid: 'u32' } },
  chmod: { code: 10, args: { path: 'text', mode: 'u32' } },
  /** utimensat(2) on the path itself; access and modification time are both set. Seconds may be negative (two's complement). */
  utimens: { code: 11, args: { path: 'text', seconds: 'u64', nanoseconds: 'u32' } },
  /** lsetxattr(2). */
  setxattr: { code: 12, args: { path: 'text', name: 'text', value: 'bytes' } },
  unlink: { code: 13, args: { path: 'text' } },
  rmdir: { code: 14, args: { path: 'text' } },
  /** Creates a regular file (O_CREAT, O_EXCL, O_NOFOLLOW) and keeps it open for `append` until the next `file` or the end. */
  file: { code: 15, args: { path: 'text', mode: 'u32' } },
  /** Appends to the file opened by `file`. */
  append: { code: 16, args: { data: 'bytes' } },
  /** Moves the end of the file opened by `file`, leaving a hole: sparse files. */
  extend: { code: 17, args: { size: 'u64' } },
  /** Removes a file or a whole directory tree without following links or crossing below the executor's root. */
  rmtree: { code: 18, args: { path: 'text' } },
  /** syncfs(2) of the file system that holds an existing path: everything written there is on the disk afterwards. */
  syncfs: { code: 19, args: { path: 'text' } },
  /** lgetxattr(2) of at most `limit` bytes; the value comes back in the operation's result. */
  getxattr: { code: 29, args: { path: 'text', name: 'text', limit: 'u32' } },

  // Looking at files of a root that is not trusted; answers are in the operation's result.
  /** statx(2) of the path itself: its 256 bytes. */
  stat: { code: 80, args: { path: 'text' } },
  readlink: { code: 81, args: { path: 'text', limit: 'u32' } },
  /** llistxattr(2). */
  listxattr: { code: 82, args: { path: 'text', limit: 'u32' } },
  /** getdents64(2) of at most `limit` bytes from a directory that is no link; an empty path goes on where the last one stopped. */
  readdir: { code: 83, args: { path: 'text', limit: 'u32' } },
  /** Opens a regular file for `readAt` and `dataRange` until the next `openFile`, waiting for nobody; answers as `stat`. EOPNOTSUPP: it is none. */
  openFile: { code: 84, args: { path: 'text' } },
  readAt: { code: 85, args: { offset: 'u64', limit: 'u32' } },
  /** Where data begins at or after `offset`, and where it ends: two u64. ENXIO: there is only a hole. */
  dataRange: { code: 86, args: { offset: 'u64' } },
  /**
   * What a path leads to, for comparing: five u64, device, inode, size, and the times of modification and of change in
   * nanoseconds. Zeros for what cannot be told.
   */
  identify: { code: 126, args: { path: 'text' } },
  /** ESTALE unless `identify` would still give `identity`. */
  unchanged: { code: 127, args: { path: 'text', identity: 'bytes' } },
  rename: { code: 87, args: { from: 'text', to: 'text' } },
  /** Keeps a directory that is no link open, as `file` does a new file: for attributes that no swapped name can lead elsewhere. */
  openDirectory: { code: 89, args: { path: 'text' } },
  /** fsync(2) of the file opened by `file`. */
  syncFile: { code: 88, args: {} },

  // Mounts.
  mount: { code: 20, args: { source: 'text', target: 'text', type: 'text', flags: 'u64', data: 'text' } },
  umount: { code: 21, args: { target: 'text', flags: 'u32' } },
  /** open_tree(2) with OPEN_TREE_CLONE: a detached copy of a mount, kept in a numbered slot (0 to 63) until `moveMount`. */
  openTree: { code: 22, args: { slot: 'u32', path: 'text', recursive: 'u32' } },
  /** The same for a path in the mount namespace of a process, from that namespace's root. */
  openTreeInside: { code: 116, args: { slot: 'u32', pid: 'u32', path: 'text', recursive: 'u32' } },
  /** move_mount(2): attaches the tree of a slot. */
  moveMount: { code: 23, args: { slot: 'u32', target: 'text' } },
  /** mount_setattr(2); `recursive` sets AT_RECURSIVE. */
  mountSetattr: {
    code: 24,
    args: { target: 'text', set: 'u64', clear: 'u64', propagation: 'u64', recursive: 'u32' },
  },
  /** pivot_root(".", ".") after chdir(root): the old root is then stacked over the new one. */
  pivotRoot: { code: 25, args: { root: 'text' } },
  chdir: { code: 26, args: { path: 'text' } },
  chroot: { code: 27, args: { path: 'text' } },
  /** Hides a path: /dev/null (checked to be the null device) over a file, an empty read-only tmpfs over a directory. */
  mask: { code: 28, args: { path: 'text' } },
  /** mkdir(2) that is content with a directory, but with nothing else: a symbolic link to a directory is ENOTDIR. */
  directory: { code: 37, args: { path: 'text', mode: 'u32' } },

  /**
   * The same of `path`, which the kernel resolves below the directory `root`: a link or a `..` that leads out of it is EXDEV, whoever
   * races with it (openat2(2), RESOLVE_BENEATH).
   */
  openTreeBelow: { code: 70, args: { slot: 'u32', root: 'text', path: 'text', recursive: 'u32' } },

  // Namespaces and the machine they show.
  unshare: { code: 30, args: { flags: 'u64' } },
  /** setns(2) on a namespace file. */
  setns: { code: 31, args: { path: 'text', flags: 'u64' } },
  /** setns(2) on a pidfd: joins several namespaces of one process at once. `startTicks` (field 22 of /proc/PID/stat, 0: any) guards against a reused pid (ESRCH). */
  joinProcess: { code: 32, args: { pid: 'u32', startTicks: 'u64', flags: 'u64' } },
  sethostname: { code: 33, args: { name: 'text' } },
  setdomainname: { code: 34, args: { name: 'text' } },
  /**
   * Who owns a namespace file and what it came from, see ioctl_ns(2). The result holds three u64, inodes of the namespace,
   * of its owning user namespace and of its parent, and a u32, the owner's uid; 0 and 0xffffffff for what is
   * out of sight, all of it when the file cannot be opened.
   */
  lineage: { code: 115, args: { path: 'text' } },
  /** Brings a network interface up. */
  linkUp: { code: 35, args: { name: 'text' } },
  /** Attaches an eBPF program (BPF_PROG_TYPE_CGROUP_DEVICE) to a cgroup v2 directory. */
  deviceFilter: { code: 36, args: { cgroup: 'text', program: 'bytes' } },

  // Rights and limits of the calling process.
  prctl: { code: 40, args: { option: 'u32', value: 'u64' } },
  /** Drops every capability outside `keep` from the bounding set. */
  capBounding: { code: 41, args: { keep: 'u64' } },
  capset: { code: 42, args: { effective: 'u64', permitted: 'u64', inheritable: 'u64' } },
  /** Raises exactly the given ambient capabilities. */
  capAmbient: { code: 43, args: { set: 'u64' } },
  /** `groups` holds little-endian 32-bit group ids. */
  setgroups: { code: 44, args: { groups: 'bytes' } },
  /** setresgid(2), all three ids. */
  setgid: { code: 45, args: { gid: 'u32' } },
  /** setresuid(2), all three ids. */
  setuid: { code: 46, args: { uid: 'u32' } },
  setrlimit: { code: 47, args: { resource: 'u32', soft: 'u64', hard: 'u64' } },
  umask: { code: 48, args: { mask: 'u32' } },
  /** `filter` is an array of struct sock_filter for seccomp(SECCOMP_SET_MODE_FILTER). */
  seccomp: { code: 49, args: { filter: 'bytes', flags: 'u32' } },
  setsid: { code: 50, args: {} },
  /** A new session keyring of that name. */
  keyring: { code: 51, args: { name: 'text' } },
  /** fchown(2) of an open descriptor; a `gid` of 0xffffffff leaves the group. */
  fchown: { code: 52, args: { fd: 'u32', uid: 'u32', gid: 'u32' } },

  // Processes and their supervision.
  /**
   * clone(2) with `flags`; the child runs `child`, which ends in `exec`. `terminal` and `stdin` are 0 or 1.
   * Without a terminal the child's stdio are pipes of the shim (stdin: /dev/null when `stdin` is 0).
   * `after` runs in the shim once the process has been reaped, or when the spawn failed.
   */
  spawn: {
    code: 60,
    args: { flags: 'u64', terminal: 'u32', stdin: 'u32', child: 'list', after: 'list' },
  },
  /** In the child: a pseudo terminal from this mount namespace's /dev/pts becomes stdio and controlling terminal; `console` (may be empty) is bound to it. Without a size (0) it has none. */
  terminal: { code: 61, args: { console: 'text', rows: 'u32', columns: 'u32' } },
  /** execve(2); a file without a slash is looked up in `search` (colon-separated directories). */
  exec: { code: 62, args: { file: 'text', argv: 'texts', env: 'texts', search: 'text' } },
  /** The unix socket (0600) on which the shim serves later clients. */
  listen: { code: 63, args: { path: 'text' } },
  /** The CRI log file that the child's output is appended to. */
  log: { code: 64, args: { path: 'text' } },
  /** Fills a small kernel file with the text of another, unless it has a text already: the cpusets of cgroup v1. */
  inherit: { code: 66, args: { from: 'text', to: 'text' } },
  /**
   * Has the shim tell its clients when the memory cgroup runs out of memory (frame `oom`). v1: `path` is
   * memory.oom_control and `control` cgroup.event_control. v2: `path` is memory.events, `control` is empty.
   */
  watchMemory: { code: 67, args: { path: 'text', control: 'text' } },
  /**
   * The log opened by `log`, of the same path, is cut into files of at most `limit` bytes: a full one is renamed to PATH.N,
   * N counting up from `next`, and of all of them, the one at PATH too, the newest `keep` stay.
   */
  rotate: { code: 95, args: { path: 'text', limit: 'u64', keep: 'u32', next: 'u32' } },
  /** Where the exit record is written (atomically, synced) after the process ended. */
  record: { code: 65, args: { path: 'text' } },
  /** As `record`, not synced: for a process that no power failure outlives. */
  note: { code: 68, args: { path: 'text' } },

  // User namespaces. The shim keeps one, which the other operations mean.
  /** Makes a user namespace with these maps, whole files as /proc/PID/uid_map takes them. */
  userns: { code: 100, args: { uidMap: 'text', gidMap: 'text' } },
  /** Opens an existing one by its file. */
  usernsOf: { code: 101, args: { path: 'text' } },
  /** mount_setattr(2) with MOUNT_ATTR_IDMAP on the tree of a slot: its files are seen with the ids of the kept namespace. */
  idmap: { code: 102, args: { slot: 'u32', recursive: 'u32' } },
  /** setns(2) into the kept namespace, with every capability there. */
  enterUserns: { code: 103, args: {} },
  /** fork(2): a new child of the same parent carries out the rest of the list, the calling process ends. */
  handOver: { code: 104, args: {} },
  /** setfsuid(2) and setfsgid(2), the effective capabilities kept: who files are made by. */
  fsid: { code: 105, args: { uid: 'u32', gid: 'u32' } },
} as const;

type Table = typeof operationTable;
export type OperationName = keyof Table;
export type ArgumentType = 'u32' | 'u64' | 'text' | 'bytes' | 'texts' | 'list';

interface ArgumentValues {
  u32: number;
  u64: bigint;
  text: string;
  bytes: Uint8Array;
  texts: readonly string[];
  list: readonly Operation[];
}

type Arguments<A> = { readonly [K in keyof A]: A[K] extends keyof ArgumentValues ? ArgumentValues[A[K]] : never };

interface Common {
  /**
   * Why the operation is there: one fixed English sentence without values, so that it can be translated
   * (`l10n/bundle.l10n.zh-cn.json` holds every one; a test checks it).
   */
  readonly why: string;
  /** Up to two errno names that do not fail the plan, for example EEXIST of a mkdir. */
  readonly tolerate?: readonly ToleratedErrno[];
}

export type ToleratedErrno =
  | 'ENOENT'
  | 'EEXIST'
  | 'ENOTDIR'
  | 'EINVAL'
  | 'EBUSY'
  | 'ENOSYS'
  | 'EOPNOTSUPP'
  | 'ESRCH'
  | 'EPERM'
  | 'EACCES'
  | 'ENODATA';

/** One kernel operation, discriminated by `op`. */
export type Operation = {
  [K in OperationName]: { readonly op: K } & Arguments<Table[K]['args']> & Common;
}[OperationName];
export type OperationOf<K extends OperationName> = Extract<Operation, { readonly op: K }>;

/** An ordered list of operations, run by the shim on the host from the first to the last. */
export interface Plan {
  readonly operations: readonly Operation[];
}

/** An operation at its place: `id` counts in preorder through nested lists, starting at 0; `depth` is its nesting. */
export interface Step {
  readonly id: number;
  readonly depth: number;
  readonly list: 'host' | 'child' | 'after';
  readonly operation: Operation;
}

/** Every operation of a plan in preorder: a spawn first, then its child list, then its after list. */
export function steps(plan: Plan): Step[] {
  const found: Step[] = [];
  const walk = (operations: readonly Operation[], depth: number, list: Step['list']): void => {
    for (const operation of operations) {
      found.push({ id: found.length, depth, list, operation });
      if (operation.op !== 'spawn') continue;
      walk(operation.child, depth + 1, 'child');
      walk(operation.after, depth + 1, 'after');
    }
  };
  walk(plan.operations, 0, 'host');
  return found;
}
