import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir } from './paths.ts';
import { run } from './processes.ts';

/** A real VS Code that needs no download server: all of it comes from the npm registry. */
export interface VsCodeInstall {
  /** The Node binary that this VS Code wants. */
  readonly node: string;
  /** Serves the whole UI, webviews included, to a browser. */
  readonly server: string;
  /** VS Code's own server, which knows how to run a test suite inside the extension host. */
  readonly serverMain: string;
}

/** code-server 4.x.y is VS Code 1.x.y. */
const codeServerVersion = '4.139.1';
/** The Node major that code-server's package.json asks for. */
const nodeVersion = '24.21.0';

/** Installs VS Code below `.cache` once; later calls only find it. About 20 s and 450 MB. */
export async function installVsCode(say: (line: string) => void): Promise<VsCodeInstall> {
  const root = join(cacheDir, `vscode-${codeServerVersion}-${process.arch}`);
  const nodePackage = `node-linux-${process.arch}`;
  const codeServer = join(root, 'node_modules/code-server');
  if (!existsSync(root)) {
    say(`Fetching VS Code 1.${codeServerVersion.slice(2)} from npm (once, about 100 MB) ...`);
    await mkdir(cacheDir, { recursive: true });
    const fresh = await mkdtemp(join(cacheDir, 'vscode-fetch-'));
    try {
      await writeFile(join(fresh, 'package.json'), '{ "private": true }\n');
      await npmInstall(fresh, [`code-server@${codeServerVersion}`, `${nodePackage}@${nodeVersion}`]);
      // The extension host's own modules come in a second package.json, which npm does not look into.
      await npmInstall(join(fresh, 'node_modules/code-server/lib/vscode'), []);
      await rename(fresh, root);
    } catch (failure) {
      await rm(fresh, { recursive: true, force: true });
      // Somebody else may have finished the same installation first: then theirs is as good.
      if (!existsSync(root)) throw failure;
    }
  }
  return {
    node: join(root, 'node_modules', nodePackage, 'bin/node'),
    server: join(codeServer, 'out/node/entry.js'),
    serverMain: join(codeServer, 'lib/vscode/out/server-main.js'),
  };
}

async function npmInstall(dir: string, packages: readonly string[]): Promise<void> {
  const flags = ['--omit=dev', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'];
  await run('npm', ['install', ...flags, ...packages], { cwd: dir, quiet: true });
}
