import { formatMode } from '../../base/units.ts';
import type { PlanView, StepResult, Trace } from '../../protocol/trace.ts';
import { capabilityNames } from '../oci/capabilities.ts';
import { cloneFlags, MNT_DETACH, mountAttributes, mountFlags, namesOf, RLIM_INFINITY, rlimitNames } from './flags.ts';
import { type Operation, type OperationOf, type Plan, type Step, steps } from './operations.ts';
import { printable } from './text.ts';

/** One operation as one line, in the words of the shell where it has them. */
export function renderOperation(operation: Operation): string {
  return renderers(operation);
}

/** A plan as text: one line per operation, indented by nesting. */
export function renderPlan(plan: Plan): string {
  const lines: string[] = [];
  let before: Step | undefined;
  for (const step of steps(plan)) {
    // The end of a process stands at the level of its spawn.
    if (step.list === 'after' && before?.list !== 'after') lines.push(`${indent(step.depth - 1)}after`);
    lines.push(`${indent(step.depth)}${renderOperation(step.operation)}`);
    before = step;
  }
  return `${lines.join('\n')}\n`;
}

export function planView(plan: Plan): PlanView {
  return {
    text: renderPlan(plan),
    steps: steps(plan).map(({ id, depth, list, operation }) => ({
      id,
      depth,
      list,
      op: operation.op,
      line: renderOperation(operation),
      why: operation.why,
    })),
  };
}

/**
 * A plan with what the shim reported for each operation.
 *
 * @param results by operation id; operations without one did not run.
 * @param options.errnoName an errno number's name, such as 'ENOENT'.
 */
export function traceOf(
  plan: Plan,
  results: readonly { readonly id: number; readonly errno: number; readonly nanoseconds: number }[],
  options: {
    /** RFC 3339. */
    readonly startedAt: string;
    readonly pid?: number;
    readonly errnoName: (errno: number) => string;
  },
): Trace {
  const byId = new Map(results.map((one) => [one.id, one]));
  const view = planView(plan);
  const operations = steps(plan).map((step) => step.operation);
  const resultOf = (id: number): StepResult => {
    const found = byId.get(id);
    if (found === undefined) return { state: 'not-run' };
    const { nanoseconds } = found;
    if (found.errno === 0) return { state: 'done', nanoseconds };
    const errno = options.errnoName(found.errno);
    const tolerated = operations[id]?.tolerate?.some((name) => name === errno) ?? false;
    return { state: tolerated ? 'tolerated' : 'failed', nanoseconds, errno };
  };
  return {
    startedAt: options.startedAt,
    ...(options.pid === undefined ? {} : { pid: options.pid }),
    steps: view.steps.map((step) => ({ ...step, result: resultOf(step.id) })),
  };
}

