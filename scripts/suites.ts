import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leftBehind, takeSnapshot } from '../test/support/leaks.ts';
import { findChromium } from './browser.ts';
import { buildExtensionTests } from './bundles.ts';
import { endAgentAt } from './local-agent.ts';
import { packageExtension } from './package.ts';
import { cacheDir, root } from './paths.ts';
import { attempt } from './processes.ts';
import { type Outcome, runTwiceAtMost } from './second-look.ts';
import { findObstacles } from './start-options.ts';
import { type Counts, countsIn } from './suite-counts.ts';
import { runInVsCode } from './vscode.ts';

export interface Suite {
  readonly name: string;
  run(): Promise<Outcome>;
}

const steady = (counts: Counts): Outcome => ({ counts, unsteady: [] });

const skip = (reason: string): Counts => {
  console.log(`  skipped: ${reason}`);
  return { passed: 0, failed: 0, skipped: 1 };
};

/** A suite that drives a browser as one long story is run a second time as a whole when it failed. */
async function wholeTwiceAtMost(name: string, run: () => Promise<Counts>): Promise<Outcome> {
  const first = await run();
  if (first.failed === 0) return { counts: first, unsteady: [] };
  console.log(`\n  once more: ${name}`);
  const second = await run();
  return second.failed === 0 ? { counts: second, unsteady: [`the suite ${name}`] } : { counts: second, unsteady: [] };
}

/** Every suite, quick ones first. A suite is a process of its own, so that a leak has a name. */
export async function findSuites(): Promise<Suite[]> {
  const folders = [...(await testFiles())].sort(([a], [b]) => order(a) - order(b));
  return [
    { name: 'check', run: async () => steady(countsIn(await node(['scripts/run.mjs', 'check']))) },
    ...folders.map(([name, files]) => ({ name, run: () => runTwiceAtMost(files) })),
    { name: 'vscode', run: () => wholeTwiceAtMost('vscode', insideVsCode) },
    { name: 'smoke', run: () => wholeTwiceAtMost('smoke', smoke) },
  ];
}

/** Those that look at the code before those that run it, the longest last. */
const order = (folder: string): number =>
  ['architecture', 'support'].indexOf(folder) + 1 || (folder === 'conformance' ? 9 : 3);

/** Files of plain Mocha by folder: one level for most, one deeper for the agent and the extension. */
async function testFiles(): Promise<Map<string, string[]>> {
  const found = (await readdir(join(root, 'test'), { recursive: true })).filter((file) => file.endsWith('.test.ts'));
  const folders = new Map<string, string[]>();
  for (const file of found.sort()) {
    if (await needsVsCode(file)) continue;
    const [first = '', second = ''] = file.split('/');
    const isDeep = (first === 'agent' || first === 'extension') && !second.endsWith('.ts');
    const folder = isDeep ? `${first}/${second}` : first;
    folders.set(folder, [...(folders.get(folder) ?? []), `test/${file}`]);
  }
  return folders;
}

/** Tests that import `vscode` run in its extension host only. */
async function needsVsCode(file: string): Promise<boolean> {
  return /^import .* from .vscode.;$/m.test(await readFile(join(root, 'test', file), 'utf8'));
}

async function smoke(): Promise<Counts> {
  const obstacles = [...findObstacles(), ...(findChromium() === undefined ? ['Chromium is missing.'] : [])];
  if (obstacles.length > 0) return skip(obstacles.join(' '));
  return countsIn(await node(['scripts/run.mjs', 'start', '--smoke']));
}

async function insideVsCode(): Promise<Counts> {
  if (process.platform !== 'linux') return skip('the VS Code of npm is for Linux');
  if (findChromium() === undefined) return skip('Chromium is missing');
  const testsEntry = await buildExtensionTests();
  await packageExtension();
  const before = takeSnapshot();
  // The extension starts an agent when it is activated: not where a real one of this machine lives.
  const dir = await mkdtemp(join(tmpdir(), 'porthole-suite-home-'));
  const socket = join(dir, 'exec/porthole.sock');
  const lines: string[] = [];
  let counts: Counts;
  try {
    const code = await runInVsCode({
      extensionDir: root,
      testsEntry,
      folder: join(root, 'test'),
      env: {
        PORTHOLE_DATA_ROOT: join(dir, 'data'),
        PORTHOLE_EXEC_ROOT: join(dir, 'exec'),
        PORTHOLE_HOST_SOCKET: socket,
      },
      settings: { 'terminal.integrated.gpuAcceleration': 'off' },
      screenshot: join(cacheDir, 'vscode-suite-failed.png'),
      say: (line) => {
        lines.push(line);
        console.log(line);
      },
    });
    counts = countsIn({ code, output: lines.join('\n') });
  } finally {
    await endAgentAt(socket);
    await rm(dir, { recursive: true, force: true });
  }
  const left = await leftBehind(before);
  if (left.length > 0) console.log(`The suite left behind:\n  ${left.join('\n  ')}`);
  return left.length > 0 ? { ...counts, failed: counts.failed + 1 } : counts;
}

function node(args: readonly string[]): Promise<{ code: number; output: string }> {
  return attempt(process.execPath, args, { cwd: root });
}
