import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { leftBehind, takeSnapshot } from '../test/support/leaks.ts';
import { findChromium } from './browser.ts';
import { buildExtensionTests } from './bundles.ts';
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
  const folders = await testFolders();
  return [
    { name: 'check', run: async () => countsIn(await node(['scripts/run.mjs', 'check'])) },
    ...folders.map((folder) => ({ name: folder.replace(/^test\//, ''), run: () => mocha(folder) })),
    { name: 'vscode', run: insideVsCode },
    { name: 'smoke', run: smoke },
  ];
}

/** Folders that hold `*.test.ts` files of plain Mocha: one level for most, one deeper for the agent and the extension. */
async function testFolders(): Promise<string[]> {
  const files = (await readdir(join(root, 'test'), { recursive: true })).filter((file) => file.endsWith('.test.ts'));
  const folders = new Set<string>();
  for (const file of files) {
    const [first = '', second = ''] = file.split('/');
    const isDeep = (first === 'agent' || first === 'extension') && !second.endsWith('.ts');
    if (!(await needsVsCode(file))) folders.add(isDeep ? `test/${first}/${second}` : `test/${first}`);
  }
  const slow = (folder: string) => ['test/conformance'].indexOf(folder) + 1;
  return [...folders].sort((a, b) => slow(a) - slow(b) || a.localeCompare(b));
}

/** Tests that import `vscode` run in its extension host only. */
async function needsVsCode(file: string): Promise<boolean> {
  return /^import .* from 'vscode';/m.test(await readFile(join(root, 'test', file), 'utf8'));
}

async function mocha(folder: string): Promise<Counts> {
  const found = (await readdir(join(root, folder), { recursive: true })).filter((file) => file.endsWith('.test.ts'));
  const files: string[] = [];
  for (const file of found.sort()) {
    const path = join(folder, file);
    if (!(await needsVsCode(path.replace(/^test\//, '')))) files.push(path);
  }
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
  if (testsEntry === undefined) return skip('there is no test/extension/ui/index.ts');
  await packageExtension();
  const before = takeSnapshot();
  const lines: string[] = [];
  const code = await runInVsCode({
    extensionDir: root,
    testsEntry,
    folder: join(root, 'test'),
    settings: { 'terminal.integrated.gpuAcceleration': 'off' },
    screenshot: join(cacheDir, 'vscode-suite-failed.png'),
    say: (line) => {
      lines.push(line);
      console.log(line);
    },
  });
  const counts = countsIn({ code, output: lines.join('\n') });
  const left = await leftBehind(before);
  if (left.length > 0) console.log(`The suite left behind:\n  ${left.join('\n  ')}`);
  return left.length > 0 ? { ...counts, failed: counts.failed + 1 } : counts;
}

function node(args: readonly string[]): Promise<{ code: number; output: string }> {
  return attempt(process.execPath, args, { cwd: root });
}

/** Reads Mocha's summary, or a last line `N passed, N failed, N skipped`. A bad end without a failed test is a failure. */
export function countsIn({ code, output }: { code: number; output: string }): Counts {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  const plain = output.replace(/\u001b\[[0-9;]*m/g, '');
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
