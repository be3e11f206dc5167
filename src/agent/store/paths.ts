/** What every path below `path` begins with. */
export const below = (path: string): string => (path === '' ? '' : `${path}/`);
