import { randomBytes, randomInt } from 'node:crypto';
import { chmod, chown, mkdir, rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, posix } from 'node:path';
import { errnoOf, isKind, messageOf, PortholeError } from '../../base/errors.ts';
import { CleanupStack } from '../../base/lifetime.ts';
import type { ContainerConfig, HostConfig } from '../../protocol/docker.ts';
import { defaultShmSize } from '../oci/defaults.ts';
import { cgroupParentOf, containerCgroupPath } from '../plan/cgroup-path.ts';
import { atLeast } from '../plan/mounts.ts';
import { removeTrees } from '../shim/remove-tree.ts';
import type { ImageRecord } from '../store/contract.ts';
import { syncDirectory } from '../sys/durable.ts';
import { newVolumeName } from '../volume/local-volumes.ts';
import { checkSource, replaceFile, specPath } from './bundle.ts';
import { Container } from './container.ts';
import type { CreateOptions } from './contract.ts';
import { announce, containersRoot, type Engine } from './engine.ts';
import { invalid } from './errors.ts';
import { checkHealthcheck } from './health.ts';
import { checkedLimits } from './limits.ts';
import { checkLogConfig, withLogDefaults } from './log-options.ts';
import { mergeConfig, programOf } from './merge.ts';
import { checkedModes, partnerOf } from './modes.ts';
import { cleaned } from './mount-target.ts';
import { mountsOfHost, type WantedMount, wantedMounts } from './mounts.ts';
import { checkName, randomName } from './names.ts';
import { extraHosts, writeNetworkFiles } from './network-files.ts';
import { never, noOom, type StoredRecord, saveFirstRecord, timestamp } from './record.ts';
import { readSecurityOptions } from './security.ts';
import { signalNumber } from './signals.ts';
import { namedCapabilities } from './spec.ts';
import { specAtStart } from './start.ts';
import { refuseUnsupported } from './supported.ts';
import { takeMappings } from './userns.ts';
import { fillVolumes, makeVolumes, releaseVolumes, volumeMounts } from './volumes.ts';
import { refuseWithoutRoot } from './without-root.ts';

/** A directory with this prefix below DATA_ROOT/containers is not finished: start-up removes what a crash left. */
export const unfinishedPrefix = '.new-';

export async function create(engine: Engine, options: CreateOptions): Promise<{ id: string; warnings: string[] }> {
  await engine.images.refresh();
  const image = engine.images.get(options.config.Image ?? '');
  const id = options.id ?? randomBytes(32).toString('hex');
  const { hostConfig, warnings } = checkedLimits(options.hostConfig, engine.host, { update: false });
  // Removed from here on, the image stays for this container as for one that is there.
  const letGo = engine.images.hold(image.id, id);
  try {
    return await createFrom(engine, { ...options, hostConfig, id, image, warnings });
  } finally {
    letGo();
  }
}

async function createFrom(
  engine: Engine,
  options: CreateOptions & { readonly id: string; readonly image: ImageRecord; readonly warnings: readonly string[] },
): Promise<{ id: string; warnings: string[] }> {
  const { id, warnings } = options;
  const draft = await draftRecord(engine, options);
  const undo = new CleanupStack();
  try {
    const name = takeName(engine, options.name, id);
    undo.push(() => engine.registry.release(name, id));
    const ids = takeMappings(engine, options.hostConfig);
    undo.push(() => ids.release());
    const record: StoredRecord = { ...draft, name, ...(ids.mappings && { idMappings: ids.mappings }) };
    const container = new Container(record, directoriesOf(engine, id));
    const unfinished = join(containersRoot(engine), `${unfinishedPrefix}${id}`);
    undo.push(() => removeTrees(engine, [unfinished]));
    undo.push(() => releaseVolumes(engine, record, { remove: true }));
    await makeVolumes(engine, record);
    await fillDirectory(engine, container, unfinished);
    await rename(unfinished, record.bundle);
    undo.push(() => removeTrees(engine, [record.bundle]));
    await syncDirectory(containersRoot(engine));
    undo.release();
    engine.registry.add(container);
    ids.release();
    announce(engine, container, 'create');
    engine.history.add(record, { event: 'created', image: record.image, imageId: record.imageId });
    return { id, warnings: [...warnings, ...warningsOf(record)] };
  } catch (failure) {
    return undo.unwind(explained(failure));
  }
}

function explained(failure: unknown): unknown {
  if (errnoOf(failure) !== 'ENOSPC' && errnoOf(failure) !== 'EDQUOT') return failure;
  return new PortholeError('unavailable', `no space left for a container: ${messageOf(failure)}`, { cause: failure });
}

