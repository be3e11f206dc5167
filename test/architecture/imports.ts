import { posix } from 'node:path';
import type { SourceFile } from './sources.ts';

/** One import statement; `target` is a path of the checkout for relative imports, else the package's specifier. */
export interface Import {
  readonly from: string;
  readonly target: string;
}

const statements = [
  /\b(?:import|export)\s[^'";]*?\bfrom\s*['"]([^'"]+)['"]/g,
  /\bimport\s*['"]([^'"]+)['"]/g,
  /\b(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/g,
];

/** The imports of a TypeScript file, type-only and dynamic ones included. Examples in comments do not count. */
export function importsOf({ path, text }: SourceFile): Import[] {
  if (!/\.m?ts$|\.mjs$/.test(path)) return [];
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return statements.flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([, specifier = '']) => ({
      from: path,
      target: specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier,
    })),
  );
}

/** Who may import whom, the narrowest folder first. A folder may always import itself. */
const allowed: readonly { readonly folder: string; readonly may: readonly string[] }[] = [
  { folder: 'src/agent/oci', may: ['src/base'] },
  { folder: 'src/agent/plan', may: ['src/base', 'src/protocol', 'src/agent/oci'] },
  { folder: 'src/agent/sys', may: ['src/base', 'src/protocol', 'src/agent/plan', 'src/agent/oci'] },
  { folder: 'src/agent/shim', may: ['src/base', 'src/agent/plan', 'src/agent/sys'] },
  {
    folder: 'src/agent/cgroup',
    may: ['src/base', 'src/protocol', 'src/agent/plan', 'src/agent/oci', 'src/agent/sys'],
  },
  { folder: 'src/agent/layers', may: ['src/base', 'src/protocol', 'src/agent/sys'] },
  {
    folder: 'src/agent/store',
    may: [
      ...['src/base', 'src/protocol', 'src/agent/oci', 'src/agent/plan', 'src/agent/shim', 'src/agent/sys'],
      'src/agent/layers',
    ],
  },
  {
    folder: 'src/agent/registry',
    may: ['src/base', 'src/protocol', 'src/agent/oci', 'src/agent/sys', 'src/agent/store'],
  },
  {
    folder: 'src/agent/files',
    may: [
      ...['src/base', 'src/protocol', 'src/agent/plan', 'src/agent/shim', 'src/agent/sys', 'src/agent/layers'],
      'src/agent/store',
    ],
  },
  {
    folder: 'src/agent/volume',
    may: ['src/base', 'src/agent/plan', 'src/agent/shim', 'src/agent/sys', 'src/agent/files'],
  },
  {
    folder: 'src/agent/container',
    may: [
      ...['src/base', 'src/protocol', 'src/agent/oci', 'src/agent/plan', 'src/agent/shim', 'src/agent/sys'],
      ...['src/agent/cgroup', 'src/agent/layers', 'src/agent/store', 'src/agent/files', 'src/agent/volume'],
    ],
  },
  {
    folder: 'src/agent/inspect',
    may: ['src/base', 'src/protocol', 'src/agent/plan', 'src/agent/sys', 'src/agent/cgroup'],
  },
  {
    folder: 'src/agent/rootless',
    may: ['src/base', 'src/agent/oci', 'src/agent/plan', 'src/agent/shim', 'src/agent/sys'],
  },
  { folder: 'src/agent/dockerfile', may: ['src/base', 'src/agent/oci'] },
  {
    folder: 'src/agent/build',
    may: [
      ...['src/base', 'src/protocol', 'src/agent/oci', 'src/agent/plan', 'src/agent/shim', 'src/agent/sys'],
      ...['src/agent/layers', 'src/agent/store', 'src/agent/files', 'src/agent/container', 'src/agent/dockerfile'],
      'src/agent/registry',
    ],
  },
  {
    folder: 'src/agent/engines',
    may: [
      ...['src/base', 'src/protocol', 'src/agent/oci', 'src/agent/plan', 'src/agent/shim', 'src/agent/sys'],
      ...['src/agent/layers', 'src/agent/store', 'src/agent/files'],
    ],
  },
  { folder: 'src/agent/connect', may: ['src/base', 'src/protocol', 'src/agent/sys'] },
  { folder: 'src/agent/service', may: ['src/base', 'src/protocol', 'src/agent/sys'] },
  {
    folder: 'src/agent/api',
    may: [
      ...['src/base', 'src/protocol', 'src/agent/oci', 'src/agent/plan', 'src/agent/shim', 'src/agent/sys'],
      ...['src/agent/cgroup', 'src/agent/layers', 'src/agent/store', 'src/agent/files', 'src/agent/volume'],
      ...['src/agent/container', 'src/agent/inspect', 'src/agent/registry', 'src/agent/dockerfile', 'src/agent/build'],
      'src/agent/engines',
    ],
  },
  { folder: 'src/agent', may: ['src/base', 'src/protocol'] },
  { folder: 'src/base', may: [] },
  { folder: 'src/protocol', may: ['src/base'] },
  {
    folder: 'src/extension',
    may: ['src/base', 'src/protocol', 'src/agent/oci', 'src/agent/plan', 'src/agent/dockerfile'],
  },
  { folder: 'webview', may: ['src/base', 'src/protocol'] },
  { folder: 'scripts', may: ['src', 'test', 'package.json'] },
  { folder: 'test', may: ['src', 'scripts', 'webview', 'package.json'] },
];

