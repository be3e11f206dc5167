import { PortholeError } from '../../base/errors.ts';
import type { Capabilities } from './runtime.ts';

/** Every capability, at its number. See capabilities(7) and linux/capability.h (Linux 5.9 has added the last so far). */
export const capabilityNames: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
];

/** What Docker leaves to a container's root. */
export const defaultCapabilities: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

const unknownCapability = (name: string) => new PortholeError('invalid', `unknown capability: ${name}`);

/** The kernel's number of a capability name. @throws invalid */
export function capabilityNumber(name: string): number {
  const number = capabilityNames.indexOf(name);
  if (number < 0) throw unknownCapability(name);
  return number;
}

/** A name as users write it (`net_admin`, `CAP_NET_ADMIN`) in the specification's form. @throws invalid */
export function normalizeCapability(name: string): string {
  const upper = name.toUpperCase();
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  capabilityNumber(full);
  return full;
}

/**
 * Docker's `--cap-add` and `--cap-drop`, with ALL in either: the names that are left, in the kernel's order. A name in both
 * is added, but for what ALL adds.
 * @throws invalid on an unknown name.
 */
export function adjustCapabilities(change: { add?: readonly string[]; drop?: readonly string[] }): string[] {
  const isAll = (name: string): boolean => name.toUpperCase() === 'ALL';
  const listed = (names: readonly string[] = []): Set<string> =>
    new Set(names.filter((name) => !isAll(name)).map(normalizeCapability));
  const [added, dropped] = [listed(change.add), listed(change.drop)];
  const addAll = change.add?.some(isAll) ?? false;
  const base = startingSet({ addAll, dropAll: change.drop?.some(isAll) ?? false });
  return capabilityNames.filter((name) => (base.has(name) && !dropped.has(name)) || (added.has(name) && !addAll));
}

/**
 * The five sets of a process that may have `names`. As Docker does it, a process that is not root gets them in the
 * bounding set only, which is what execve(2) would leave of them anyway; nothing is inheritable (CVE-2022-24769).
 */
export function capabilitySets(names: readonly string[], user: { readonly uid: number }): Capabilities {
  return user.uid === 0 ? { bounding: names, effective: names, permitted: names } : { bounding: names };
}

function startingSet(all: { addAll: boolean; dropAll: boolean }): ReadonlySet<string> {
  if (all.addAll) return new Set(capabilityNames);
  return new Set(all.dropAll ? [] : defaultCapabilities);
}