function renderers(operation: Operation): string {
  switch (operation.op) {
    case 'mkdir':
      return `mkdir${mode(operation.mode, 0o755)} ${word(operation.path)}`;
    case 'mkdirs':
      return `mkdir -p${mode(operation.mode, 0o755)} ${word(operation.path)}`;
    case 'directory':
      return `mkdir --no-link${mode(operation.mode, 0o755)} ${word(operation.path)}`;
    case 'touch':
      return `touch${mode(operation.mode, 0o644)} ${word(operation.path)}`;
    case 'write':
      return `echo ${content(operation.data)} > ${word(operation.path)}`;
    case 'sysctl':
      return `echo ${content(operation.data)} > ${word(`/proc/${operation.path}`)}`;
    case 'read':
      return `cat ${word(operation.path)}`;
    case 'symlink':
      return `ln -s ${word(operation.target)} ${word(operation.path)}`;
    case 'link':
      return `ln ${word(operation.target)} ${word(operation.path)}`;
    case 'mknod':
      return mknod(operation);
    case 'chown':
      return `chown -h ${operation.uid}:${operation.gid} ${word(operation.path)}`;
    case 'chmod':
      return `chmod ${formatMode(operation.mode)} ${word(operation.path)}`;
    case 'utimens':
      return `touch -h -d @${BigInt.asIntN(64, operation.seconds)} ${word(operation.path)}`;
    case 'setxattr':
      return `setfattr -h -n ${word(operation.name)} ${word(operation.path)} # ${operation.value.length} bytes`;
    case 'unlink':
      return `rm ${word(operation.path)}`;
    case 'rmdir':
      return `rmdir ${word(operation.path)}`;
    case 'file':
      return `create${mode(operation.mode, 0o644)} ${word(operation.path)}`;
    case 'append':
      return `append ${operation.data.length} bytes`;
    case 'extend':
      return `truncate -s ${operation.size}`;
    case 'rmtree':
      return `rm -rf ${word(operation.path)}`;
    case 'getxattr':
      return `getfattr -h -n ${word(operation.name)} ${word(operation.path)}`;
    case 'stat':
      return `stat ${word(operation.path)}`;
    case 'readlink':
      return `readlink ${word(operation.path)}`;
    case 'listxattr':
      return `getfattr -h -m - ${word(operation.path)}`;
    case 'readdir':
      return operation.path === '' ? 'ls, going on' : `ls -A ${word(operation.path)}`;
    case 'openFile':
      return `open ${word(operation.path)}`;
    case 'readAt':
      return `read ${operation.limit} bytes at ${operation.offset}`;
    case 'dataRange':
      return `seek data at ${operation.offset}`;
    case 'rename':
      return `mv -T ${word(operation.from)} ${word(operation.to)}`;
    case 'openDirectory':
      return `open ${word(operation.path)}/`;
    case 'syncFile':
      return 'fsync';
    case 'syncfs':
      return `sync -f ${word(operation.path)}`;
    case 'mount':
      return mount(operation);
    case 'umount':
      return `umount${operation.flags === MNT_DETACH ? ' --lazy' : ''} ${word(operation.target)}`;
    case 'openTree':
      return `open_tree${operation.recursive ? ' --recursive' : ''} ${word(operation.path)} as #${operation.slot}`;
    case 'openTreeInside':
      return `open_tree${operation.recursive ? ' --recursive' : ''} ${word(operation.path)} of ${operation.pid} as #${operation.slot}`;
    case 'openTreeBelow':
      return `open_tree${operation.recursive ? ' --recursive' : ''} --beneath ${word(operation.root)} ${word(operation.path)} as #${operation.slot}`;
    case 'moveMount':
      return `move_mount #${operation.slot} ${word(operation.target)}`;
    case 'mountSetattr':
      return mountSetattr(operation);
    case 'pivotRoot':
      return `pivot_root ${word(operation.root)}`;
    case 'chdir':
      return `cd ${word(operation.path)}`;
    case 'chroot':
      return `chroot ${word(operation.path)}`;
    case 'mask':
      return `mask ${word(operation.path)}`;
    case 'identify':
      return `stat --dereference ${word(operation.path)}`;
    case 'unchanged':
      return `test ${word(operation.path)} is what it was`;
    case 'lineage':
      return `lsns --owner --parent ${word(operation.path)}`;
    case 'unshare':
      return `unshare ${namespaces(operation.flags)}`;
    case 'setns':
      return `nsenter ${namespaces(operation.flags)} ${word(operation.path)}`;
    case 'joinProcess':
      return `nsenter --target ${operation.pid} ${namespaces(operation.flags)}`;
    case 'sethostname':
      return `hostname ${word(operation.name)}`;
    case 'setdomainname':
      return `domainname ${word(operation.name)}`;
    case 'linkUp':
      return `ip link set ${word(operation.name)} up`;
    case 'deviceFilter':
      return `bpf attach device filter of ${operation.program.length / 8} instructions to ${word(operation.cgroup)}`;
    case 'prctl':
      return prctl(operation);
    case 'capBounding':
      return `capabilities bounding=${capabilities(operation.keep)}`;
    case 'capset':
      return capset(operation);
    case 'capAmbient':
      return `capabilities ambient=${capabilities(operation.set)}`;
    case 'setgroups':
      return `setgroups ${groups(operation.groups)}`;
    case 'setgid':
      return `setgid ${operation.gid}`;
    case 'setuid':
      return `setuid ${operation.uid}`;
    case 'setrlimit':
      return `ulimit ${rlimitNames[operation.resource] ?? operation.resource} ${rlimits(operation)}`;
    case 'umask':
      return `umask ${formatMode(operation.mask)}`;
    case 'seccomp':
      return `seccomp filter of ${operation.filter.length / 8} instructions`;
    case 'fchown':
      return `chown ${operation.uid}${operation.gid === keepGroup ? '' : `:${operation.gid}`} '&${operation.fd}'`;
    case 'setsid':
      return 'setsid';
    case 'keyring':
      return `keyctl new_session ${word(operation.name)}`;
    case 'spawn':
      return spawn(operation);
    case 'terminal':
      return openTerminal(operation);
    case 'exec':
      return `exec ${operation.argv.map(word).join(' ')}`;
    case 'listen':
      return `listen ${word(operation.path)}`;
    case 'rotate':
      return `cut the log at ${operation.limit} bytes, keep ${operation.keep} of its files`;
    case 'log':
      return `log to ${word(operation.path)}`;
    case 'record':
    case 'note':
      return `record exit in ${word(operation.path)}`;
    case 'inherit':
      return `grep -q . ${word(operation.to)} || cat ${word(operation.from)} > ${word(operation.to)}`;
    case 'watchMemory':
      return `watch ${word(operation.path)}`;
    case 'userns':
      return `user namespace ${idMap(operation.uidMap)}${operation.gidMap === operation.uidMap ? '' : ` groups ${idMap(operation.gidMap)}`}`;
    case 'usernsOf':
      return `user namespace of ${word(operation.path)}`;
    case 'idmap':
      return `mount_setattr${operation.recursive ? ' --recursive' : ''} idmap #${operation.slot}`;
    case 'enterUserns':
      return 'nsenter --user';
    case 'handOver':
      return 'fork, the child goes on';
    case 'fsid':
      return `files belong to ${operation.uid}:${operation.gid}`;
  }
}

