import type { HostConfig, Mount } from '../../protocol/docker.ts';
import type { ApiMinor } from './api-version.ts';
import { badParameter } from './errors.ts';

/** Mounts as a client of this API version means them: what it cannot know is left out or refused, as dockerd does. */
export function mountsOfVersion(mounts: HostConfig['Mounts'], minor: ApiMinor): HostConfig['Mounts'] {
  return mounts?.map((mount) => mountOfVersion(mount, minor));
}

function mountOfVersion(mount: Mount, minor: ApiMinor): Mount {
  const { Type: type, BindOptions: bind, VolumeOptions: volume, TmpfsOptions: tmpfs, ...rest } = mount;
  if (minor < 44 && bind?.ReadOnlyForceRecursive) {
    throw badParameter('BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer');
  }
  if (minor < 45 && volume?.Subpath) throw badParameter('VolumeOptions.Subpath needs API v1.45 or newer');
  if (minor >= 42) refuseStrange(mount);
  // Nobody refused options of another type before 1.42.
  const mayHave = (own: string): boolean => minor >= 42 || type === own;
  return {
    ...rest,
    Type: type,
    ...(bind && {
      BindOptions: {
        ...bind,
        ...(minor < 40 && { NonRecursive: undefined }),
        ...(minor < 42 && { CreateMountpoint: undefined }),
        ...(minor < 44 && { ReadOnlyNonRecursive: undefined }),
      },
    }),
    ...(volume && mayHave('volume') && { VolumeOptions: volume }),
    ...(tmpfs && mayHave('tmpfs') && { TmpfsOptions: { ...tmpfs, ...(minor < 46 && { Options: undefined }) } }),
  };
}

function refuseStrange({ Type, VolumeOptions, BindOptions, TmpfsOptions }: Mount): void {
  const options = { volume: VolumeOptions, bind: BindOptions, tmpfs: TmpfsOptions };
  for (const [type, given] of Object.entries(options)) {
    if (!given || Type === type) continue;
    const name = `${type.charAt(0).toUpperCase()}${type.slice(1)}Options`;
    throw badParameter(`${name} must not be specified on mount type "${Type}"`);
  }
}

/** Before 1.44 a read-only mount left what is mounted below it writable. */
export const readOnlyNonRecursive = (minor: ApiMinor): boolean => minor < 44;
