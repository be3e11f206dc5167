import { mappingsOf, outsideId } from '../oci/id-mappings.ts';
import type { NamespaceType, Spec, SpecMount } from '../oci/runtime.ts';
import { invalidSpec, unsupportedSpec } from './errors.ts';
import type { ContainerFacts, HostFacts } from './facts.ts';
import { MNT_DETACH, mountFlags } from './flags.ts';
import {
  type AttributeChange,
  isBind,
  type MountOptions,
  type Propagation,
  parseMountOptions,
  sourceInside,
} from './mount-options.ts';
import type { Operation } from './operations.ts';
import { refuseInProc } from './proc-mounts.ts';
import { reasons } from './reasons.ts';

/** A container's mounts in parts: before the pivot, inside the new root, and what becomes read-only at the end. */
export interface MountSteps {
  readonly sources: readonly Operation[];
  /** Once the user namespace is there: sources that are to be seen with its ids. */
  readonly idmaps: readonly Operation[];
  /** In a user namespace: what the kernel only mounts where the host's own is still in sight (`mount_too_revealing`). */
  readonly early: readonly Operation[];
  readonly mounts: readonly Operation[];
  readonly seal: readonly Operation[];
}

export interface MountInput {
  readonly spec: Spec;
  readonly host: HostFacts;
  readonly container: Pick<ContainerFacts, 'fileBinds' | 'beneath'>;
  /** cgroup v1: what /sys/fs/cgroup shows. */
  readonly cgroupViews: readonly { readonly name: string; readonly directory: string }[];
  readonly slots: Slots;
  /** A directory to mount on before the pivot, for a container in a user namespace; else absent. */
  readonly earlyPlace?: string;
}

/**
 * Sources of bind mounts are opened while the host is visible; targets are resolved after the pivot, so that no
 * symbolic link of the image leads anywhere but into the image (CVE-2019-16884, CVE-2021-30465). /proc and what lies
 * below it come last: before that, no magic link such as /proc/1/root exists that a mount point could lead through.
 */
export function mountSteps(input: MountInput): MountSteps {
  const steps: Steps = { sources: [], idmaps: [], early: [], mounts: [], seal: [] };
  const mounts = (input.spec.mounts ?? []).map(checked);
  const isProc = (mount: SpecMount): boolean => isBelow(mount.destination, '/proc');
  for (const mount of [...mounts.filter((one) => !isProc(one)), ...mounts.filter(isProc)]) {
    const options = parseMountOptions(mount);
    if (isBind(mount)) addBind(steps, { mount, options, ...input });
    else if (mount.type === 'cgroup' || mount.type === 'cgroup2') addCgroup(steps, { mount, options, ...input });
    else addFileSystem(steps, { mount, options, ...input });
  }
  return steps;
}

interface Steps {
  readonly sources: Operation[];
  readonly idmaps: Operation[];
  readonly early: Operation[];
  readonly mounts: Operation[];
  readonly seal: Operation[];
}

/** The last of the shim's slots is for mounts that are attached at once; the others are handed out. */
export const passingSlot = 63;