function mknod({ path, mode: bits, major, minor }: OperationOf<'mknod'>): string {
  const letters: Readonly<Record<number, string>> = { 1: 'p', 2: 'c', 6: 'b' };
  const type = letters[bits >> 12] ?? '?';
  const numbers = type === 'p' ? '' : ` ${major} ${minor}`;
  return `mknod${mode(bits & 0o7777, 0o666)} ${word(path)} ${type}${numbers}`;
}

const { MS_BIND, MS_REC, MS_REMOUNT, MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE } = mountFlags;
const propagationNames = [
  [MS_PRIVATE, 'private'],
  [MS_SLAVE, 'slave'],
  [MS_SHARED, 'shared'],
  [MS_UNBINDABLE, 'unbindable'],
] as const;

function mount(operation: OperationOf<'mount'>): string {
  const { flags, source, target, type, data } = operation;
  const recursive = (flags & MS_REC) !== 0n;
  for (const [bit, name] of propagationNames) {
    if ((flags & bit) !== 0n) return `mount --make-${recursive ? 'r' : ''}${name} ${word(target)}`;
  }
  const options = [...optionWords(flags & ~(MS_BIND | MS_REC | MS_REMOUNT)), ...(data === '' ? [] : [data])].join(',');
  const listed = options === '' ? '' : ` -o ${word(options)}`;
  if ((flags & MS_REMOUNT) !== 0n) {
    return `mount -o remount${(flags & MS_BIND) !== 0n ? ',bind' : ''}${options === '' ? '' : `,${options}`} ${word(target)}`;
  }
  if ((flags & MS_BIND) !== 0n) return `mount --${recursive ? 'r' : ''}bind${listed} ${word(source)} ${word(target)}`;
  return `mount -t ${word(type)}${listed} ${word(source)} ${word(target)}`;
}

function mountSetattr(operation: OperationOf<'mountSetattr'>): string {
  const plain = (name: string): string => name.replace(/^MOUNT_ATTR_+/, '').toLowerCase();
  const changed = namesOf(mountAttributes, operation.set).map(plain).map(attributeWord);
  const cleared = namesOf(mountAttributes, operation.clear)
    .map(plain)
    .filter((name) => name !== 'atime' || operation.set === 0n)
    .map((name) => `not ${attributeWord(name)}`);
  const propagation = propagationNames.filter(([bit]) => operation.propagation === bit).map(([, name]) => name);
  const recursive = operation.recursive ? ' --recursive' : '';
  return `mount_setattr${recursive} ${[...changed, ...cleared, ...propagation].join(',')} ${word(operation.target)}`;
}

const attributeWord = (name: string): string => (name === 'rdonly' ? 'ro' : name);

