/** True for a directory and everything in it; both are absolute and without dots, double slashes or a slash at the end. */
export function isWithin(path: string, directory: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}
