import { PortholeError } from '../../base/errors.ts';
import type { Spec } from '../oci/runtime.ts';
import { invalidSpec, unsupportedSpec } from './errors.ts';
import type { CgroupV1 } from './facts.ts';

/** The cgroup above containers' cgroups, below the root of each hierarchy, where nobody asks for another. */
export const defaultCgroupParent = '/porthole';

/** A container's cgroup below the root of each hierarchy. @param parent as `cgroupParentOf` gives it */
export function containerCgroupPath(id: string, parent = defaultCgroupParent): string {
  return `${parent === '/' ? '' : parent}/${id}`;
}

/**
 * The parent that a user names, from the root of each hierarchy whether it begins with a slash or not, as Docker takes it.
 * @throws invalid when it does not stay below the root or is a slice, which only systemd may fill
 */
export function cgroupParentOf(asked: string): string {
  const parts = asked.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || asked.includes('\0')) throw invalidParent(asked, 'is not a cgroup below the root');
  if (parts.at(-1)?.endsWith('.slice')) {
    throw invalidParent(
      asked,
      'is a slice of systemd, and this engine makes its cgroups itself (cgroup driver cgroupfs)',
    );
  }
  return `/${parts.join('/')}`;
}

const invalidParent = (asked: string, why: string) =>
  new PortholeError('invalid', `invalid cgroup parent ${JSON.stringify(asked)}: it ${why}`);

/** The cgroup that a spec asks for, else the usual one. @throws invalid when it does not stay below the root */
export function cgroupPathOf(spec: Spec, id: string | undefined): string {
  const asked = spec.linux.cgroupsPath;
  if (asked === undefined || asked === '') {
    if (id === undefined) throw invalidSpec('linux.cgroupsPath', 'is missing, so the container’s cgroup is not known');
    return containerCgroupPath(id);
  }
  if (/^[^/]*:[^/]*:/.test(asked)) {
    throw unsupportedSpec('linux.cgroupsPath', `"${asked}" is a systemd name; only paths are supported`);
  }
  const parts = asked.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..')) {
    throw invalidSpec('linux.cgroupsPath', `"${asked}" is not a cgroup below the root`);
  }
  return `/${parts.join('/')}`;
}

/** Every cgroup between the root and a path, outermost first, the path itself excluded: /a/b/c gives /a and /a/b. */
export function ancestorsOf(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
}

/** Where a controller's hierarchy is mounted; undefined where this machine has none for it. */
export function hierarchyOf({ hierarchies }: CgroupV1, controller: string): string | undefined {
  return hierarchies.find((one) => one.controllers.includes(controller))?.root;
}
