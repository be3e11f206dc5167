import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './paths.ts';

/** The parts of a package-lock.json that matter here. */
interface Lock {
  readonly packages: Record<string, LockedPackage>;
}

interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Optional packages that a lock file forgets, as `name@version`. npm leaves out those that the registry of the machine
 * did not have, and then `npm ci` refuses the file everywhere.
 */
export function forgotten({ packages }: Lock): { path: string; version: string; dev: boolean }[] {
  return Object.entries(packages).flatMap(([parent, { optionalDependencies = {}, dev = false }]) =>
    Object.entries(optionalDependencies)
      .filter(([, version]) => /^\d+\.\d+\.\d+/.test(version))
      .map(([name, version]) => ({
        path: `node_modules/${name}`,
        version,
        dev,
        nested: `${parent}/node_modules/${name}`,
      }))
      .filter(({ path, nested }) => packages[path] === undefined && packages[nested] === undefined)
      .map(({ path, version }) => ({ path, version, dev })),
  );
}

/** Adds them for the platform in their name, which is what npm would have written but for the checksum. */
function completed(lock: Lock): Lock {
  const packages = { ...lock.packages };
  for (const { path, version, dev } of forgotten(lock)) {
    const [, os = '', cpu = ''] =
      /[-/](android|darwin|linux|win32|freebsd|openbsd|netbsd|sunos|aix)-([a-z0-9]+)/.exec(path) ?? [];
    if (os === '') throw new Error(`${path}: no platform in its name; run npm install against npm’s own registry`);
    packages[path] = { version, cpu: [cpu], ...(dev ? { dev } : {}), optional: true, os: [os] };
  }
  const [rootEntry, ...rest] = Object.entries(packages);
  const sorted = rest.sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...lock, packages: Object.fromEntries(rootEntry ? [rootEntry, ...sorted] : sorted) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = join(root, 'package-lock.json');
  const lock: Lock = JSON.parse(await readFile(file, 'utf8'));
  for (const { path, version } of forgotten(lock)) console.log(`added ${path}@${version}`);
  await writeFile(file, `${JSON.stringify(completed(lock), undefined, 2)}\n`);
}
