import { outsideId } from '../oci/id-mappings.ts';
import type { NamespaceType, Process, Spec } from '../oci/runtime.ts';
import { cgroupPathOf } from './cgroup-path.ts';
import { cgroupSteps, joinCgroups } from './cgroup-plan.ts';
import { boundDeviceSteps, deviceSteps } from './devices.ts';
import { invalidSpec, unsupportedSpec } from './errors.ts';
import type { ContainerFacts, HostFacts, LogRotation } from './facts.ts';
import { cloneFlags, MNT_DETACH, mountFlags } from './flags.ts';
import { parsePropagation } from './mount-options.ts';
import { atLeast, mountSteps, readonlyPathSteps, remountReadOnly, Slots, setPropagation } from './mounts.ts';
import { isOwn, namespaceSteps } from './namespaces.ts';
import type { Operation, Plan } from './operations.ts';
import { overlayOptions } from './overlay.ts';
import { becomeProgram } from './process.ts';
import { reasons } from './reasons.ts';
import { text } from './text.ts';
import { becomeRoot, type Remap, remapOf, stagedRoot, stageSteps, stdioOwners, successorSteps } from './userns.ts';

/**
 * What a container is made of: an OCI runtime configuration and facts about the host become an ordered list of kernel
 * operations. Pure: the same input gives the same plan, and nothing is touched.
 *
 *   host    cgroups and limits, the shim's own files, spawn
 *   child   joins its cgroups, stacks the root file system and pivots into it, mounts, hides and seals,
 *           gives up rights one after the other, executes the program
 *   after   reads what the kernel counted, removes the cgroups
 *
 * @throws invalid when the configuration cannot be, unsupported when this host or version cannot do it.
 */
export function compile(spec: Spec, facts: { readonly host: HostFacts; readonly container: ContainerFacts }): Plan {
  const { host, container } = facts;
  const cgroups = cgroupSteps(spec, cgroupPathOf(spec, container.id), host);
  const remap = remapOf(spec, host);
  const namespaces = namespaceSteps(spec, host, { remapped: remap !== undefined });
  const slots = new Slots();
  const place = remap ? stagedRoot : container.rootfs;
  const isInUserns = remap !== undefined || host.rootless !== undefined;
  const mounts = mountSteps({
    spec,
    host,
    container,
    cgroupViews: cgroups.views,
    slots,
    ...(isInUserns && { earlyPlace: place }),
  });
  const devices = isInUserns
    ? boundDevices(spec, { slots, remap, rootfs: container.rootfs })
    : { sources: [], targets: deviceSteps(spec) };
  const { process } = spec;
  const terminal = process.terminal ?? false;
  const session = sessionSteps(process, { id: container.id, host });
  const stdin = container.stdin;
  const child: Operation[] = [
    { op: 'umask', mask: 0, why: reasons.umaskClear },
    ...cgroups.join,
    ...namespaces.cgroup,
    ...namespaces.join,
    ...(remap ? oomSteps(process, host) : [...session.begin, ...ownSteps(process, host), ...session.keys]),
    // Before propagation is cut: a copy of a shared mount can still become a slave or a peer of the host's.
    ...mounts.sources,
    setPropagation('/', { flag: mountFlags.MS_SLAVE, recursive: true }, reasons.slavePropagation),
    ...(remap ? stageSteps(remap, container, host) : []),
    ...mounts.idmaps,
    ...devices.sources,
    ...(remap
      ? [
          ...stdioOwners(process, remap, { stdin }),
          ...successorSteps(namespaces.owned),
          ...session.begin,
          ...session.keys,
        ]
      : []),
    // What is mounted first and kept must not be under the root that is stacked on the same place.
    ...mounts.early,
    ...(remap ? [] : rootSteps(container, host)),
    { op: 'pivotRoot', root: place, why: reasons.pivotRoot },
    // At once: pivot_root(".", ".") stacks the old root on the new one, and until it is gone the kernel follows "/.." into it.
    // A link of the image with one ".." too many would have the steps below make mount points and nodes on the host.
    { op: 'umount', target: '.', flags: MNT_DETACH, why: reasons.detachHostRoot },
    ...mounts.mounts,
    ...devices.targets,
    ...(terminal ? consoleSteps(spec) : []),
    ...identitySteps(spec),
    ...sysctlSteps(spec),
    ...readonlyPathSteps(spec.linux.readonlyPaths ?? [], host),
    ...(spec.linux.maskedPaths ?? []).map(maskStep),
    // After the mounts, so that it is made in the one that covers its place, and before anything is sealed.
    ...workingDirectorySteps(process),
    ...mounts.seal,
    ...rootSeal(spec),
    ...becomeProgram(process, { seccomp: spec.linux.seccomp, host, stdin, ownsStdio: remap !== undefined }),
  ];
  return {
    operations: [
      ...cgroups.make,
      ...namespaces.before,
      { op: 'listen', path: container.socket, why: reasons.listen },
      ...logSteps(container),
      { op: 'record', path: container.record, why: reasons.record },
      ...cgroups.watch,
      {
        op: 'spawn',
        flags: namespaces.flags,
        terminal: terminal ? 1 : 0,
        stdin: stdin ? 1 : 0,
        child,
        after: cgroups.after,
        why: reasons.spawn,
      },
    ],
  };
}

