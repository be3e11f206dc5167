import type { Device, Spec } from '../oci/runtime.ts';
import { invalidSpec } from './errors.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO } from './flags.ts';
import type { Operation } from './operations.ts';
import { reasons } from './reasons.ts';

/** Nodes that programs expect in /dev, with their numbers (Linux's devices.txt). */
const usualNodes = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
] as const;

const usualLinks = [
  ['/proc/self/fd', 'fd'],
  ['/proc/self/fd/0', 'stdin'],
  ['/proc/self/fd/1', 'stdout'],
  ['/proc/self/fd/2', 'stderr'],
  ['pts/ptmx', 'ptmx'],
  ['/proc/kcore', 'core'],
] as const;

/**
 * Device nodes and links of /dev: the usual ones where /dev is mounted anew, and those of the configuration.
 * A bind-mounted /dev is somebody else's and gets only the latter.
 */
export function deviceSteps(spec: Spec): Operation[] {
  const operations = nodesOf(spec).flatMap(nodeSteps);
  if (hasNewDev(spec)) operations.push(...linkSteps(spec));
  return operations;
}

/** The same where nodes cannot be made, in a user namespace: nodes of somebody more privileged are bound. */
export function boundDeviceSteps(
  spec: Spec,
  options: {
    /** Where the node lies before the pivot. */
    place(node: Node, index: number): { readonly path: string; readonly make: readonly Operation[] };
    takeSlot(): number;
  },
): { readonly sources: Operation[]; readonly targets: Operation[] } {
  const sources: Operation[] = [];
  const targets: Operation[] = [];
  for (const [index, node] of nodesOf(spec).entries()) {
    const slot = options.takeSlot();
    const from = options.place(node, index);
    sources.push(...from.make, { op: 'openTree', slot, path: from.path, recursive: 0, why: reasons.deviceSource });
    const { path } = node;
    targets.push(
      ...parentSteps(path),
      { op: 'touch', path, mode: 0o666, why: reasons.mountPoint },
      { op: 'moveMount', slot, target: path, why: reasons.deviceBound },
    );
  }
  if (hasNewDev(spec)) targets.push(...linkSteps(spec));
  return { sources, targets };
}

/** A device node of the container. */
export interface Node {
  readonly path: string;
  /** Type and permissions, as mknod(2) takes them. */
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
  readonly uid: number;
  readonly gid: number;
  /** It was asked for: something in its place is left alone. */
  readonly asked: boolean;
}

function nodesOf(spec: Spec): Node[] {
  const asked = (spec.linux.devices ?? []).map(askedNode);
  const taken = new Set(asked.map(({ path }) => path));
  const usual = usualNodes.map(
    ([name, major, minor]): Node => ({
      path: `/dev/${name}`,
      mode: S_IFCHR | 0o666,
      major,
      minor,
      uid: 0,
      gid: 0,
      asked: false,
    }),
  );
  return [...asked, ...(hasNewDev(spec) ? usual.filter(({ path }) => !taken.has(path)) : [])];
}

function hasNewDev(spec: Spec): boolean {
  return (spec.mounts ?? []).some((mount) => mount.destination === '/dev' && mount.type === 'tmpfs');
}

function linkSteps(spec: Spec): Operation[] {
  const made = new Set((spec.linux.devices ?? []).map(({ path }) => path));
  const operations: Operation[] = [];
  for (const [target, name] of usualLinks) {
    const path = `/dev/${name}`;
    if (made.has(path)) continue;
    operations.push({ op: 'symlink', target, path, tolerate: ['EEXIST'], why: reasons.deviceLink });
  }
  return operations;
}

const typeBits: Readonly<Record<Device['type'], number>> = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO };

function askedNode({ path, type, uid = 0, gid = 0, major = 0, minor = 0, fileMode = 0o666 }: Device): Node {
  if (!path.startsWith('/') || path.endsWith('/'))
    throw invalidSpec('linux.devices', `"${path}" is not an absolute path`);
  return { path, mode: typeBits[type] | (fileMode & 0o7777), major, minor, uid, gid, asked: true };
}

function nodeSteps({ path, mode, major, minor, uid, gid, asked }: Node): Operation[] {
  const node = { op: 'mknod', path, mode, major, minor, why: reasons.deviceNode } as const;
  return [
    ...parentSteps(path),
    asked ? { ...node, tolerate: ['EEXIST'] } : node,
    ...(uid === 0 && gid === 0 ? [] : [{ op: 'chown', path, uid, gid, why: reasons.deviceOwner } as const]),
  ];
}

function parentSteps(path: string): Operation[] {
  const parent = path.slice(0, path.lastIndexOf('/'));
  if (parent === '' || parent === '/dev') return [];
  return [{ op: 'mkdirs', path: parent, mode: 0o755, why: reasons.mountPoint }];
}