const pure = ['src/base', 'src/protocol', 'src/agent/oci', 'src/agent/plan'];
/** The extension, its tests, and what the bench puts beside it. */
const insideVsCode = ['src/extension', 'test/extension', 'test/bench/explorer/probe.ts'];

const mayStartProcesses = ['src/agent/sys', 'src/agent/shim', 'src/agent/connect', 'src/extension', 'test', 'scripts'];

const inside = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
const isOurs = (target: string): boolean => /^(src|webview|test|scripts)\//.test(target);

/** Violations of the import table, one sentence each. */
export function checkImports(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, target }) => {
    const problem = importProblem(from, target);
    return problem === undefined ? [] : [`${from} imports ${target}: ${problem}`];
  });
}

const composition = ['src/agent/main.ts', 'src/agent/settings.ts'];

function importProblem(from: string, target: string): string | undefined {
  const bare = target.replace(/^node:/, '');
  if (isOurs(target)) {
    const row = allowed.find(({ folder }) => inside(from, folder));
    if (row === undefined) return `no rule says what ${from} may import`;
    // Files that lie directly in src/agent are not the folders below it.
    const own = row.folder === 'src/agent' ? posix.dirname(target) === row.folder : inside(target, row.folder);
    if (own || row.may.some((folder) => inside(target, folder))) return undefined;
    // The composition root knows everything of its process, and so do the settings it is made from.
    if (composition.includes(from) && inside(target, 'src/agent')) return undefined;
    return `${row.folder} may import only ${['itself', ...row.may].join(', ')}`;
  }
  if (pure.some((folder) => inside(from, folder)) && (target.startsWith('node:') || target === 'vscode')) {
    return 'pure folders touch neither Node nor VS Code';
  }
  if (bare === 'child_process' && !mayStartProcesses.some((folder) => inside(from, folder))) {
    return 'only sys and shim touch processes';
  }
  if (target === 'vscode' && !insideVsCode.some((folder) => inside(from, folder))) {
    return 'only the extension knows VS Code';
  }
  if (target.startsWith('@vscode/webview-ui-toolkit') && from !== 'webview/shared/toolkit.ts') {
    return 'only webview/shared/toolkit.ts imports the toolkit, which is archived upstream';
  }
  return undefined;
}

/** Folders of src that import each other in a circle, each as `a -> b -> a`. */
export function findCycles(imports: readonly Import[]): string[] {
  const edges = new Map<string, Set<string>>();
  for (const { from, target } of imports) {
    const [a, b] = [folderOf(from), folderOf(target)];
    if (a === undefined || b === undefined || a === b) continue;
    edges.set(a, (edges.get(a) ?? new Set()).add(b));
  }
  const found = new Set<string>();
  const walk = (path: readonly string[]) => {
    for (const next of edges.get(path.at(-1) ?? '') ?? []) {
      if (next === path[0]) found.add(canonical(path));
      else if (!path.includes(next)) walk([...path, next]);
    }
  };
  for (const folder of edges.keys()) walk([folder]);
  return [...found];
}

/** `src/agent/x` and `src/extension/x` count as folders of their own; files directly in them belong to none. */
function folderOf(path: string): string | undefined {
  return /^(src\/(?:agent|extension)\/[^/]+(?=\/)|src\/(?!agent|extension)[^/]+|webview\/[^/]+(?=\/))/.exec(path)?.[0];
}

function canonical(path: readonly string[]): string {
  const smallest = [...path].sort()[0] ?? '';
  const at = path.indexOf(smallest);
  const turned = [...path.slice(at), ...path.slice(0, at)];
  return [...turned, smallest].join(' -> ');
}
