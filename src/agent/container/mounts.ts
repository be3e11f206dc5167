import { posix } from 'node:path';
import type { ContainerConfig, HostConfig } from '../../protocol/docker.ts';
import type { SpecMount } from '../oci/runtime.ts';
import type { MountPoint } from './contract.ts';
import { invalid, notSupportedYet } from './errors.ts';

/** What a container's record keeps of one mount that the user or the image asked for. */
export interface WantedMount extends MountPoint {
  /** Mount options of the specification. */
  readonly options: readonly string[];
  /** `-v` makes a missing source directory, `--mount` refuses it. */
  readonly createSource: boolean;
}

const propagations = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
/** Modes that Docker takes and that mean nothing on this platform: SELinux labels and Mac caching. */
const withoutEffect = ['z', 'Z', 'consistent', 'cached', 'delegated', 'default', 'nocopy'];

/**
 * Binds, Mounts, Tmpfs and Volumes as one list, sorted by destination.
 * @param volume names the directory of an anonymous volume and its source on the host.
 * @throws invalid in Docker's words.
 */
export function wantedMounts(
  config: ContainerConfig,
  host: HostConfig,
  volume: () => { readonly name: string; readonly source: string },
): WantedMount[] {
  const found = new Map<string, WantedMount>();
  const add = (mount: WantedMount): void => {
    if (found.has(mount.Destination)) throw invalid(`Duplicate mount point: ${mount.Destination}`);
    found.set(mount.Destination, mount);
  };
  for (const bind of host.Binds ?? []) add(parseBind(bind, volume));
  for (const mount of host.Mounts ?? []) add(fromMount(mount));
  for (const [path, options] of Object.entries(host.Tmpfs ?? {})) add(tmpfs(path, options));
  for (const path of Object.keys(config.Volumes ?? {})) {
    // A bind over the place of an image's volume takes the volume's place.
    if (!found.has(cleaned(path))) add(anonymous(path, volume()));
  }
  return [...found.values()].sort((a, b) => (a.Destination < b.Destination ? -1 : 1));
}

/** The mounts as the specification has them, parents before what lies below them. */
export function specMounts(mounts: readonly WantedMount[]): SpecMount[] {
  return [...mounts]
    .sort((a, b) => depth(a.Destination) - depth(b.Destination))
    .map((mount) => ({
      destination: mount.Destination,
      type: mount.Type === 'tmpfs' ? 'tmpfs' : 'bind',
      source: mount.Type === 'tmpfs' ? 'tmpfs' : mount.Source,
      options: mount.options,
    }));
}

function parseBind(text: string, volume: () => { name: string; source: string }): WantedMount {
  const parts = text.split(':');
  const wrong = (why: string) => invalid(`invalid volume specification: '${text}'${why === '' ? '' : `: ${why}`}`);
  if (parts.length > 3 || parts.some((part) => part === '')) throw wrong('');
  if (parts.length === 1) return anonymous(parts[0] ?? '', volume());
  const [source = '', target = '', mode = ''] = parts;
  const modes = mode === '' ? [] : mode.split(',');
  for (const each of modes) {
    if (!['ro', 'rw', ...propagations, ...withoutEffect].includes(each)) throw invalid(`invalid mode: ${mode}`);
  }
  if (!posix.isAbsolute(source)) {
    if (source.startsWith('.') || source.includes('/')) {
      throw invalid(
        `create ${source}: "${source}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. ` +
          'If you intended to pass a host directory, use absolute path',
      );
    }
    throw notSupportedYet(`The named volume ${source}`);
  }
  const destination = checkedTarget(target, (why) => wrong(`invalid mount config for type "bind": ${why}`));
  const propagation = modes.find((each) => propagations.includes(each)) ?? 'rprivate';
  return bind({
    source,
    destination,
    mode,
    readOnly: modes.includes('ro'),
    propagation,
    recursive: true,
    create: true,
  });
}

type Mount = NonNullable<HostConfig['Mounts']>[number];

