import type { SpecMount } from '../oci/runtime.ts';
import { invalidSpec } from './errors.ts';
import { isBind } from './mount-options.ts';

/** Files that tell how the machine is, which others (lxcfs) may tell in another way. What runc lets through, by name. */
const replaceable: ReadonlySet<string> = new Set(
  'cpuinfo diskstats meminfo stat swaps uptime loadavg slabinfo net/dev sys/kernel/ns_last_pid sys/crypto/fips_enabled'
    .split(' ')
    .map((name) => `/proc/${name}`),
);

/**
 * What the engine writes to and hides in /proc must be the kernel's: nothing is mounted in its place (CVE-2019-16884,
 * CVE-2025-52881). The host's own /proc may be, on the whole of it.
 * @throws invalid in runc's words
 */
export function refuseInProc(mount: SpecMount): void {
  const path = mount.destination.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '');
  if (path !== '/proc' && !path.startsWith('/proc/')) return;
  const isKernels = path === '/proc' && (isBind(mount) ? isHosts(mount) : mount.type === 'proc');
  if (isKernels || replaceable.has(path)) return;
  throw invalidSpec(`mount of ${mount.destination}`, `"${path}" cannot be mounted because it is inside /proc`);
}

const isHosts = ({ source }: SpecMount): boolean => /^\/proc\/?$/.test(source ?? '');
