import { constants, readdir } from 'node:fs/promises';
import { arch, release } from 'node:os';
import { errnoOf, PortholeError } from '../../base/errors.ts';
import { parseMap } from '../oci/id-mappings.ts';
import type { CgroupFacts, CgroupV1, HostFacts } from '../plan/facts.ts';
import { SeccompFilters } from '../plan/seccomp-filters.ts';
import { isThere, readIfThere } from './files.ts';
import { type MountInfo, readMounts } from './proc.ts';

const unsupportedCpu = (name: string) =>
  new PortholeError('unsupported', `Porthole runs on x64 and arm64, this machine is ${name}`);
const noCgroups = () =>
  new PortholeError('unsupported', 'no cgroup hierarchy is mounted, so nothing can be limited or measured');

/**
 * Reads what `compile` has to know about this machine. Nothing in it changes while the machine runs.
 * @param options.cgroupParent where containers' cgroups will be: when it is there already, it was delegated to us
 */
export async function readHostFacts(options: { readonly cgroupParent?: string } = {}): Promise<HostFacts> {
  const rootless = await readRootless();
  const [cgroup, lastCapability, features, processors, telltales] = await Promise.all([
    rootless ? readDelegatedCgroup(options.cgroupParent) : readCgroupFacts(options.cgroupParent),
    readIfThere('/proc/sys/kernel/cap_last_cap'),
    readFeatures(),
    readProcessors(),
    readTelltales(),
  ]);
  const [major = 0, minor = 0] = release().split(/[.-]/).map(Number);
  const cpu = { architecture: architecture() };
  return {
    ...cpu,
    kernel: { major, minor },
    lastCapability: Number(lastCapability ?? 37),
    cgroup,
    features,
    processors,
    telltales,
    ...(rootless && { rootless }),
    filters: new SeccompFilters(cpu),
  };
}

/** Undefined: we are the host's root. */
async function readRootless(): Promise<HostFacts['rootless']> {
  const [uids, gids, groups] = await Promise.all(
    ['uid_map', 'gid_map', 'setgroups'].map((file) => readIfThere(`/proc/self/${file}`)),
  );
  const mappings = { uids: parseMap(uids ?? ''), gids: parseMap(gids ?? '') };
  const isEveryone = mappings.uids.some(
    ({ containerID, hostID, size }) => containerID === hostID && size > 0xffff_fff0,
  );
  return isEveryone || mappings.uids.length === 0 ? undefined : { ...mappings, groups: groups?.trim() !== 'deny' };
}

/** Without root: a cgroup of v2 that was given to the user, or none at all. On v1 nothing is ever given to users. */
async function readDelegatedCgroup(parent: string | undefined): Promise<CgroupFacts> {
  const facts = await readCgroupFacts(parent).catch(() => undefined);
  const isOurs =
    facts?.version === 2 &&
    facts.delegated !== undefined &&
    (await isThere(`${facts.root}${facts.delegated}`, constants.W_OK)) &&
    (await isThere(`${facts.root}${facts.delegated}/cgroup.subtree_control`, constants.W_OK));
  return isOurs ? facts : { version: 1, hierarchies: [] };
}

/** The mounted cgroup hierarchies. A hybrid host has its controllers on v1 and counts as v1. */
async function readCgroupFacts(parent: string | undefined): Promise<CgroupFacts> {
  const mounts = await readMounts('self');
  const hierarchies: CgroupV1['hierarchies'][number][] = [];
  for (const mount of mounts) {
    // A mount whose root is not / is a container's view of its own cgroup, not the hierarchy.
    if (mount.type !== 'cgroup' || hierarchies.some((one) => sameControllers(one.controllers, mount))) continue;
    hierarchies.push({ root: mount.target, controllers: controllersOf(mount) });
  }
  if (hierarchies.some((one) => one.controllers.some((name) => !name.startsWith('name=')))) {
    return { version: 1, hierarchies };
  }
  const unified = mounts.find((mount) => mount.type === 'cgroup2');
  if (unified === undefined) throw noCgroups();
  const root = unified.target;
  const controllersAt = async (path: string): Promise<string[]> =>
    ((await readIfThere(`${root}${path}/cgroup.controllers`)) ?? '').split(/\s+/).filter((name) => name !== '');
  if (parent !== undefined && parent !== '/') {
    // One without controllers is what a crash left between two steps of ours.
    const controllers = await controllersAt(parent);
    if (controllers.length > 0) return { version: 2, root, controllers, delegated: parent };
  }
  return { version: 2, root, controllers: await controllersAt('') };
}

