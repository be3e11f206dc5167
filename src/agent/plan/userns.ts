import { type IdMappings, mappingsOf, mapText, outsideId } from '../oci/id-mappings.ts';
import type { Process, Spec } from '../oci/runtime.ts';
import { invalidSpec, unsupportedSpec } from './errors.ts';
import type { ContainerFacts, HostFacts } from './facts.ts';
import { mountFlags } from './flags.ts';
import { atLeast, passingSlot } from './mounts.ts';
import type { Operation } from './operations.ts';
import { overlayOptions } from './overlay.ts';
import { reasons } from './reasons.ts';

/**
 * A container with a user namespace of its own.
 *
 *   A  as the host's root, in a mount namespace of its own: opens what is bound, looks at the layers through the
 *      container's ids and stacks them, makes device nodes; enters the user namespace and makes the others in it
 *   B  its successor, first process of the PID namespace: root of the user namespace and nothing outside.
 *      It cannot even walk to the container's directory, so all that it needs is below its working directory.
 *
 * Nothing on disk is shifted: layers stay shared by all containers, and an image or a volume looks the same from each.
 */
export interface Remap {
  readonly mappings: IdMappings;
  /** File of the user namespace of another container that is shared. */
  readonly path: string | undefined;
}

/** Undefined when the container is to run with the ids that the engine has. @throws unsupported, invalid */
export function remapOf(spec: Spec, host: HostFacts): Remap | undefined {
  const mappings = mappingsOf(spec);
  if (mappings === undefined) return undefined;
  const place = 'linux.uidMappings';
  if (host.rootless !== undefined) {
    throw unsupportedSpec(place, 'an engine without root cannot give a container ids of its own');
  }
  if (!atLeast(host, 5, 19))
    throw unsupportedSpec(place, 'layers with ids of a container’s own need Linux 5.19 or newer');
  if (outsideId(mappings.uids, 0) === undefined || outsideId(mappings.gids, 0) === undefined) {
    throw invalidSpec(place, 'the user namespace has no root');
  }
  const { path } = spec.linux.namespaces.find(({ type }) => type === 'user') ?? {};
  return { mappings, path: path === '' ? undefined : path };
}

/** Where a remapped container's root is stacked, below the working directory of whoever sets it up. */
export const stagedRoot = 'root';

/** Makes the user namespace, and the root file system as the container's ids see it. */
export function stageSteps(remap: Remap, container: ContainerFacts, host: HostFacts): Operation[] {
  const { rootfs, overlay } = container;
  const keep: Operation =
    remap.path === undefined
      ? {
          op: 'userns',
          uidMap: mapText(remap.mappings.uids),
          gidMap: mapText(remap.mappings.gids),
          why: reasons.usernsMake,
        }
      : { op: 'usernsOf', path: remap.path, why: reasons.usernsJoin };
  const at = (name: string): string => `${rootfs}/${name}`;
  const attach = (path: string, name: string, options: { readonly idmap: boolean }): Operation[] => [
    { op: 'openTree', slot: passingSlot, path, recursive: options.idmap ? 0 : 1, why: reasons.stageOpen },
    ...(options.idmap ? [{ op: 'idmap', slot: passingSlot, recursive: 0, why: reasons.idmapLayer } as const] : []),
    { op: 'mkdir', path: at(name), mode: 0o755, why: reasons.mountPoint },
    { op: 'moveMount', slot: passingSlot, target: at(name), why: reasons.stageAttach },
  ];
  const stage: Operation[] = [
    { op: 'mount', source: 'tmpfs', target: rootfs, type: 'tmpfs', flags: 0n, data: 'mode=755', why: reasons.stage },
  ];
  if (overlay === undefined) {
    // A foreign bundle: its files belong to the ids outside already, as runc expects it.
    const [open, ...rest] = attach(rootfs, stagedRoot, { idmap: false });
    return [keep, ...(open ? [open] : []), ...stage, ...rest, { op: 'chdir', path: rootfs, why: reasons.stage }];
  }
  const split = (path: string) =>
    [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)] as const;
  const [[directory, upper], [beside, work]] = [split(overlay.upper), split(overlay.work)];
  if (directory !== beside) throw invalidSpec('overlay', 'the upper and the work directory are not side by side');
  const lowers = overlay.lowers.map((_, index) => `l${index}`);
  const data = overlayOptions({ lowers, upper: `up/${upper}`, work: `up/${work}` }, host);
  return [
    keep,
    ...stage,
    ...overlay.lowers.flatMap((lower, index) => attach(`${overlay.base}/${lower}`, `l${index}`, { idmap: true })),
    ...attach(directory, 'up', { idmap: true }),
    { op: 'mkdir', path: at(stagedRoot), mode: 0o755, why: reasons.mountPoint },
    { op: 'chdir', path: rootfs, why: reasons.stage },
    {
      op: 'fsid',
      uid: rootOutside(remap.mappings.uids),
      gid: rootOutside(remap.mappings.gids),
      why: reasons.stageOwner,
    },
    { op: 'mount', source: 'overlay', target: stagedRoot, type: 'overlay', flags: 0n, data, why: reasons.overlayMount },
    { op: 'fsid', uid: 0, gid: 0, why: reasons.stageOwnerBack },
  ];
}

const rootOutside = (mappings: IdMappings['uids']): number => outsideId(mappings, 0) ?? 0;

/** From the host's root to the container's, in namespaces that belong to it. */
export function successorSteps(flags: bigint): Operation[] {
  const { MS_BIND, MS_REC } = mountFlags;
  return [
    { op: 'enterUserns', why: reasons.usernsEnter },
    { op: 'unshare', flags, why: reasons.usernsUnshare },
    { op: 'handOver', why: reasons.handOver },
    ...becomeRoot(),
    // Mounts that a more privileged namespace made are locked, and a locked mount cannot become the root.
    {
      op: 'mount',
      source: stagedRoot,
      target: stagedRoot,
      type: 'none',
      flags: MS_BIND | MS_REC,
      data: '',
      why: reasons.bindRoot,
    },
  ];
}

/** As root of the user namespace that was entered. */
export function becomeRoot(): Operation[] {
  return [
    { op: 'setgid', gid: 0, why: reasons.usernsRoot },
    { op: 'setuid', uid: 0, why: reasons.usernsRoot },
  ];
}

/** The pipes of the supervisor are given to the program's user while somebody still has the right to. */
export function stdioOwners(process: Process, remap: Remap, options: { readonly stdin: boolean }): Operation[] {
  const uid = outsideId(remap.mappings.uids, process.user.uid);
  const gid = outsideId(remap.mappings.gids, process.user.gid);
  if (uid === undefined) throw notMapped('uid', process.user.uid);
  if (gid === undefined) throw notMapped('gid', process.user.gid);
  if (process.terminal === true) return [];
  const fds = [...(options.stdin ? [0] : []), 1, 2];
  return fds.map((fd) => ({ op: 'fchown', fd, uid, gid: 0xffffffff, why: reasons.stdioOwner }));
}

const notMapped = (field: 'uid' | 'gid', id: number) =>
  invalidSpec(`process.user.${field}`, `${id} is not in the range of the container’s user namespace`);
