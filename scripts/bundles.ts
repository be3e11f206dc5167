import { existsSync } from 'node:fs';
import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { distDir, root } from './paths.ts';

/** Shared by the bundles that Node runs. CommonJS has no import.meta: its three useful properties are given. */
const forNode: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
  define: {
    'import.meta.url': 'bundleUrl',
    'import.meta.filename': '__filename',
    'import.meta.dirname': '__dirname',
  },
};
const bundleUrl = "const bundleUrl = require('node:url').pathToFileURL(__filename).href;";

/**
 * src/agent -> dist/agent/porthole-agent.cjs: one executable file that needs nothing but Node.
 *
 * @param options.version what the agent says it is instead of the product's version
 */
export async function buildAgent(
  options: { readonly outfile?: string; readonly version?: string | undefined } = {},
): Promise<void> {
  const { outfile = join(distDir, 'agent/porthole-agent.cjs'), version = process.env['PORTHOLE_VERSION'] } = options;
  await build({
    ...forNode,
    define: { ...forNode.define, ...(version && { PORTHOLE_VERSION: JSON.stringify(version) }) },
    entryPoints: [join(root, 'src/agent/main.ts')],
    outfile,
    banner: { js: `#!/usr/bin/env node\n${bundleUrl}` },
    // Its digest names it on remote hosts: the same source must give the same bytes.
    sourcemap: false,
  });
  await chmod(outfile, 0o755);
}

/** src/extension -> dist/extension.cjs. */
export async function buildExtension(): Promise<void> {
  await build({
    ...forNode,
    entryPoints: [join(root, 'src/extension/extension.ts')],
    outfile: join(distDir, 'extension.cjs'),
    banner: { js: bundleUrl },
    external: ['vscode'],
    plugins: [withoutNativeParts, withoutSessions],
    // Half of the time that VS Code waits for the extension is spent on reading it.
    minify: true,
  });
}

/** webview/NAME/main.ts -> dist/webview/NAME.js and NAME.css; what several pages have in common goes into files of its own. */
export async function buildWebviews(): Promise<void> {
  await build({
    entryPoints: await pageEntries(),
    outdir: join(distDir, 'webview'),
    bundle: true,
    platform: 'browser',
    target: 'chrome120',
    format: 'esm',
    splitting: true,
    chunkNames: 'shared-[hash]',
    minify: true,
    sourcemap: true,
    logLevel: 'warning',
  });
}

/** Every folder of webview/ that is a page, by its name. */
export async function pageEntries(): Promise<Record<string, string>> {
  const folders = await readdir(join(root, 'webview'));
  const pages = folders.filter((name) => existsSync(join(root, 'webview', name, 'main.ts')));
  return Object.fromEntries(pages.map((name) => [name, join(root, 'webview', name, 'main.ts')]));
}

/** test/extension/ui -> out/test/extension-ui.cjs: the suite that runs inside VS Code. Its path. */
export async function buildExtensionTests(): Promise<string> {
  const outfile = join(root, 'out/test/extension-ui.cjs');
  await build({
    ...forNode,
    entryPoints: [join(root, 'test/extension/ui/index.ts')],
    outfile,
    banner: { js: bundleUrl },
    external: ['vscode', 'mocha'],
    plugins: [withoutNativeParts],
  });
  return outfile;
}

/** dockerode can give BuildKit its session, which takes gRPC: half a megabyte for what no command of ours asks for. */
const withoutSessions: Plugin = {
  name: 'without-sessions',
  setup(bundler) {
    bundler.onResolve({ filter: /^@grpc\/|^protobufjs$/ }, ({ path }) => ({ path, namespace: 'sessions' }));
    bundler.onLoad({ filter: /./, namespace: 'sessions' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** ssh2 tries two compiled modules and does without when they fail to load: here they always do. */
const withoutNativeParts: Plugin = {
  name: 'without-native-parts',
  setup(bundler) {
    bundler.onResolve({ filter: /^cpu-features$|\.node$/ }, ({ path }) => ({ path, namespace: 'native' }));
    bundler.onLoad({ filter: /./, namespace: 'native' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not part of the bundle`)});`,
    }));
  },
};
