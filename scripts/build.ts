import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildAgent, buildExtension, buildWebviews } from './bundles.ts';
import { distDir } from './paths.ts';

/** What `npm run build` makes, each part below dist/. */
const parts: Readonly<Record<string, () => Promise<void>>> = {
  shim: async () => {
    const { buildShim } = await import('./build-shim.ts');
    await buildShim({ outDir: join(distDir, 'agent') });
  },
  agent: () => buildAgent(),
  extension: buildExtension,
  webview: buildWebviews,
};

/** Builds the named parts, all of them when none is named. `fresh` removes what an older build left. */
export async function buildAll({
  names = Object.keys(parts),
  fresh = false,
}: {
  names?: readonly string[];
  fresh?: boolean;
} = {}): Promise<void> {
  if (fresh) await rm(distDir, { recursive: true, force: true });
  await Promise.all(
    names.map(async (name) => {
      const part = parts[name];
      if (part === undefined) throw new Error(`No part ${name}: there are ${Object.keys(parts).join(', ')}`);
      const begun = Date.now();
      await part();
      console.log(`built ${name} in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    }),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const names = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
  try {
    await buildAll(names.length > 0 ? { names } : {});
  } catch (failure) {
    console.error(failure instanceof Error ? failure.message : failure);
    process.exitCode = 1;
  }
}
