import { posix } from 'node:path';
import { isWithin } from '../../base/paths.ts';
import type { ContainerConfig, HostConfig, Mount } from '../../protocol/docker.ts';
import type { SpecMount } from '../oci/runtime.ts';
import type { MountPoint } from './contract.ts';
import { invalid } from './errors.ts';
import { parseMode, parseVolumesFrom, propagations } from './mount-modes.ts';
import { checkedTarget, cleaned } from './mount-target.ts';
import { tmpfsMounts, tmpfsOptions, tmpfsText } from './tmpfs-mounts.ts';

/** What a container's record keeps of one mount that the user or the image asked for. */
export interface WantedMount extends MountPoint {
  /** Mount options of the specification. */
  readonly options: readonly string[];
  /** `-v` makes a missing source directory, `--mount` refuses it. */
  readonly createSource: boolean;
  /** The propagation that the user asked for needs a source on such a mount. */
  readonly sourceMustBe?: 'shared' | 'shared or slave';
  /** A volume as this container asked for it; absent when it came with `--volumes-from`. */
  readonly volume?: VolumeWish;
  /** A volume that nobody named: it goes with the container when asked. */
  readonly anonymous?: boolean;
}

export interface VolumeWish {
  readonly driver: string;
  /** Filled from the image when it is empty. */
  readonly copies: boolean;
  /** Of the config's Volumes, which dockerd refuses over a file. */
  readonly isConfigured: boolean;
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface MountContext {
  readonly dataRoot: string;
  /** Read-only reaches what is mounted below too: the client expects it and the kernel can. */
  readonly recursiveReadOnly: boolean;
  /** False when the kernel has no mount_setattr(2): forcing it is refused. */
  readonly canRecurse: boolean;
  newVolumeName(): string;
  mountpointOf(volume: string): string;
  /** Mounts of another container. @throws not-found */
  mountsOf(container: string): readonly WantedMount[];
}

/**
 * VolumesFrom, Binds, Mounts and Volumes as one list, sorted by destination; a later one takes an earlier one's place, as
 * in dockerd.
 * @throws invalid in Docker's words.
 */
export function wantedMounts(config: ContainerConfig, host: HostConfig, context: MountContext): WantedMount[] {
  const found = new Map<string, WantedMount>();
  for (const text of host.VolumesFrom ?? []) {
    const { container, readOnly } = parseVolumesFrom(text);
    for (const mount of context.mountsOf(container)) found.set(mount.Destination, lent(mount, { readOnly }));
  }
  const taken = new Set(tmpfsMounts(host).map(({ destination }) => destination));
  const own = (mount: WantedMount): void => {
    if (taken.has(mount.Destination)) throw invalid(`Duplicate mount point: ${mount.Destination}`);
    taken.add(mount.Destination);
    found.set(mount.Destination, mount);
  };
  for (const bind of host.Binds ?? []) own(parseBind(bind, { ...context, driver: host.VolumeDriver ?? '' }));
  for (const mount of host.Mounts ?? []) own(fromMount(mount, context));
  for (const path of Object.keys(config.Volumes ?? {})) {
    const destination = checkedTarget(path, (why) => invalid(`invalid mount config for type "volume": ${why}`));
    // Whatever is mounted there takes the place of an image's volume.
    if (found.has(destination)) continue;
    const volume = { driver: host.VolumeDriver ?? '', copies: true, isConfigured: true };
    found.set(destination, volumeMount(context, { name: '', destination, mode: '', readOnly: false, volume }));
  }
  return [...found.values()].sort((a, b) => (a.Destination < b.Destination ? -1 : 1));
}

/** HostConfig.Mounts alone: dockerd looks at them before anything else of a container. @throws invalid */
export const mountsOfHost = ({ Mounts }: HostConfig, context: MountContext): WantedMount[] =>
  (Mounts ?? []).map((mount) => fromMount(mount, context));

/** The mounts as the specification has them, parents before what lies below them. */
export function specMounts(mounts: readonly WantedMount[], host: HostConfig): SpecMount[] {
  const tmpfs = tmpfsMounts(host);
  const covered = new Set(tmpfs.map(({ destination }) => destination));
  const asked = mounts
    .filter((mount) => !covered.has(mount.Destination))
    .map((mount) => ({
      destination: mount.Destination,
      type: mount.Type === 'tmpfs' ? 'tmpfs' : 'bind',
      source: mount.Type === 'tmpfs' ? 'tmpfs' : posix.join(mount.Source, mount.subpath ?? ''),
      options: mount.options,
    }));
  return parentsFirst([...asked, ...tmpfs]);
}

/** A mount hides what is mounted below its destination before it. */
export const parentsFirst = (mounts: readonly SpecMount[]): SpecMount[] =>
  mounts.toSorted((a, b) => depth(a.destination) - depth(b.destination));

/** What the root must be for a container to have mounts that follow the host's, or that the host follows. */
export function rootfsPropagation(mounts: readonly WantedMount[]): { readonly rootfsPropagation?: string } {
  if (mounts.some(({ sourceMustBe }) => sourceMustBe === 'shared')) return { rootfsPropagation: 'shared' };
  if (mounts.some(({ sourceMustBe }) => sourceMustBe !== undefined)) return { rootfsPropagation: 'rslave' };
  return {};
}

/** Another container's mount, as `--volumes-from` gives it on. */
function lent(mount: WantedMount, { readOnly }: { readonly readOnly: boolean }): WantedMount {
  const { volume: _, ...rest } = mount;
  const closes = readOnly && mount.RW;
  return { ...rest, Mode: '', ...(closes ? { RW: false, options: [...mount.options, 'ro'] } : {}) };
}

function parseBind(text: string, context: MountContext & { readonly driver: string }): WantedMount {
  const parts = text.split(':');
  const wrong = (why: string) => invalid(`invalid volume specification: '${text}'${why === '' ? '' : `: ${why}`}`);
  const [first = '', second = '', mode = ''] = parts;
  if (first === '' || parts.length > 3) throw wrong('');
  // A destination with a mode and no source is none: '/foo:ro'.
  if (parts.length === 2 && parseMode(second)) throw wrong('');
  const parsed = parseMode(mode);
  if (!parsed) throw invalid(`invalid mode: ${mode}`);
  const [source, target] = parts.length === 1 ? ['', first] : [first, second];
  const type = posix.isAbsolute(source) ? 'bind' : 'volume';
  const wrongMount = (why: string) => wrong(`invalid mount config for type "${type}": ${why}`);
  const destination = checkedTarget(target, wrongMount);
  const { readOnly, propagation } = parsed;
  if (type === 'volume') {
    if (propagation !== undefined) throw wrongMount('field BindOptions must not be specified');
    const volume = { driver: context.driver, copies: !parsed.noCopy, isConfigured: false };
    return volumeMount(context, { name: source, destination, mode: mode || 'z', readOnly, volume });
  }
  return bind(context, { source, destination, mode, readOnly, propagation, recursive: true, create: true });
}

function fromMount(mount: Mount, context: MountContext): WantedMount {
  const wrong = (why: string) => invalid(`invalid mount config for type "${mount.Type}": ${why}`);
  const destination = checkedTarget(mount.Target, wrong);
  const readOnly = mount.ReadOnly === true;
  if (mount.BindOptions && mount.Type !== 'bind') throw wrong('field BindOptions must not be specified');
  if (mount.Type === 'tmpfs') {
    if (mount.Source) throw wrong('field Source must not be specified');
    const options = tmpfsOptions(tmpfsText(mount.TmpfsOptions, readOnly, wrong));
    const empty = { Source: '', Mode: '', Propagation: '', createSource: false };
    return { Type: 'tmpfs', ...empty, Destination: destination, RW: !readOnly, options };
  }
  if (mount.Type === 'volume') return fromVolumeMount(mount, { ...context, destination, wrong });
  if (mount.Type !== 'bind') throw wrong('mount type unknown');
  const source = mount.Source ?? '';
  if (source === '') throw wrong('field Source must not be empty');
  const { Propagation: asked = '', NonRecursive, CreateMountpoint } = mount.BindOptions ?? {};
  if (asked !== '' && !propagations.includes(asked)) throw wrong(`invalid propagation mode: ${asked}`);
  if (mount.VolumeOptions) throw wrong('field VolumeOptions must not be specified');
  if (!posix.isAbsolute(source)) throw wrong(`invalid mount path: '${source}' mount path must be absolute`);
  return bind(forReadOnly(mount, context), {
    source,
    destination,
    mode: '',
    readOnly,
    propagation: asked === '' ? undefined : asked,
    recursive: NonRecursive !== true,
    create: CreateMountpoint === true,
  });
}

function forReadOnly(mount: Mount, context: MountContext): MountContext {
  const { ReadOnlyNonRecursive: never = false, ReadOnlyForceRecursive: always = false } = mount.BindOptions ?? {};
  if (!mount.ReadOnly) return context;
  if (never && always) throw invalid('mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive');
  if (always && !context.canRecurse) {
    throw invalid('recursively read-only mounts need Linux 5.12 or newer (ReadOnlyForceRecursive)');
  }
  return { ...context, recursiveReadOnly: always || (context.recursiveReadOnly && !never) };
}

function fromVolumeMount(
  mount: Mount,
  context: MountContext & { readonly destination: string; wrong(why: string): Error },
): WantedMount {
  const { destination, wrong } = context;
  const name = mount.Source ?? '';
  const { Subpath: subpath = '', NoCopy, Labels, DriverConfig } = mount.VolumeOptions ?? {};
  if (subpath !== '' && name === '') throw wrong('must not set Subpath when using anonymous volumes');
  if (subpath !== '' && (posix.isAbsolute(subpath) || /^\.\.(\/|$)/.test(posix.normalize(subpath)))) {
    throw wrong('subpath must be a relative path within the volume');
  }
  const readOnly = mount.ReadOnly === true;
  if (readOnly && name === '') throw wrong('must not set ReadOnly mode when using anonymous volumes');
  const wanted = volumeMount(context, {
    name,
    destination,
    mode: 'z',
    readOnly,
    volume: {
      driver: DriverConfig?.Name ?? '',
      copies: NoCopy !== true,
      isConfigured: false,
      ...(DriverConfig?.Options && { options: DriverConfig.Options }),
      ...(Labels && { labels: Labels }),
    },
  });
  return subpath === '' ? wanted : { ...wanted, subpath: posix.normalize(subpath) };
}

function bind(
  context: MountContext,
  from: {
    readonly source: string;
    readonly destination: string;
    readonly mode: string;
    readonly readOnly: boolean;
    readonly propagation: string | undefined;
    readonly recursive: boolean;
    readonly create: boolean;
  },
): WantedMount {
  const source = cleaned(from.source);
  const { propagation: asked } = from;
  const propagation = asked ?? (touchesRoot(source, context.dataRoot) ? 'rslave' : 'rprivate');
  if (asked !== undefined) checkRoot(source, asked, context.dataRoot);
  return {
    Type: 'bind',
    Source: source,
    Destination: from.destination,
    Mode: from.mode,
    RW: !from.readOnly,
    Propagation: propagation,
    options: [from.recursive ? 'rbind' : 'bind', ...access(from.readOnly, context), propagation],
    createSource: from.create,
    ...(asked !== undefined && /shared$/.test(asked) && { sourceMustBe: 'shared' }),
    ...(asked !== undefined && /slave$/.test(asked) && { sourceMustBe: 'shared or slave' }),
  };
}

/** What is mounted below the engine's own directory must not be kept there by a container that sees it. */
function touchesRoot(source: string, dataRoot: string): boolean {
  return isWithin(source, dataRoot) || isWithin(dataRoot, source);
}

function checkRoot(source: string, propagation: string, dataRoot: string): void {
  if (!touchesRoot(source, dataRoot) || ['rslave', 'rshared'].includes(propagation)) return;
  throw invalid(
    'invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, ' +
      `daemon root: "${dataRoot}", bind mount source: "${source}", propagation: "${propagation}"`,
  );
}

function volumeMount(
  context: MountContext,
  from: {
    readonly name: string;
    readonly destination: string;
    readonly mode: string;
    readonly readOnly: boolean;
    readonly volume: VolumeWish;
  },
): WantedMount {
  const name = from.name === '' ? context.newVolumeName() : from.name;
  return {
    Type: 'volume',
    Name: name,
    Source: context.mountpointOf(name),
    Destination: from.destination,
    Driver: from.volume.driver || 'local',
    Mode: from.mode,
    RW: !from.readOnly,
    Propagation: '',
    options: ['rbind', ...access(from.readOnly, context), 'rprivate'],
    createSource: false,
    volume: from.volume,
    anonymous: from.name === '',
  };
}

function access(readOnly: boolean, context: MountContext): string[] {
  if (!readOnly) return [];
  return [context.recursiveReadOnly ? 'rro' : 'ro'];
}

function depth(path: string): number {
  return path.split('/').length;
}