function architecture(): HostFacts['architecture'] {
  const name = arch();
  if (name !== 'x64' && name !== 'arm64') throw unsupportedCpu(name);
  return name;
}

/** Mount options of a v1 hierarchy's superblock that name no controller. */
const ordinaryOptions = new Set(['rw', 'ro', 'none', 'clone_children', 'noprefix', 'xattr', 'cpuset_v2_mode']);

function controllersOf(mount: MountInfo): string[] {
  return mount.superOptions.filter(
    (option) => !ordinaryOptions.has(option) && (option.startsWith('name=') || !option.includes('=')),
  );
}

function sameControllers(controllers: readonly string[], mount: MountInfo): boolean {
  return controllers.join() === controllersOf(mount).join();
}

async function readFeatures(): Promise<ReadonlySet<string>> {
  const probes: readonly (readonly [string, () => Promise<boolean>])[] = [
    ['mqueue', () => listed('/proc/filesystems', /\bmqueue$/m)],
    ['overlay', () => listed('/proc/filesystems', /\boverlay$/m)],
    ['seccomp', async () => (await readIfThere('/proc/self/status'))?.includes('\nSeccomp:') ?? false],
    ['apparmor', () => listed('/sys/module/apparmor/parameters/enabled', /^Y/)],
    // The profile that a Docker engine on this host has loaded; nobody else has.
    ['docker-default', () => listed('/sys/kernel/security/apparmor/profiles', /^docker-default /m)],
    ['selinux', () => isThere('/sys/fs/selinux/enforce')],
    ['keyring', () => isThere('/proc/keys')],
    ['cgroupns', () => isThere('/proc/self/ns/cgroup')],
    ['timens', () => isThere('/proc/self/ns/time')],
    ['userns', () => isThere('/proc/self/ns/user')],
  ];
  const found = await Promise.all(probes.map(async ([name, probe]) => ((await probe()) ? [name] : [])));
  return new Set(found.flat());
}

async function readProcessors(): Promise<{ cpus: string; mems: string }> {
  const [cpus, mems] = await Promise.all([
    readIfThere('/sys/devices/system/cpu/online'),
    readIfThere('/sys/devices/system/node/online'),
  ]);
  // A kernel without NUMA has no node directory and exactly one node.
  return { cpus: (cpus ?? '0').trim(), mems: (mems ?? '0').trim() };
}

/** How hot each processor has been tells others what it did (GHSA-6fw5-f8r9-fgfm). Not every machine has these files. */
async function readTelltales(): Promise<string[]> {
  const root = '/sys/devices/system/cpu';
  const names = await readdir(root).catch(() => []);
  const paths = names.filter((name) => /^cpu\d+$/.test(name)).map((name) => `${root}/${name}/thermal_throttle`);
  const there = await Promise.all(paths.map((path) => isThere(path)));
  return paths.filter((_, at) => there[at]);
}

async function listed(path: string, pattern: RegExp): Promise<boolean> {
  const text = await readIfThere(path).catch((failure: unknown) => {
    // AppArmor's profiles are for root to read.
    if (errnoOf(failure) === 'EACCES') return undefined;
    throw failure;
  });
  return pattern.test(text ?? '');
}
