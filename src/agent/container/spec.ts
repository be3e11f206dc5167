import { PortholeError } from '../../base/errors.ts';
import type { HostConfig } from '../../protocol/docker.ts';
import { adjustCapabilities, capabilityNames, capabilitySets } from '../oci/capabilities.ts';
import { defaultShmSize, defaultSpec, shmMount } from '../oci/defaults.ts';
import type { Device, DeviceRule, Namespace, NamespaceType, Resources, Spec, SpecMount } from '../oci/runtime.ts';
import type { HostFacts } from '../plan/facts.ts';
import { type Account, specUser } from './accounts.ts';
import { environmentOf } from './environment.ts';
import { partnerOf } from './modes.ts';
import { parentsFirst, rootfsPropagation, specMounts } from './mounts.ts';
import type { StoredRecord } from './record.ts';
import { resourcesOf } from './resources.ts';
import { apparmorProfile, readSecurityOptions } from './security.ts';
import { sharedPartner } from './userns.ts';

/** What only the start of a container can know. */
export interface SpecFacts {
  readonly host: HostFacts;
  /** Capabilities that the agent has itself: "all" can mean no more than that. */
  readonly available: ReadonlySet<string>;
  readonly account: Account;
  /** The program on the host that is to be the first process; undefined: the container's own is. */
  readonly init?: string;
  readonly blockIO: Resources['blockIO'];
  readonly devices: { readonly nodes: readonly Device[]; readonly rules: readonly DeviceRule[] };
  /** The initial process of a container whose namespaces are shared, by that container's name as it was given. */
  pidOf(container: string, type: NamespaceType): number;
}

/** A container's OCI bundle config: Docker's defaults, changed by everything that the record asks for. Pure. */
export function buildSpec(record: StoredRecord, facts: SpecFacts): Spec {
  const { config, hostConfig } = record;
  const privileged = hostConfig.Privileged === true;
  const named = namedCapabilities(hostConfig);
  const takesAll = privileged || (hostConfig.CapAdd ?? []).some((name) => name.toUpperCase() === 'ALL');
  const capabilities = (privileged ? capabilityNames : named).filter((name) => !takesAll || facts.available.has(name));
  const user = specUser(facts.account);
  const program = [record.path, ...record.args];
  const base = defaultSpec({
    process: {
      args: facts.init === undefined ? program : [initPath, '--', ...program],
      env: environmentOf(config, { home: facts.account.home }),
      cwd: config.WorkingDir || '/',
      user,
      terminal: config.Tty === true,
    },
    hostname: config.Hostname ?? '',
    host: facts.host,
    capabilities,
    privileged,
  });
  const security = readSecurityOptions(hostConfig.SecurityOpt ?? [], {
    capabilities,
    architecture: facts.host.architecture,
    kernel: facts.host.kernel,
    features: facts.host.features,
  });
  const apparmor = apparmorProfile(security.apparmor, { features: facts.host.features, privileged });
  const namespaces = [...userNamespace(record, facts), ...namespacesOf(base.linux.namespaces, hostConfig, facts)];
  const seccomp = security.seccomp === 'default' ? base.linux.seccomp : security.seccomp;
  const ownUts = hostConfig.UTSMode !== 'host';
  const { seccomp: _default, maskedPaths, readonlyPaths, ...linux } = base.linux;
  const { hostname, ...rest } = base;
  const masked = hostConfig.MaskedPaths ?? maskedPaths;
  const readonly = hostConfig.ReadonlyPaths ?? readonlyPaths;
  return {
    ...rest,
    ...(ownUts && hostname !== undefined ? { hostname } : {}),
    ...(ownUts && config.Domainname ? { domainname: config.Domainname } : {}),
    root: { path: 'rootfs', ...(hostConfig.ReadonlyRootfs ? { readonly: true } : {}) },
    process: {
      ...base.process,
      ...(privileged ? { capabilities: capabilitySets(capabilities, user) } : {}),
      oomScoreAdj: hostConfig.OomScoreAdj ?? 0,
      ...(security.noNewPrivileges ? { noNewPrivileges: true } : {}),
      ...(apparmor ? { apparmorProfile: apparmor } : {}),
      ...(hostConfig.Ulimits?.length ? { rlimits: hostConfig.Ulimits.map(rlimit) } : {}),
      ...consoleSize(record),
    },
    mounts: [...mountsOf(base.mounts ?? [], record, facts), ...initMount(facts.init)],
    ...(hostConfig.Annotations ? { annotations: hostConfig.Annotations } : {}),
    linux: {
      ...linux,
      ...rootfsPropagation(record.mounts),
      namespaces,
      cgroupsPath: record.cgroupPath,
      devices: facts.devices.nodes,
      resources: {
        ...resourcesOf(hostConfig, facts.blockIO),
        devices: [...(linux.resources?.devices ?? []), ...facts.devices.rules],
      },
      sysctl: {
        ...(isOwnNetwork(hostConfig) ? ownNetworkSysctls(linux.sysctl, record, facts) : {}),
        ...hostConfig.Sysctls,
      },
      ...(record.idMappings && { uidMappings: record.idMappings.uids, gidMappings: record.idMappings.gids }),
      ...(seccomp ? { seccomp } : {}),
      ...(masked && masked.length > 0 ? { maskedPaths: masked } : {}),
      ...(readonly && readonly.length > 0 ? { readonlyPaths: readonly } : {}),
    },
  };
}

