import { createHash } from 'node:crypto';
import { arch, hostname, release } from 'node:os';
import type { HostFacts } from '../plan/facts.ts';
import { readIfThere } from '../sys/files.ts';
import { readMachineCpu, readMemoryTotal, readOsRelease } from '../sys/machine.ts';
import { readMounts } from '../sys/proc.ts';

/** What `GET /info` and `/version` tell about the host. */
export interface HostDescription {
  /** The same for this engine on this machine for ever, as a UUID. */
  readonly id: string;
  readonly name: string;
  /** uname -r. */
  readonly kernel: string;
  readonly operatingSystem: string;
  readonly osVersion: string;
  /** As uname -m words it: 'x86_64', 'aarch64'. */
  readonly machine: string;
  /** As Docker's `Arch` words it: 'amd64', 'arm64'. */
  readonly goArchitecture: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly cgroupVersion: 1 | 2;
  /** Names of the files in a container's cgroup, which tell the limits that the kernel has; undefined: not known. */
  readonly limitFiles: ReadonlySet<string> | undefined;
  readonly ipv4Forwarding: boolean;
  /** File system that holds the data root, for example 'ext4'. */
  readonly backingFileSystem: string;
  readonly features: ReadonlySet<string>;
}

export async function describeHost(facts: HostFacts, dataRoot: string): Promise<HostDescription> {
  const [os, cpu, memory, forwarding, mounts, machineId = ''] = await Promise.all([
    readOsRelease(),
    readMachineCpu(),
    readMemoryTotal(),
    readIfThere('/proc/sys/net/ipv4/ip_forward'),
    readMounts('self'),
    readIfThere('/etc/machine-id'),
  ]);
  const { cgroup } = facts;
  // The innermost mount point that holds the data root; of two at the same place the later one is on top.
  const backing = mounts
    .filter(({ target }) => target === '/' || dataRoot === target || dataRoot.startsWith(`${target}/`))
    .reduce((best, one) => (one.target.length >= best.target.length ? one : best), { target: '', type: 'unknown' });
  // machine-id(5): the machine's own id is not to be told, only what is made of it.
  const digest = createHash('sha256').update(`porthole ${machineId.trim()} ${dataRoot}`).digest('hex');
  return {
    id: digest.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    name: hostname(),
    kernel: release(),
    operatingSystem: os.get('PRETTY_NAME') ?? os.get('NAME') ?? 'Linux',
    osVersion: os.get('VERSION_ID') ?? '',
    machine: arch() === 'arm64' ? 'aarch64' : 'x86_64',
    goArchitecture: arch() === 'arm64' ? 'arm64' : 'amd64',
    cpus: cpu.online,
    memory,
    cgroupVersion: cgroup.version,
    limitFiles: facts.limitFiles,
    ipv4Forwarding: forwarding?.trim() === '1',
    backingFileSystem: backing.type,
    features: facts.features,
  };
}