export function directoriesOf(engine: Engine, id: string): { readonly directory: string; readonly runtime: string } {
  return { directory: join(containersRoot(engine), id), runtime: join(engine.execRoot, 'containers', id) };
}

/** Everything that can be wrong is found here, before anything is made. */
export async function draftRecord(
  engine: Engine,
  options: CreateOptions & { readonly id: string; readonly image: ImageRecord },
): Promise<Omit<StoredRecord, 'name'>> {
  const { id, image } = options;
  const hostConfig = checkedModes(options.config, options.hostConfig, (name) => partnerId(engine, name));
  refuseWithoutRoot(hostConfig, engine.host);
  refuseUnsupported(options.config, hostConfig);
  const { architecture, kernel, features } = engine.host;
  readSecurityOptions(hostConfig.SecurityOpt ?? [], {
    capabilities: namedCapabilities(hostConfig),
    architecture,
    kernel,
    features,
  });
  extraHosts(hostConfig);
  const merged = mergeConfig(options.config, image.config.config ?? {});
  const LogConfig = withLogDefaults(hostConfig.LogConfig, engine.defaults?.logConfig);
  checkLogConfig(LogConfig);
  checkHealthcheck(merged.Healthcheck);
  if (merged.StopSignal) signalNumber(merged.StopSignal);
  const canRecurse = atLeast(engine.host, 5, 12);
  const mounting = {
    dataRoot: engine.dataRoot,
    recursiveReadOnly: canRecurse && options.readOnlyNonRecursive !== true,
    canRecurse,
    newVolumeName,
    mountpointOf: (name: string) => engine.volumes.mountpointOf(name),
    mountsOf: (name: string) => lenderOf(engine, name).record.mounts,
  };
  // In dockerd's order: of two things that are wrong both engines name the same.
  await checkSources(mountsOfHost(hostConfig, mounting));
  const WorkingDir = checkedWorkingDir(merged.WorkingDir ?? '');
  const [path, ...args] = programOf(merged);
  const config: ContainerConfig = {
    ...merged,
    WorkingDir,
    Hostname: merged.Hostname || nameOfHost(engine, hostConfig) || id.slice(0, 12),
  };
  const { directory } = directoriesOf(engine, id);
  const mounts = wantedMounts(config, hostConfig, mounting);
  for (const { Name, volume } of volumeMounts({ mounts })) {
    if (volume) engine.volumes.check({ ...volume, name: Name });
  }
  await checkSources(mounts);
  const ownFile = (destination: string, name: string) =>
    mounts.some((mount) => mount.Destination === destination) ? '' : join(directory, name);
  return {
    version: 1,
    cgroupPath: containerCgroupPath(id, parentOf(engine, hostConfig)),
    id,
    created: timestamp(Date.now()),
    image: options.config.Image ?? '',
    imageId: image.id,
    path,
    args,
    config,
    hostConfig: normalized(engine, hostConfig, LogConfig),
    state: { status: 'created', pid: 0, exitCode: 0, oomKilled: false, error: '', startedAt: never, finishedAt: never },
    restartCount: 0,
    logPath: join(directory, 'log'),
    bundle: directory,
    mounts,
    hostnamePath: ownFile('/etc/hostname', 'hostname'),
    hostsPath: ownFile('/etc/hosts', 'hosts'),
    resolvConfPath: ownFile('/etc/resolv.conf', 'resolv.conf'),
    manuallyStopped: false,
    oom: noOom,
    after: [],
    startTicks: '',
  };
}

async function checkSources(mounts: readonly WantedMount[]): Promise<void> {
  for (const { Type, Source, createSource } of mounts) {
    if (Type === 'bind' && !createSource) await checkSource(Source);
  }
}

/** Where the network is another's, so is the name in it; '' where it is its own. */
function nameOfHost(engine: Engine, { NetworkMode: mode = '' }: HostConfig): string {
  if (mode === 'host') return hostname();
  const partner = partnerOf(mode);
  if (partner === undefined) return '';
  try {
    return engine.registry.find(partner).record.config.Hostname ?? '';
  } catch (failure) {
    // It may come before the start does.
    if (isKind(failure, 'not-found')) return '';
    throw failure;
  }
}

/** A lender that is not there is a bad request: a client takes not-found for the image's, and pulls that. */
function lenderOf(engine: Engine, name: string): Container {
  try {
    return engine.registry.find(name);
  } catch (failure) {
    if (isKind(failure, 'not-found')) throw invalid(failure.message);
    throw failure;
  }
}

function parentOf(engine: Engine, { CgroupParent: asked }: HostConfig): string | undefined {
  return asked ? cgroupParentOf(asked) : engine.cgroupParent;
}

