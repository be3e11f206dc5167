import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildAll } from './build.ts';
import { root } from './paths.ts';

/** What a user of the extension gets, besides package.json. */
const shipped = [
  ...['dist', 'l10n', 'media', 'package.nls.json', 'package.nls.zh-cn.json'],
  ...['README.md', 'CHANGELOG.md', 'LICENSE'],
];

/** Lays out/package/porthole.porthole-VERSION: the extension unpacked, as VS Code keeps it once installed. */
export async function packageExtension(): Promise<string> {
  const { scripts, devDependencies, dependencies, bin, ...manifest } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  );
  const dir = join(root, 'out/package', `${manifest.publisher}.${manifest.name}-${manifest.version}`);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  // Everything is bundled: an installed extension has no node_modules.
  await writeFile(join(dir, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  for (const name of shipped) {
    if (existsSync(join(root, name))) await cp(join(root, name), join(dir, name), { recursive: true });
  }
  return dir;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildAll({ fresh: true });
  console.log(await packageExtension());
}