/** @see LogRotation */
function logSteps({ log, rotation }: ContainerFacts): Operation[] {
  if (log === '') return [];
  const path = log;
  const cut = (by: LogRotation): Operation => {
    return { op: 'rotate', path, limit: BigInt(by.limit), keep: by.keep, next: by.next, why: reasons.rotate };
  };
  return [{ op: 'log', path, why: reasons.log }, ...(rotation ? [cut(rotation)] : [])];
}

/** What `compileExec` knows about the container that a process is added to. */
export interface RunningContainer {
  /** Its initial process, as the host numbers it, with field 22 of /proc/PID/stat against a reused pid. */
  readonly pid: number;
  readonly startTicks: bigint;
  readonly spec: Spec;
  /** Needed only when the spec has no `cgroupsPath`. */
  readonly id?: string;
}

/** One more process in a running container: its cgroups, its namespaces, and its own rights. */
export function compileExec(
  process: Process,
  facts: {
    readonly host: HostFacts;
    readonly container: RunningContainer;
    readonly stdin: boolean;
    readonly socket?: string;
    readonly record?: string;
    /** Files of the container that the process was made from, as `identify` saw them. ESTALE: they are others by now. */
    readonly madeFrom?: readonly { readonly path: string; readonly identity: Uint8Array }[];
  },
): Plan {
  const { host, container } = facts;
  const { spec } = container;
  const remap = remapOf(spec, host);
  const terminal = process.terminal ?? false;
  const session = sessionSteps(process, { id: container.id, host });
  const child: Operation[] = [
    { op: 'umask', mask: 0, why: reasons.umaskClear },
    // The paths of cgroups and of /proc are the host's until the mount namespace is joined.
    ...joinCgroups(spec, cgroupPathOf(spec, container.id), host),
    ...session.begin,
    ...ownSteps(process, host),
    ...session.keys,
    ...(remap ? [usernsOf(container), ...stdioOwners(process, remap, { stdin: facts.stdin })] : []),
    ...enterContainer(container, host),
    ...(facts.madeFrom ?? []).map((file): Operation => ({ op: 'unchanged', ...file, why: reasons.accountsUnchanged })),
    // Last: whoever is in the user namespace has no right to join the others by the host's files.
    ...(remap ? [{ op: 'enterUserns', why: reasons.usernsEnter } as const, ...becomeRoot()] : []),
    ...(terminal ? [terminalStep(process, '')] : []),
    ...becomeProgram(process, {
      seccomp: spec.linux.seccomp,
      host,
      stdin: facts.stdin,
      ownsStdio: remap !== undefined,
    }),
  ];
  const spawn: Operation = {
    op: 'spawn',
    flags: 0n,
    terminal: terminal ? 1 : 0,
    stdin: facts.stdin ? 1 : 0,
    child,
    after: [],
    why: reasons.spawnExec,
  };
  return {
    operations: [
      ...(facts.socket === undefined ? [] : [{ op: 'listen', path: facts.socket, why: reasons.listen } as const]),
      ...(facts.record === undefined ? [] : [{ op: 'note', path: facts.record, why: reasons.record } as const]),
      // Only children born after this are in the container's PID namespace.
      ...joinPidNamespace(container, host),
      spawn,
    ],
  };
}

function enterContainer(container: RunningContainer, host: HostFacts): Operation[] {
  const kinds = (['uts', 'ipc', 'net', 'cgroup'] as const).filter((kind) => isEntered(kind, container.spec, host));
  // By file: the host's number of the initial process means nothing to a child in the container's PID namespace, but the
  // host's /proc still shows it. The mount namespace last: after it that /proc is out of sight.
  return joinByFile(container, [...kinds, 'mnt']);
}

const namespaceFiles = {
  pid: cloneFlags.CLONE_NEWPID,
  net: cloneFlags.CLONE_NEWNET,
  ipc: cloneFlags.CLONE_NEWIPC,
  uts: cloneFlags.CLONE_NEWUTS,
  cgroup: cloneFlags.CLONE_NEWCGROUP,
  mnt: cloneFlags.CLONE_NEWNS,
} as const;
type NamespaceFile = keyof typeof namespaceFiles;