/** The shim keeps at most so many opened sources. */
export class Slots {
  #next = 0;
  take(): number {
    if (this.#next === passingSlot) throw unsupportedSpec('mounts', `more than ${passingSlot} bind mounts`);
    return this.#next++;
  }
}

function checked(mount: SpecMount): SpecMount {
  const place = `mount of ${mount.destination}`;
  if (!mount.destination.startsWith('/')) throw invalidSpec(place, 'the destination is not an absolute path');
  refuseInProc(mount);
  if (isBind(mount) && !(mount.source ?? '').startsWith('/')) {
    throw invalidSpec(place, `the source "${mount.source ?? ''}" is not an absolute path`);
  }
  return mount;
}

function addBind(
  steps: Steps,
  input: Pick<MountInput, 'spec' | 'host' | 'container' | 'slots'> & { mount: SpecMount; options: MountOptions },
): void {
  const { mount, options, host } = input;
  const place = `mount of ${mount.destination}`;
  if (!atLeast(host, 5, 2)) throw unsupportedSpec(place, 'bind mounts need Linux 5.2 or newer');
  const target = mount.destination;
  const slot = input.slots.take();
  const recursive = options.bind === 'recursive' ? 1 : 0;
  const inside = sourceInside(mount);
  const below = input.container.beneath?.find(({ destination }) => destination === target);
  const why = below ? reasons.subpathSource : reasons.bindSource;
  if (below) steps.sources.push({ op: 'openTreeBelow', slot, root: below.root, path: below.path, recursive, why });
  else if (inside) steps.sources.push({ op: 'openTreeInside', slot, ...inside, recursive, why });
  else steps.sources.push({ op: 'openTree', slot, path: mount.source ?? '', recursive, why });
  if (options.idmap !== 'no' && mappingsOf(input.spec) !== undefined) {
    steps.idmaps.push({ op: 'idmap', slot, recursive: options.idmap === 'recursive' ? 1 : 0, why: reasons.idmapBind });
  }
  if (input.container.fileBinds?.includes(target)) steps.mounts.push(...filePoint(target));
  else steps.mounts.push(directoryPoint(target));
  steps.mounts.push({ op: 'moveMount', slot, target, why: reasons.bindTarget });
  // A copy of a shared mount stays the host's peer until told otherwise.
  const propagation = options.propagation ?? { flag: mountFlags.MS_PRIVATE, recursive: true };
  steps.mounts.push(setPropagation(target, propagation));
  steps.mounts.push(...restrict(target, options, host));
}

function addFileSystem(steps: Steps, input: MountInput & { mount: SpecMount; options: MountOptions }): void {
  const { mount, options } = input;
  const target = mount.destination;
  const type = mount.type ?? 'none';
  const { MS_RDONLY } = mountFlags;
  // Mount points and devices are made inside a tmpfs before it is closed.
  const sealLater = type === 'tmpfs' && (options.flags & MS_RDONLY) !== 0n;
  const flags = sealLater ? options.flags & ~MS_RDONLY : options.flags;
  const why = reasonFor(mount);
  const isForeign = input.earlyPlace !== undefined && isOfAnother(type, input.spec);
  // Few hosts have their own mounted anywhere: there is nothing to bind.
  if (isForeign && type === 'mqueue') return;
  // The kernel's own files, which later steps write to and hide: in their place, and not behind a link (CVE-2019-19921).
  const isKernels = (type === 'proc' || type === 'sysfs') && target.lastIndexOf('/') === 0;
  steps.mounts.push(isKernels ? ownPoint(target) : directoryPoint(target));
  const data = type === 'devpts' ? withoutLostGroup(options.data, input) : options.data;
  const mounted = { source: mount.source ?? type, type, flags, data, why };
  if (isForeign) {
    const slot = input.slots.take();
    steps.sources.push({ op: 'openTree', slot, path: hostPlaces[type] ?? '/', recursive: 1, why: reasons.bindSource });
    steps.mounts.push({ op: 'moveMount', slot, target, why });
    steps.mounts.push(setPropagation(target, { flag: mountFlags.MS_PRIVATE, recursive: true }));
    steps.mounts.push(...restrict(target, options, input.host));
  } else if (input.earlyPlace !== undefined && (type === 'proc' || type === 'sysfs')) {
    const slot = input.slots.take();
    const place = input.earlyPlace;
    steps.early.push(
      { op: 'mount', target: place, ...mounted },
      { op: 'openTree', slot, path: place, recursive: 0, why: reasons.earlyKept },
      { op: 'umount', target: place, flags: MNT_DETACH, why: reasons.earlyKept },
    );
    steps.mounts.push({ op: 'moveMount', slot, target, why });
  } else steps.mounts.push({ op: 'mount', target, ...mounted });
  if (options.propagation !== undefined) steps.mounts.push(setPropagation(target, options.propagation));
  if (sealLater) steps.seal.push(remountReadOnly(target, options.flags));
}

/** The group of terminals is refused where the user namespace does not have it; they then belong to whoever opens them. */
function withoutLostGroup(data: string, { spec, host }: Pick<MountInput, 'spec' | 'host'>): string {
  const mappings = mappingsOf(spec) ?? host.rootless;
  if (mappings === undefined) return data;
  const isLost = (option: string): boolean =>
    option.startsWith('gid=') && outsideId(mappings.gids, Number(option.slice('gid='.length))) === undefined;
  return data
    .split(',')
    .filter((option) => !isLost(option))
    .join(',');
}

/** File systems that show a namespace, and where the host has its own. */
const hostPlaces: Readonly<Record<string, string>> = { proc: '/proc', sysfs: '/sys' };
const shownNamespaces: Readonly<Record<string, NamespaceType>> = { proc: 'pid', sysfs: 'network', mqueue: 'ipc' };

/** Who is root of a user namespace can only mount what shows a namespace that belongs to it; the host's own is bound. */
function isOfAnother(type: string, spec: Spec): boolean {
  const shown = shownNamespaces[type];
  return shown !== undefined && !spec.linux.namespaces.some((one) => one.type === shown);
}

/** v2: cgroup2 itself, which the cgroup namespace cuts down. v1: the container's own directory of each hierarchy. */
function addCgroup(
  steps: Steps,
  input: Pick<MountInput, 'host' | 'cgroupViews' | 'slots'> & { mount: SpecMount; options: MountOptions },
): void {
  const { mount, options, host } = input;
  const target = mount.destination;
  const why = reasons.mountCgroup;
  steps.mounts.push(directoryPoint(target));
  if (host.cgroup.version === 2) {
    steps.mounts.push({ op: 'mount', source: 'cgroup', target, type: 'cgroup2', flags: options.flags, data: '', why });
    return;
  }
  if (!atLeast(host, 5, 2)) return;
  const writable = options.flags & ~mountFlags.MS_RDONLY;
  steps.mounts.push({ op: 'mount', source: 'tmpfs', target, type: 'tmpfs', flags: writable, data: 'mode=755', why });
  for (const view of input.cgroupViews) {
    const place = `${target}/${view.name}`;
    const slot = input.slots.take();
    steps.sources.push({ op: 'openTree', slot, path: view.directory, recursive: 0, why: reasons.bindSource });
    steps.mounts.push({ op: 'mkdir', path: place, mode: 0o755, why: reasons.mountPoint });
    steps.mounts.push({ op: 'moveMount', slot, target: place, why });
    steps.mounts.push(...restrict(place, options, host));
  }
  if ((options.flags & mountFlags.MS_RDONLY) !== 0n) steps.mounts.push(remountReadOnly(target, options.flags));
}

/** Restrictions of a bind mount: mount_setattr(2) keeps those that it has already. Older kernels are told all of them. */
export function restrict(target: string, options: MountOptions, host: HostFacts): Operation[] {
  const why = reasons.bindAttributes;
  const { attributes, recursiveAttributes } = options;
  if (atLeast(host, 5, 12)) {
    const change = (one: AttributeChange, recursive: number): Operation[] =>
      one.set === 0n && one.clear === 0n
        ? []
        : [{ op: 'mountSetattr', target, set: one.set, clear: one.clear, propagation: 0n, recursive, why }];
    return [...change(recursiveAttributes, 1), ...change(attributes, 0)];
  }
  if (recursiveAttributes.set !== 0n) {
    throw unsupportedSpec(`mount of ${target}`, 'recursive options need Linux 5.12 or newer');
  }
  if (options.flags === 0n) return [];
  const flags = options.flags | mountFlags.MS_REMOUNT | mountFlags.MS_BIND;
  return [{ op: 'mount', source: 'none', target, type: 'none', flags, data: '', why }];
}

/** Paths that can be read only: mounted on themselves, then restricted. A path that is not there needs nothing. */
export function readonlyPathSteps(paths: readonly string[], host: HostFacts): Operation[] {
  const { MS_BIND, MS_REC, MS_REMOUNT, MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC } = mountFlags;
  return paths.flatMap((path): Operation[] => [
    {
      op: 'mount',
      source: path,
      target: path,
      type: 'none',
      flags: MS_BIND | MS_REC,
      data: '',
      tolerate: ['ENOENT'],
      why: reasons.readonlyBind,
    },
    atLeast(host, 5, 12)
      ? {
          op: 'mountSetattr',
          target: path,
          set: 1n,
          clear: 0n,
          propagation: 0n,
          recursive: 0,
          tolerate: ['ENOENT'],
          why: reasons.readonlyPath,
        }
      : {
          op: 'mount',
          source: path,
          target: path,
          type: 'none',
          // A remount says all flags anew; /proc and /sys have these three.
          flags: MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
          data: '',
          tolerate: ['ENOENT'],
          why: reasons.readonlyPath,
        },
  ]);
}

export function remountReadOnly(target: string, flags: bigint): Operation {
  const { MS_REMOUNT, MS_BIND, MS_RDONLY } = mountFlags;
  const why = target === '/' ? reasons.readonlyRoot : reasons.readonlyMount;
  return {
    op: 'mount',
    source: 'none',
    target,
    type: 'none',
    flags: flags | MS_REMOUNT | MS_BIND | MS_RDONLY,
    data: '',
    why,
  };
}

export function setPropagation(target: string, propagation: Propagation, why: string = reasons.propagation): Operation {
  const flags = propagation.flag | (propagation.recursive ? mountFlags.MS_REC : 0n);
  return { op: 'mount', source: 'none', target, type: 'none', flags, data: '', why };
}

export function atLeast(host: HostFacts, major: number, minor: number): boolean {
  return host.kernel.major > major || (host.kernel.major === major && host.kernel.minor >= minor);
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

function directoryPoint(path: string): Operation {
  return { op: 'mkdirs', path, mode: 0o755, why: reasons.mountPoint };
}

function ownPoint(path: string): Operation {
  return { op: 'directory', path, mode: 0o755, why: reasons.mountPoint };
}

function filePoint(path: string): Operation[] {
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  return [
    ...(parent === '/' ? [] : [directoryPoint(parent)]),
    { op: 'touch', path, mode: 0o644, why: reasons.mountPoint },
  ];
}

function reasonFor(mount: SpecMount): string {
  switch (mount.type) {
    case 'proc':
      return reasons.mountProc;
    case 'sysfs':
      return reasons.mountSys;
    case 'devpts':
      return reasons.mountPts;
    case 'mqueue':
      return reasons.mountMqueue;
    case 'tmpfs':
      if (mount.destination === '/dev') return reasons.mountDev;
      return mount.destination === '/dev/shm' ? reasons.mountShm : reasons.mountTmpfs;
    default:
      return reasons.mountOther;
  }
}