/** @throws invalid `invalid CapAdd: unknown capability: "CAP_X"`. */
export function namedCapabilities(hostConfig: HostConfig): string[] {
  for (const field of ['CapAdd', 'CapDrop'] as const) {
    for (const name of hostConfig[field] ?? []) {
      try {
        adjustCapabilities({ add: [name] });
      } catch (cause) {
        const upper = name.toUpperCase();
        const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
        throw new PortholeError('invalid', `invalid ${field}: unknown capability: "${full}"`, { cause });
      }
    }
  }
  return adjustCapabilities({ add: hostConfig.CapAdd ?? [], drop: hostConfig.CapDrop ?? [] });
}

/** True when the container's network namespace is its own: its settings are then its own too. */
function isOwnNetwork(hostConfig: HostConfig): boolean {
  return hostConfig.NetworkMode !== 'host' && partnerOf(hostConfig.NetworkMode) === undefined;
}

/** Who shares a namespace of a container shares its user namespace too. */
function userNamespace({ idMappings, hostConfig }: StoredRecord, facts: SpecFacts): Namespace[] {
  if (idMappings === undefined) return [];
  const partner = sharedPartner(hostConfig);
  if (partner === undefined) return [{ type: 'user' }];
  return [{ type: 'user', path: `/proc/${facts.pidOf(partner.name, partner.type)}/ns/user` }];
}

/** The range of groups that may ping holds groups that a user namespace does not have. */
function ownNetworkSysctls(
  usual: Spec['linux']['sysctl'],
  { idMappings }: StoredRecord,
  { host }: SpecFacts,
): Spec['linux']['sysctl'] {
  if (idMappings === undefined && host.rootless === undefined) return usual;
  return Object.fromEntries(Object.entries(usual ?? {}).filter(([name]) => name !== 'net.ipv4.ping_group_range'));
}

