import { badVolume } from './errors.ts';

const allowed = '[a-zA-Z0-9][a-zA-Z0-9_.-]';

/** @throws invalid: the name becomes a directory's. */
export function checkVolumeName(name: string): void {
  if (name.length === 1) {
    throw badVolume(name, 'volume name is too short, names should be at least two alphanumeric characters');
  }
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name) && name.length < 256) return;
  throw badVolume(
    name,
    `"${name}" includes invalid characters for a local volume name, only "${allowed}" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}

const known = ['type', 'o', 'device', 'size'];
const needs: readonly (readonly [option: string, others: readonly string[]])[] = [
  ['device', ['type']],
  ['type', ['device']],
  ['o', ['device', 'type']],
];

/** The local driver's options. @throws invalid that names the first that cannot be. */
export function checkVolumeOptions(name: string, options: Readonly<Record<string, string>>): void {
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) throw badVolume(name, `invalid option: "${option}"`);
  }
  if (options['type'] === 'cifs' && /^(?:[a-z]+:)?\/\/[^/]*:\d+(?:\/|$)/i.test(options['device'] ?? '')) {
    throw badVolume(name, "port not allowed in CIFS device URL, include 'port' in 'o='");
  }
  const { size } = options;
  if (size !== undefined) {
    if (!/^\d+(\.\d+)? ?([kmgtp]i?)?b?$/i.test(size)) throw badVolume(name, `invalid size: '${size}'`);
    if (Number.parseFloat(size) > 0) throw badVolume(name, 'quota size requested but no quota support');
  }
  for (const [option, others] of needs) {
    const missing = option in options ? others.find((other) => !(other in options)) : undefined;
    if (missing !== undefined) throw badVolume(name, `missing required option: "${missing}"`);
  }
}

/** What has to be mounted for a volume, when its options ask for it. */
export interface VolumeMount {
  readonly type: string;
  readonly device: string;
  /** As in the option `o`. */
  readonly options: readonly string[];
}

export function volumeMount(options: Readonly<Record<string, string>> | undefined): VolumeMount | undefined {
  const { type = '', device = '', o = '' } = options ?? {};
  if (type === '' && device === '') return undefined;
  return { type, device, options: o.split(',').filter((option) => option !== '') };
}

/** The host of a network file system's `addr=`, when it is a name that has to be looked up. */
export function addressToResolve(mount: VolumeMount): string | undefined {
  if (mount.type !== 'nfs' && mount.type !== 'cifs') return undefined;
  const address = mount.options.find((option) => option.startsWith('addr='))?.slice('addr='.length);
  return address === undefined || address === '' || /^\d+(\.\d+){3}$/.test(address) ? undefined : address;
}
