import type { Spec } from '../oci/runtime.ts';
import { invalidSpec, unsupportedSpec } from './errors.ts';

/** The cgroup above all containers' cgroups, below the root of each hierarchy. */
export const cgroupParent = '/porthole';

/** A container's cgroup below the root of each hierarchy. */
export function containerCgroupPath(id: string): string {
  return `${cgroupParent}/${id}`;
}

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