function namespacesOf(defaults: readonly Namespace[], hostConfig: HostConfig, facts: SpecFacts): Namespace[] {
  const modes: Partial<Record<NamespaceType, string>> = {
    network: hostConfig.NetworkMode ?? '',
    pid: hostConfig.PidMode ?? '',
    ipc: hostConfig.IpcMode ?? '',
    uts: hostConfig.UTSMode ?? '',
  };
  const files: Partial<Record<NamespaceType, string>> = { network: 'net', pid: 'pid' };
  const found: Namespace[] = [];
  for (const { type } of defaults) {
    const mode = modes[type] ?? '';
    if (mode === 'host' || type === 'cgroup') continue; // cgroup is decided below, it is not on in every default
    const partner = partnerOf(mode);
    if (partner === undefined) found.push({ type });
    else found.push({ type, path: `/proc/${facts.pidOf(partner, type)}/ns/${files[type] ?? type}` });
  }
  const privateCgroup =
    hostConfig.CgroupnsMode === 'private' ||
    (!hostConfig.CgroupnsMode && defaults.some((each) => each.type === 'cgroup'));
  if (privateCgroup) found.push({ type: 'cgroup' });
  return found;
}

function mountsOf(defaults: readonly SpecMount[], record: StoredRecord, facts: SpecFacts): SpecMount[] {
  const { hostConfig, mounts } = record;
  const asked = specMounts(mounts, hostConfig);
  const taken = new Set(asked.map(({ destination }) => destination));
  const own: SpecMount[] = [];
  for (const mount of defaults) {
    if (taken.has(mount.destination)) continue;
    if (mount.destination === '/dev/shm') own.push(...shm(hostConfig, facts));
    else own.push(mount);
  }
  const files = [
    ['/etc/resolv.conf', record.resolvConfPath],
    ['/etc/hostname', record.hostnamePath],
    ['/etc/hosts', record.hostsPath],
  ] as const;
  const access = hostConfig.ReadonlyRootfs ? ['ro'] : [];
  const given = files
    .filter(([, source]) => source !== '')
    .map(([destination, source]) => ({ destination, type: 'bind', source, options: ['rbind', 'rprivate', ...access] }));
  const all = [...own, ...parentsFirst([...given, ...asked])];
  if (record.idMappings === undefined) return all;
  // What the engine made is the container's own; what the user binds belongs to whom it belongs.
  const engines = new Set([...files.map(([path]) => path), ...mounts.filter(isVolume).map((one) => one.Destination)]);
  return all.map((mount) =>
    mount.type === 'bind' && engines.has(mount.destination)
      ? { ...mount, options: [...(mount.options ?? []), 'idmap'] }
      : mount,
  );
}

/** Where dockerd puts its init; the shim's binary knows by this name what it is. */
const initPath = '/sbin/docker-init';

function initMount(source: string | undefined): SpecMount[] {
  if (source === undefined) return [];
  return [{ destination: initPath, type: 'bind', source, options: ['bind', 'ro', 'nosuid', 'nodev'] }];
}

const isVolume = (mount: StoredRecord['mounts'][number]): boolean => mount.Type === 'volume';

function shm(hostConfig: HostConfig, facts: SpecFacts): SpecMount[] {
  const partner = partnerOf(hostConfig.IpcMode);
  // The memory that goes with the other container's IPC namespace is in its mounts.
  if (partner) return [bindOf(`/proc/${facts.pidOf(partner, 'ipc')}/root/dev/shm`, '/dev/shm')];
  if (hostConfig.IpcMode === 'none') return [];
  if (hostConfig.IpcMode === 'host') return [bindOf('/dev/shm', '/dev/shm')];
  return [shmMount(hostConfig.ShmSize || defaultShmSize)];
}

function bindOf(source: string, destination: string): SpecMount {
  return { destination, type: 'bind', source, options: ['rbind', 'nosuid', 'noexec', 'nodev'] };
}

function rlimit(limit: { readonly Name: string; readonly Soft: number; readonly Hard: number }) {
  return { type: `RLIMIT_${limit.Name.toUpperCase()}`, soft: limit.Soft, hard: limit.Hard };
}

function consoleSize(record: StoredRecord) {
  const [height = 0, width = 0] = record.hostConfig.ConsoleSize ?? [];
  return record.config.Tty && height > 0 && width > 0 ? { consoleSize: { height, width } } : {};
}