const namespaceTypes = {
  pid: 'pid',
  net: 'network',
  ipc: 'ipc',
  uts: 'uts',
  cgroup: 'cgroup',
  mnt: 'mount',
} as const satisfies Record<NamespaceFile, NamespaceType>;

/** Without root the host's own cannot be joined, which the process has anyway. */
function isEntered(kind: NamespaceFile, spec: Spec, host: HostFacts): boolean {
  if (kind === 'cgroup' && !host.features.has('cgroupns')) return false;
  return host.rootless === undefined || spec.linux.namespaces.some(({ type }) => type === namespaceTypes[kind]);
}

/** Since Linux 5.8 setns(2) takes a pidfd, which cannot mean another process by then; before, only the file. */
function joinPidNamespace(container: RunningContainer, host: HostFacts): Operation[] {
  if (!isEntered('pid', container.spec, host)) return [];
  if (!atLeast(host, 5, 8)) return joinByFile(container, ['pid']);
  const { pid, startTicks } = container;
  return [{ op: 'joinProcess', pid, startTicks, flags: namespaceFiles.pid, why: reasons.joinContainer }];
}

function joinByFile({ pid }: RunningContainer, kinds: readonly NamespaceFile[]): Operation[] {
  const why = reasons.joinContainer;
  return kinds.map((kind) => ({ op: 'setns', path: `/proc/${pid}/ns/${kind}`, flags: namespaceFiles[kind], why }));
}

function usernsOf({ pid }: RunningContainer): Operation {
  return { op: 'usernsOf', path: `/proc/${pid}/ns/user`, why: reasons.joinContainer };
}

/** In a user namespace devices are bound: nodes that the host's root makes beforehand, or, without root, the host's own. */
function boundDevices(
  spec: Spec,
  { slots, remap, rootfs }: { readonly slots: Slots; readonly remap: Remap | undefined; readonly rootfs: string },
) {
  return boundDeviceSteps(spec, {
    takeSlot: () => slots.take(),
    place: (node, index) => {
      if (remap === undefined) return { path: node.path, make: [] };
      const path = `${rootfs}/d${index}`;
      const uid = outsideId(remap.mappings.uids, node.uid) ?? 0;
      const gid = outsideId(remap.mappings.gids, node.gid) ?? 0;
      const { mode, major, minor } = node;
      return {
        path,
        make: [
          { op: 'mknod', path, mode, major, minor, why: reasons.deviceNode },
          { op: 'chown', path, uid, gid, why: reasons.deviceOwner },
        ],
      };
    },
  });
}

/** Settings of the process itself, which only the host's root may make. */
const ownSteps = (process: Process, host: HostFacts): Operation[] => [
  ...oomSteps(process, host),
  ...apparmorSteps(process, host),
];

/** Without root the kernel lets nobody be spared more than the engine is itself: then nobody who asked for nothing is. */
function oomSteps({ oomScoreAdj }: Process, host: HostFacts): Operation[] {
  if (oomScoreAdj === undefined) return [];
  const data = text(String(oomScoreAdj));
  const write = { op: 'write', path: '/proc/self/oom_score_adj', data, why: reasons.oomScoreAdjust } as const;
  return [host.rootless !== undefined && oomScoreAdj === 0 ? { ...write, tolerate: ['EACCES'] } : write];
}

/** Steps that make the process a stranger to the session that the agent was started in. */
function sessionSteps(
  process: Process,
  { id, host }: { readonly id: string | undefined; readonly host: HostFacts },
): { readonly begin: Operation[]; readonly keys: Operation[] } {
  return {
    // With a terminal the session is made together with it.
    begin: (process.terminal ?? false) ? [] : [{ op: 'setsid', why: reasons.setsid }],
    keys:
      host.features.has('keyring') && id !== undefined
        ? [{ op: 'keyring', name: `_ses.${id}`, tolerate: ['ENOSYS', 'EPERM'], why: reasons.keyring }]
        : [],
  };
}

function apparmorSteps({ apparmorProfile }: Process, host: HostFacts): Operation[] {
  if (!apparmorProfile) return [];
  if (!host.features.has('apparmor')) throw unsupportedSpec('process.apparmorProfile', 'this kernel has no AppArmor');
  return [
    {
      op: 'write',
      // Here, where /proc is the host's: whatever a container mounts on its own cannot catch this write (CVE-2019-16884).
      path: atLeast(host, 5, 8) ? '/proc/self/attr/apparmor/exec' : '/proc/self/attr/exec',
      data: text(`exec ${apparmorProfile}`),
      why: reasons.apparmor,
    },
  ];
}

/** As runc and Docker do, a working directory that the image lacks is made; the root belongs to it, whoever the user is. */
function workingDirectorySteps({ cwd }: Process): Operation[] {
  if (cwd === '/' || !cwd.startsWith('/')) return [];
  return [{ op: 'mkdirs', path: cwd, mode: 0o755, tolerate: ['ENOTDIR'], why: reasons.workingDirectoryMade }];
}

