// Plain JavaScript on purpose: this file must run on a fresh clone, where nothing is installed yet.
// Usage: node scripts/run.mjs NAME [arguments]: installs what package-lock.json says when needed, then runs scripts/NAME.ts.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const scripts = dirname(fileURLToPath(import.meta.url));
const root = dirname(scripts);
const [name = '', ...rest] = process.argv.slice(2);

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Porthole needs Node 20.19 or newer; this is Node ${process.versions.node}.`);
}
if (!existsSync(join(scripts, `${name}.ts`))) fail(`There is no scripts/${name}.ts`);

install();
const { register } = await import('tsx/esm/api');
register();
// The script sees the arguments as if it had been started directly.
process.argv = [process.argv[0] ?? 'node', join(scripts, `${name}.ts`), ...rest];
await import(pathToFileURL(join(scripts, `${name}.ts`)).href);

function install() {
  if (isInstalled()) return;
  console.log('Installing the packages of package-lock.json (npm ci) ...');
  // No package here needs its install script: native parts come as packages of their own, ssh2's are optional.
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (npm.error) fail(`npm cannot be run: ${npm.error.message}`);
  if (npm.status !== 0) fail('npm ci failed; see above.');
}

// npm leaves a copy of the lock file with what it really installed. Times say nothing: a git checkout changes them.
function isInstalled() {
  const installed = packagesOf(join(root, 'node_modules/.package-lock.json'));
  const wanted = packagesOf(join(root, 'package-lock.json'));
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {};
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
