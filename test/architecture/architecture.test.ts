import assert from 'node:assert/strict';
import { forgotten } from '../../scripts/complete-lock.ts';
import { checkImports, findCycles, importsOf } from './imports.ts';
import { readSources, type SourceFile } from './sources.ts';
import { checkNames, checkRegistry, checkSizes, checkWords } from './texts.ts';

describe('architecture', () => {
  let files: SourceFile[];

  before(async () => {
    // The fixtures below break every rule on purpose.
    files = (await readSources()).filter(({ path }) => path !== 'test/architecture/architecture.test.ts');
    assert.ok(files.length > 50, 'the sources are found');
  });

  it('imports follow the table', () => assert.deepEqual(checkImports(files.flatMap(importsOf)), []));
  it('no folders import each other in a circle', () => assert.deepEqual(findCycles(files.flatMap(importsOf)), []));
  it('no file has more than 500 lines', () => assert.deepEqual(checkSizes(files), []));
  it('no utils, no barrels', () => assert.deepEqual(checkNames(files), []));
  it('no forbidden words', () => assert.deepEqual(checkWords(files), []));
  it('the lock file forgets no platform (npx tsx scripts/complete-lock.ts mends it)', () => {
    const lock = files.find(({ path }) => path === 'package-lock.json');
    assert.deepEqual(forgotten(JSON.parse(lock?.text ?? '')), []);
  });
  it('packages come from npm only', () => assert.deepEqual(checkRegistry(files), []));
});

/** A rule that cannot fail checks nothing: each is shown a file that breaks it, and one that does not. */
describe('architecture rules can fail', () => {
  const file = (path: string, text: string): SourceFile => ({ path, text });
  const imports = (path: string, text: string) => checkImports(importsOf(file(path, text)));
  const cases: readonly { rule: string; bad: () => string[]; good: () => string[] }[] = [
    {
      rule: 'base imports nothing',
      bad: () => imports('src/base/a.ts', "import { x } from '../protocol/b.ts';"),
      good: () => imports('src/base/a.ts', "import { x } from './b.ts';"),
    },
    {
      rule: 'the extension imports only the pure folders of the agent',
      bad: () => imports('src/extension/tree/a.ts', "import type { X } from '../../agent/store/contract.ts';"),
      good: () => imports('src/extension/tree/a.ts', "import type { X } from '../../agent/plan/operations.ts';"),
    },
    {
      rule: 'the store does not import the containers',
      bad: () => imports('src/agent/store/a.ts', "export { x } from '../container/contract.ts';"),
      good: () => imports('src/agent/container/a.ts', "import { x } from '../store/contract.ts';"),
    },
    {
      rule: 'only main.ts composes the agent',
      bad: () => imports('src/agent/other.ts', "import { x } from './api/server.ts';"),
      good: () => imports('src/agent/main.ts', "import { x } from './api/server.ts';"),
    },
    {
      rule: 'pure folders import no Node module',
      bad: () => imports('src/agent/plan/a.ts', "import { readFileSync } from 'node:fs';"),
      good: () => imports('src/agent/sys/a.ts', "import { readFileSync } from 'node:fs';"),
    },
    {
      rule: 'dynamic and side-effect imports count',
      bad: () => [
        ...imports('src/base/a.ts', "await import('../protocol/b.ts')"),
        ...imports('webview/birth/a.ts', "import '../../src/extension/a.ts';"),
      ],
      good: () => imports('src/base/a.ts', "/** import { x } from '../protocol/b.ts' */\n// import '../protocol/b.ts'"),
    },
    {
      rule: 'processes belong to sys and shim',
      bad: () => imports('src/agent/api/a.ts', "import { spawn } from 'node:child_process';"),
      good: () => imports('src/agent/shim/a.ts', "import { spawn } from 'node:child_process';"),
    },
    {
      rule: 'only the extension knows VS Code',
      bad: () => imports('src/agent/api/a.ts', "import * as vscode from 'vscode';"),
      good: () => imports('src/extension/a.ts', "import * as vscode from 'vscode';"),
    },
    {
      rule: 'one file imports the toolkit',
      bad: () => imports('webview/birth/main.ts', "import { x } from '@vscode/webview-ui-toolkit';"),
      good: () => imports('webview/shared/toolkit.ts', "import { x } from '@vscode/webview-ui-toolkit';"),
    },
    {
      rule: 'folders form no circle',
      bad: () =>
        findCycles([
          { from: 'src/agent/a/x.ts', target: 'src/agent/b/x.ts' },
          { from: 'src/agent/b/x.ts', target: 'src/agent/c/x.ts' },
          { from: 'src/agent/c/x.ts', target: 'src/agent/a/x.ts' },
        ]),
      good: () => findCycles([{ from: 'src/agent/a/x.ts', target: 'src/agent/b/x.ts' }]),
    },
    {
      rule: 'files stay short',
      bad: () => checkSizes([file('src/a.ts', '\n'.repeat(501))]),
      good: () => checkSizes([file('src/a.ts', '\n'.repeat(500))]),
    },
    {
      rule: 'no utils.ts, no barrels',
      bad: () => [
        ...checkNames([file('src/base/utils.ts', 'export const x = 1;')]),
        ...checkNames([file('src/base/all.ts', "/** All. */\nexport { x } from './x.ts';\nexport * from './y.ts';\n")]),
      ],
      good: () => checkNames([file('src/base/x.ts', "export type { Y } from './y.ts';\nexport const x = 1;\n")]),
    },
    {
      rule: 'forbidden words are found',
      bad: () => checkWords([file('src/a.ts', `// ${'TO'}DO later`), file('b.md', `see ${'/home'}/someone/x`)]),
      good: () => checkWords([file('src/a.ts', "const home = '/root';")]),
    },
    {
      rule: 'forgotten optional packages are found',
      bad: () => forgotten({ packages: { a: { optionalDependencies: { 'x-linux-x64': '1.0.0' } } } }).map(String),
      good: () =>
        forgotten({
          packages: { a: { optionalDependencies: { x: '1.0.0' } }, 'node_modules/x': { version: '1.0.0' } },
        }).map(String),
    },
    {
      rule: 'foreign registries are found',
      bad: () => [
        ...checkRegistry([file('package-lock.json', '"resolved": "https://mirror.example/x.tgz"')]),
        ...checkRegistry([file('.npmrc', 'registry=https://mirror.example/\n')]),
      ],
      good: () => checkRegistry([file('package-lock.json', '"resolved": "https://registry.npmjs.org/x/-/x.tgz"')]),
    },
  ];
  for (const { rule, bad, good } of cases) {
    it(rule, () => {
      assert.notDeepEqual(bad(), [], 'the fixture that breaks the rule');
      assert.deepEqual(good(), [], 'the fixture that keeps it');
    });
  }
});
