import { isWithin } from '../../base/paths.ts';
import { type Phrase, phrase } from '../../base/phrases.ts';
import type { Verdict } from '../../protocol/panels.ts';

export interface MountRisk {
  readonly verdict: Verdict;
  readonly why: Phrase;
  readonly how: Phrase;
}

/** Directories of the host that decide about the host. */
const vital = [
  '/etc',
  '/boot',
  '/root',
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/proc',
  '/sys',
  '/dev',
  '/var/lib',
];

/** What a bind mount opens; undefined for what is the container's own: volumes, tmpfs, ordinary directories. */
export function mountRisk(mount: { type: string; source: string; writable: boolean }): MountRisk | undefined {
  const { type, source, writable } = mount;
  if (type !== 'bind') return undefined;
  if (/\b(docker|podman|containerd|porthole|crio)\.sock$/.test(source)) {
    return {
      verdict: 'open',
      why: phrase('Whoever may talk to a container engine may start a privileged container: that is root on the host.'),
      how: phrase('Put a proxy in between that lets through only what is needed.'),
    };
  }
  if (source === '/') {
    return {
      verdict: 'open',
      why: phrase('Every file of the host is in reach, with keys and passwords.'),
      how: phrase('Mount the one directory that is needed, read-only if it is only read.'),
    };
  }
  const place = vital.find((one) => isWithin(source, one));
  if (place === undefined) return undefined;
  return {
    verdict: writable ? 'open' : 'weak',
    why: writable
      ? phrase('What lies below {0} decides what the host runs and whom it lets in.', place)
      : phrase('What lies below {0} tells much about the host.', place),
    how: phrase('Mount the one directory that is needed, read-only if it is only read.'),
  };
}