/** The root file system as a mount point of this mount namespace: nothing of it is ever seen on the host. */
function rootSteps({ rootfs, overlay }: ContainerFacts, host: HostFacts): Operation[] {
  if (overlay === undefined) {
    const flags = mountFlags.MS_BIND | mountFlags.MS_REC;
    return [{ op: 'mount', source: rootfs, target: rootfs, type: 'none', flags, data: '', why: reasons.bindRoot }];
  }
  if (overlay.lowers.length === 0) throw invalidSpec('overlay', 'there is no layer');
  const data = overlayOptions(overlay, host);
  return [
    { op: 'chdir', path: overlay.base, why: reasons.overlayBase },
    { op: 'mount', source: 'overlay', target: rootfs, type: 'overlay', flags: 0n, data, why: reasons.overlayMount },
  ];
}

function consoleSteps(spec: Spec): Operation[] {
  const hasPts = (spec.mounts ?? []).some((mount) => mount.destination === '/dev/pts');
  if (!hasPts) throw invalidSpec('process.terminal', 'a terminal needs a devpts mount at /dev/pts');
  const path = '/dev/console';
  return [{ op: 'touch', path, mode: 0o600, why: reasons.consoleFile }, terminalStep(spec.process, path)];
}

/** @param path where it is bound inside; '' for nowhere */
function terminalStep({ consoleSize }: Process, path: string): Operation {
  const { height: rows = 0, width: columns = 0 } = consoleSize ?? {};
  return { op: 'terminal', console: path, rows, columns, why: reasons.terminal };
}

/** What the container's own UTS and network namespaces show. A shared one is left alone: it is not ours to change. */
function identitySteps(spec: Spec): Operation[] {
  const operations: Operation[] = [];
  if (isOwn(spec, 'network')) operations.push({ op: 'linkUp', name: 'lo', why: reasons.loopback });
  if (!isOwn(spec, 'uts')) {
    if ((spec.hostname ?? '') !== '') throw invalidSpec('hostname', 'needs a UTS namespace of its own');
    return operations;
  }
  if (spec.hostname) operations.push({ op: 'sethostname', name: spec.hostname, why: reasons.hostname });
  if (spec.domainname) operations.push({ op: 'setdomainname', name: spec.domainname, why: reasons.hostname });
  return operations;
}

/** Which namespace a setting belongs to. Others are the whole machine's, and a container may not change them. */
const ownedSysctls: readonly (readonly [pattern: RegExp, namespace: 'ipc' | 'network' | 'uts'])[] = [
  [/^kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$/, 'ipc'],
  [/^fs\.mqueue\./, 'ipc'],
  [/^net\./, 'network'],
  [/^kernel\.domainname$/, 'uts'],
];

function sysctlSteps(spec: Spec): Operation[] {
  return Object.entries(spec.linux.sysctl ?? {}).map(([given, value]) => {
    const place = `linux.sysctl ${given}`;
    // Either separator parts a name, whichever comes first; the other then stands for itself, see sysctl(8).
    const name = /^[^.]*\//.test(given) ? exchanged(given) : given;
    const owner = ownedSysctls.find(([pattern]) => pattern.test(name));
    const path = exchanged(name);
    if (owner === undefined || path.split('/').some((part) => ['', '.', '..'].includes(part))) {
      throw invalidSpec(place, 'is not a setting of a container’s namespaces');
    }
    if (!spec.linux.namespaces.some((one) => one.type === owner[1])) {
      throw invalidSpec(place, `needs ${owner[1] === 'ipc' ? 'an' : 'a'} ${owner[1]} namespace of its own`);
    }
    return { op: 'sysctl', path: `sys/${path}`, data: text(value), why: reasons.sysctl };
  });
}

/** Dots for slashes and slashes for dots. */
const exchanged = (name: string): string => name.replace(/[./]/g, (character) => (character === '.' ? '/' : '.'));

function maskStep(path: string): Operation {
  return { op: 'mask', path, tolerate: ['ENOENT', 'ENOTDIR'], why: reasons.mask };
}

function rootSeal(spec: Spec): Operation[] {
  const operations: Operation[] = [];
  if (spec.root.readonly === true) operations.push(remountReadOnly('/', 0n));
  const propagation = spec.linux.rootfsPropagation;
  if (propagation !== undefined && propagation !== '') {
    const parsed = parsePropagation(propagation);
    if (parsed === undefined) throw invalidSpec('linux.rootfsPropagation', `"${propagation}" is unknown`);
    operations.push(setPropagation('/', parsed, reasons.rootPropagation));
  }
  return operations;
}
