import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { leftBehind, takeSnapshot } from '../test/support/leaks.ts';
import { findChromium } from './browser.ts';
import { buildExtensionTests } from './bundles.ts';
import { endAgentAt } from './local-agent.ts';
import { packageExtension } from './package.ts';
import { cacheDir, root } from './paths.ts';
import { attempt } from './processes.ts';
import { findObstacles } from './start-options.ts';
import { runInVsCode } from './vscode.ts';

/** How a suite went. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface Suite {
  readonly name: string;
  run(): Promise<Counts>;
}

const skip = (reason: string): Counts => {
  console.log(`  skipped: ${reason}`);
  return { passed: 0, failed: 0, skipped: 1 };
};

/** Every suite, quick ones first. A suite is a process of its own, so that a leak has a name. */
export async function findSuites(): Promise<Suite[]> {
  const folders = [...(await testFiles())].sort(([a], [b]) => order(a) - order(b));
  return [
    { name: 'check', run: async () => countsIn(await node(['scripts/run.mjs', 'check'])) },
    ...folders.map(([name, files]) => ({ name, run: () => mocha(files) })),
    { name: 'vscode', run: insideVsCode },
    { name: 'smoke', run: smoke },
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

async function mocha(files: readonly string[]): Promise<Counts> {
  const flags = ['--require', './test/support/leaks.ts', '--forbid-only'];
  return countsIn(await node(['node_modules/mocha/bin/mocha.js', ...flags, ...files]));
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

/** Reads Mocha's summary, or a last line `N passed, N failed, N skipped`. A bad end without a failed test is a failure. */
export function countsIn({ code, output }: { code: number; output: string }): Counts {
  const plain = stripVTControlCharacters(output);
  const last = [...plain.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1);
  const counts = last
    ? { passed: Number(last[1]), failed: Number(last[2]), skipped: Number(last[3]) }
    : { passed: summary(plain, 'passing'), failed: summary(plain, 'failing'), skipped: summary(plain, 'pending') };
  if (code !== 0 && counts.failed === 0) return { ...counts, failed: 1 };
  if (code === 0 && counts.passed + counts.skipped === 0) return { ...counts, failed: 1 };
  return counts;
}

const summary = (text: string, word: string): number =>
  [...text.matchAll(new RegExp(`^\\s*(\\d+) ${word}\\b`, 'gm'))].reduce((sum, [, count]) => sum + Number(count), 0);
