import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Makes a directory that looks like dist/agent, with the stand-in inside. `mark` changes its digest. */
export async function makeFakeAgent(dir: string, mark = ''): Promise<string> {
  await build({
    entryPoints: [path.join(path.dirname(fileURLToPath(import.meta.url)), 'fake-agent.ts')],
    outfile: path.join(dir, 'porthole-agent.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    footer: { js: `// ${mark}` },
  });
  for (const cpu of ['x64', 'arm64']) await writeFile(path.join(dir, `shim-linux-${cpu}`), `not a shim, for ${cpu}\n`);
  return dir;
}
