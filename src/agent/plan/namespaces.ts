import type { Namespace, NamespaceType, Spec } from '../oci/runtime.ts';
import { invalidSpec, unsupportedSpec } from './errors.ts';
import type { HostFacts } from './facts.ts';
import { cloneFlags } from './flags.ts';
import type { Operation } from './operations.ts';
import { reasons } from './reasons.ts';

const namespaceFlags: Readonly<Record<NamespaceType, bigint>> = {
  mount: cloneFlags.CLONE_NEWNS,
  pid: cloneFlags.CLONE_NEWPID,
  network: cloneFlags.CLONE_NEWNET,
  ipc: cloneFlags.CLONE_NEWIPC,
  uts: cloneFlags.CLONE_NEWUTS,
  cgroup: cloneFlags.CLONE_NEWCGROUP,
  user: cloneFlags.CLONE_NEWUSER,
  time: cloneFlags.CLONE_NEWTIME,
};

export interface NamespaceSteps {
  /** Flags of the clone: new namespaces, but for the cgroup namespace, which is made after joining the cgroups. */
  readonly flags: bigint;
  /** In the shim: a PID namespace is only entered by children born afterwards. */
  readonly before: readonly Operation[];
  /** In the new process: namespaces of others. */
  readonly join: readonly Operation[];
  /** In the new process, once it is in its cgroups. */
  readonly cgroup: readonly Operation[];
  /** With a user namespace: those that are to belong to its root are made when it has been entered. */
  readonly owned: bigint;
}

/** @param remapped the container has a user namespace of its own. */
export function namespaceSteps(
  spec: Spec,
  host: HostFacts,
  { remapped }: { readonly remapped: boolean },
): NamespaceSteps {
  const namespaces = checked(spec.linux.namespaces);
  const joined = namespaces.filter((one) => (one.path ?? '') !== '');
  const made = namespaces.filter((one) => (one.path ?? '') === '');
  const enter = (one: Namespace, why: string): Operation => ({
    op: 'setns',
    path: one.path ?? '',
    flags: namespaceFlags[one.type],
    why,
  });
  const makesCgroup = made.some((one) => one.type === 'cgroup') && host.features.has('cgroupns');
  const flags = made
    .filter((one) => one.type !== 'cgroup' && one.type !== 'user')
    .reduce((bits, one) => bits | namespaceFlags[one.type], 0n);
  if (remapped) {
    // The PID namespace is joined for the successor: the process itself still counts as the host's.
    const joins = joined.filter((one) => one.type !== 'user');
    return {
      flags: cloneFlags.CLONE_NEWNS,
      before: [],
      join: joins.map((one) => enter(one, one.type === 'pid' ? reasons.joinPid : reasons.joinNamespace)),
      cgroup: [],
      owned: makesCgroup ? flags | cloneFlags.CLONE_NEWCGROUP : flags,
    };
  }
  return {
    flags,
    owned: 0n,
    before: joined.filter((one) => one.type === 'pid').map((one) => enter(one, reasons.joinPid)),
    join: joined.filter((one) => one.type !== 'pid').map((one) => enter(one, reasons.joinNamespace)),
    cgroup: makesCgroup ? [{ op: 'unshare', flags: cloneFlags.CLONE_NEWCGROUP, why: reasons.cgroupNamespace }] : [],
  };
}

/** True when the container gets a new namespace of this kind. */
export function isOwn(spec: Spec, type: NamespaceType): boolean {
  return spec.linux.namespaces.some((one) => one.type === type && (one.path ?? '') === '');
}

function checked(namespaces: readonly Namespace[]): readonly Namespace[] {
  const place = 'linux.namespaces';
  const twice = namespaces.find((one, index) => namespaces.findIndex((other) => other.type === one.type) !== index);
  if (twice !== undefined) throw invalidSpec(place, `${twice.type} is listed twice`);
  const mount = namespaces.find((one) => one.type === 'mount');
  if (mount === undefined || (mount.path ?? '') !== '') {
    throw unsupportedSpec(place, 'a container needs a mount namespace of its own');
  }
  if (namespaces.some(({ type }) => type === 'time')) {
    throw unsupportedSpec(place, 'time namespaces are not supported yet');
  }
  return namespaces;
}