function checkedWorkingDir(given: string): string {
  if (given === '') return '';
  if (!posix.isAbsolute(given)) {
    throw invalid(`the working directory '${given}' is invalid, it needs to be an absolute path`);
  }
  return cleaned(given);
}

/** A partner that is not there makes the request bad, as in dockerd: what was asked for itself is not missing. */
function partnerId(engine: Engine, name: string): string {
  try {
    return engine.registry.find(name).id;
  } catch (failure) {
    throw isKind(failure, 'not-found') ? invalid(failure.message) : failure;
  }
}

/** Docker shows this where the container sees so much of the host that labels would only be in the way. */
function impliedOptions({ SecurityOpt, Privileged, IpcMode, PidMode }: HostConfig): Pick<HostConfig, 'SecurityOpt'> {
  if (SecurityOpt?.length) return {};
  return Privileged || IpcMode === 'host' || PidMode === 'host' ? { SecurityOpt: ['label=disable'] } : {};
}

/** What inspect shows where the user left a choice to the engine. */
function normalized(engine: Engine, hostConfig: HostConfig, LogConfig: HostConfig['LogConfig']): HostConfig {
  return {
    ...hostConfig,
    LogConfig,
    NetworkMode: hostConfig.NetworkMode || 'default',
    IpcMode: hostConfig.IpcMode || 'private',
    CgroupnsMode:
      hostConfig.CgroupnsMode || (engine.host.cgroup.version === 2 && !hostConfig.Privileged ? 'private' : 'host'),
    ...impliedOptions(hostConfig),
    ShmSize: hostConfig.ShmSize || defaultShmSize,
    // 0 and all below mean that there is no limit, which Docker shows as none.
    PidsLimit: (hostConfig.PidsLimit ?? 0) > 0 ? hostConfig.PidsLimit : undefined,
    ...(hostConfig.MemorySwappiness === -1 && { MemorySwappiness: undefined }),
    RestartPolicy: {
      Name: hostConfig.RestartPolicy?.Name || 'no',
      MaximumRetryCount: hostConfig.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    ...((hostConfig.Memory ?? 0) > 0 && !hostConfig.MemorySwap ? { MemorySwap: (hostConfig.Memory ?? 0) * 2 } : {}),
  };
}

function takeName(engine: Engine, given: string | undefined, id: string): string {
  if (given) {
    const name = checkName(given);
    engine.registry.reserve(name, id);
    return name;
  }
  for (let tries = 0; ; tries++) {
    const name = randomName(randomInt, { numbered: tries > 4 });
    if (engine.registry.isTaken(name) && tries < 1000) continue;
    engine.registry.reserve(name, id);
    return name;
  }
}

async function fillDirectory(engine: Engine, container: Container, directory: string): Promise<void> {
  const { record } = container;
  const upper = join(directory, 'upper');
  await mkdir(directory, { mode: 0o710 });
  await Promise.all([
    mkdir(join(directory, 'rootfs'), { mode: 0o755 }),
    mkdir(join(directory, 'work'), { mode: 0o700 }),
    makeUpper(engine, record.imageId, upper),
    engine.images.ensureInit(record.imageId),
    writeNetworkFiles(directory, {
      hostname: record.config.Hostname ?? '',
      config: record.hostConfig,
    }),
    fillVolumes(engine, record),
    writeFirstSpec(engine, container, directory),
    saveFirstRecord(directory, record),
  ]);
  await syncDirectory(directory);
}

/**
 * The directory is an OCI bundle from the beginning. What only a start can find wrong (a user that is not there, a partner
 * that does not run) the start will say: there is no spec until then.
 */
async function writeFirstSpec(engine: Engine, container: Container, directory: string): Promise<void> {
  const spec = await specAtStart(engine, container).catch((failure: unknown) => {
    if (failure instanceof PortholeError) return undefined;
    throw failure;
  });
  if (spec) await replaceFile(specPath(directory), JSON.stringify(spec, undefined, 1));
}

/** The root directory of the container is the upper one: it takes after the image's. */
async function makeUpper(engine: Engine, imageId: string, path: string): Promise<void> {
  const root = await engine.images.lookup(imageId, '');
  await mkdir(path, { mode: 0o755 });
  if (root) {
    await chown(path, root.uid, root.gid);
    await chmod(path, root.mode);
  }
}

export function warningsOf(record: StoredRecord): string[] {
  const warnings: string[] = [];
  if (['', 'default', 'bridge'].includes(record.hostConfig.NetworkMode ?? '')) {
    warnings.push(
      'The bridge network is not supported yet: the container has a network namespace of its own with loopback only.',
    );
  }
  return warnings;
}