function fromMount(mount: Mount): WantedMount {
  const wrong = (why: string) => invalid(`invalid mount config for type "${mount.Type}": ${why}`);
  const destination = checkedTarget(mount.Target, wrong);
  if (mount.Type === 'tmpfs') {
    if (mount.Source) throw wrong('field Source must not be specified');
    const { SizeBytes: size = 0, Mode: mode = 0 } = mount.TmpfsOptions ?? {};
    const options = [
      ...(size > 0 ? [`size=${size}`] : []),
      ...(mode > 0 ? [`mode=${mode.toString(8)}`] : []),
      ...(mount.ReadOnly ? ['ro'] : []),
      ...(mount.TmpfsOptions?.Options ?? []).map((pair) => pair.join('=')),
    ];
    return tmpfs(destination, options.join(','));
  }
  if (mount.Type !== 'bind') throw notSupportedYet(`A mount of type ${mount.Type}`);
  const source = mount.Source ?? '';
  if (source === '') throw wrong('field Source must not be empty');
  if (!posix.isAbsolute(source)) throw wrong(`invalid mount path: '${source}' mount path must be absolute`);
  const propagation = mount.BindOptions?.Propagation || 'rprivate';
  if (!propagations.includes(propagation)) throw wrong(`invalid propagation mode: ${propagation}`);
  return bind({
    source,
    destination,
    mode: '',
    readOnly: mount.ReadOnly === true,
    propagation,
    recursive: mount.BindOptions?.NonRecursive !== true,
    create: mount.BindOptions?.CreateMountpoint === true,
  });
}

function bind(from: {
  source: string;
  destination: string;
  mode: string;
  readOnly: boolean;
  propagation: string;
  recursive: boolean;
  create: boolean;
}): WantedMount {
  return {
    Type: 'bind',
    Source: posix.normalize(from.source),
    Destination: from.destination,
    Mode: from.mode,
    RW: !from.readOnly,
    Propagation: from.propagation,
    options: [from.recursive ? 'rbind' : 'bind', ...(from.readOnly ? ['ro'] : []), from.propagation],
    createSource: from.create,
  };
}

function anonymous(path: string, volume: { name: string; source: string }): WantedMount {
  const destination = checkedTarget(path, (why) => invalid(`invalid mount config for type "volume": ${why}`));
  return {
    Type: 'volume',
    Name: volume.name,
    Source: volume.source,
    Destination: destination,
    Driver: 'local',
    Mode: '',
    RW: true,
    Propagation: '',
    options: ['rbind', 'rprivate'],
    createSource: false,
  };
}

const tmpfsFlags = [
  'exec',
  'noexec',
  'suid',
  'nosuid',
  'dev',
  'nodev',
  'ro',
  'rw',
  'sync',
  'async',
  'atime',
  'noatime',
  'diratime',
  'nodiratime',
  'relatime',
  'norelatime',
  'strictatime',
  'nostrictatime',
];
const tmpfsValues = ['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol'];

function tmpfs(path: string, text: string): WantedMount {
  const destination = checkedTarget(path, invalid);
  const given = text === '' ? [] : text.split(',');
  for (const option of given) {
    const name = option.split('=')[0] ?? '';
    const known = option.includes('=')
      ? tmpfsValues.includes(name)
      : tmpfsFlags.includes(option) || propagations.includes(option);
    if (!known) throw invalid(`invalid tmpfs option ["${option}"]`);
  }
  // Later options replace earlier ones of the same kind: exec replaces the default noexec.
  const merged = new Map<string, string>();
  for (const option of ['noexec', 'nosuid', 'nodev', 'rprivate', ...given]) merged.set(kindOf(option), option);
  return {
    Type: 'tmpfs',
    Source: '',
    Destination: destination,
    Mode: text,
    RW: merged.get('rw') !== 'ro',
    Propagation: '',
    options: [...merged.values()],
    createSource: false,
  };
}

function kindOf(option: string): string {
  if (propagations.includes(option)) return 'propagation';
  if (option === 'ro' || option === 'rw') return 'rw';
  return (option.split('=')[0] ?? '').replace(/^no(?!r?_)(?=exec|suid|dev|atime|diratime|relatime|strictatime)/, '');
}

function checkedTarget(target: string, wrong: (why: string) => Error): string {
  if (!posix.isAbsolute(target)) throw wrong(`invalid mount path: '${target}' mount path must be absolute`);
  const normal = cleaned(target);
  if (normal === '/') throw wrong("invalid specification: destination can't be '/'");
  return normal;
}

/** Without dots, double slashes and a slash at the end. */
export function cleaned(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/+$/, '');
}

function depth(path: string): number {
  return path.split('/').length;
}
