import { posix } from 'node:path';

/** @param wrong makes the error of a path that nothing can be mounted on. */
export function checkedTarget(target: string, wrong: (why: string) => Error): string {
  if (target === '') throw wrong('field Target must not be empty');
  const normal = cleaned(target);
  if (normal === '/') throw wrong("invalid specification: destination can't be '/'");
  if (!posix.isAbsolute(target)) throw wrong(`invalid mount path: '${target}' mount path must be absolute`);
  return normal;
}

/** Without dots, double slashes and a slash at the end. */
export function cleaned(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/+$/, '');
}