/** MS_ names as mount(8) writes them. */
function optionWords(flags: bigint): string[] {
  const special: Readonly<Record<string, string>> = { rdonly: 'ro', synchronous: 'sync', mandlock: 'mand' };
  return namesOf(mountFlags, flags).map((name) => {
    const plain = name.replace('MS_', '').toLowerCase();
    return special[plain] ?? plain;
  });
}

const namespaceWords: Readonly<Record<string, string>> = {
  CLONE_NEWNS: 'mount',
  CLONE_NEWCGROUP: 'cgroup',
  CLONE_NEWUTS: 'uts',
  CLONE_NEWIPC: 'ipc',
  CLONE_NEWUSER: 'user',
  CLONE_NEWPID: 'pid',
  CLONE_NEWNET: 'net',
  CLONE_NEWTIME: 'time',
};

/** Namespaces as unshare(1) and nsenter(1) take them: --mount --pid. */
function namespaces(flags: bigint): string {
  return namesOf(cloneFlags, flags)
    .map((name) => `--${namespaceWords[name] ?? name}`)
    .join(' ');
}

function openTerminal({ console: path, rows, columns }: OperationOf<'terminal'>): string {
  const size = rows > 0 && columns > 0 ? ` of ${rows} rows and ${columns} columns` : '';
  return `open terminal${size}${path === '' ? '' : ` as ${word(path)}`}`;
}

function spawn(operation: OperationOf<'spawn'>): string {
  const words = ['spawn', namespaces(operation.flags)];
  if (operation.terminal) words.push('with a terminal');
  else if (operation.stdin) words.push('with stdin');
  return words.filter((one) => one !== '').join(' ');
}

/** Lines of /proc/PID/uid_map: '0-65535=100000'. */
function idMap(map: string): string {
  return map
    .trim()
    .split('\n')
    .map((line) => {
      const [inside = 0, outside = 0, size = 0] = line.trim().split(/\s+/).map(Number);
      return `${inside}-${inside + size - 1}=${outside}`;
    })
    .join(',');
}

function prctl(operation: OperationOf<'prctl'>): string {
  const names: Readonly<Record<number, string>> = { 1: 'pdeathsig', 8: 'keepcaps', 38: 'no_new_privs' };
  return `prctl ${names[operation.option] ?? operation.option} ${operation.value}`;
}

function capset({ effective, permitted, inheritable }: OperationOf<'capset'>): string {
  if (effective === permitted && inheritable === 0n)
    return `capabilities effective,permitted=${capabilities(permitted)}`;
  const sets = { effective, permitted, inheritable };
  const listed = Object.entries(sets).map(([name, set]) => `${name}=${capabilities(set)}`);
  return `capabilities ${listed.join(' ')}`;
}

function capabilities(mask: bigint): string {
  if (mask === 0n) return 'none';
  const absent = capabilityNames.filter((_, bit) => ((mask >> BigInt(bit)) & 1n) === 0n);
  if (absent.length === 0) return 'all';
  const present = capabilityNames.filter((_, bit) => ((mask >> BigInt(bit)) & 1n) === 1n);
  const short = (names: readonly string[]): string => names.map((name) => name.slice(4).toLowerCase()).join(',');
  return present.length > absent.length ? `all except ${short(absent)}` : short(present);
}

function groups(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4, true));
  return numbers.length === 0 ? 'none' : numbers.join(',');
}

function rlimits({ soft, hard }: OperationOf<'setrlimit'>): string {
  const value = (limit: bigint): string => (limit === RLIM_INFINITY ? 'unlimited' : String(limit));
  return soft === hard ? value(soft) : `${value(soft)}:${value(hard)}`;
}

/** (gid_t)-1 */
const keepGroup = 0xffffffff;
const mode = (bits: number, usual: number): string => (bits === usual ? '' : ` -m ${formatMode(bits)}`);
const indent = (depth: number): string => '  '.repeat(depth);

function content(data: Uint8Array): string {
  const shown = printable(data);
  return shown === undefined ? `${data.length} bytes` : word(shown);
}

/** A text as a shell word, quoted only where it must be. Line breaks are shown as \n to stay on one line. */
function word(value: string): string {
  if (value !== '' && /^[\w@%+=:,./-]+$/.test(value)) return value;
  if (/[\p{Cc}]/u.test(value)) return `$${JSON.stringify(value).replace(/^"|"$/g, "'")}`;
  return `'${value.replaceAll("'", "'\\''")}'`;
}
