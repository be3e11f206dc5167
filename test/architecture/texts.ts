import type { SourceFile } from './sources.ts';

/** A file longer than this is two files. */
const longest = 500;

/** Files of more than 500 lines, except what a program or the package manager writes. */
export function checkSizes(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    if (!/\.(ts|mts|mjs|c|h|css)$/.test(path) || /\/golden\//.test(path)) return [];
    const lines = text.split('\n').length - 1;
    return lines > longest ? [`${path} has ${lines} lines: at most ${longest}`] : [];
  });
}

/** Names that say nothing, and files that only re-export others. */
export function checkNames(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    if (!/^(src|webview)\/.*\.ts$/.test(path)) return [];
    if (/\/(utils?|helpers?|misc|common)\.ts$/.test(path)) return [`${path}: say what it is for`];
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*(\/\/.*)?\n/gm, '');
    const statements = code.split(';').filter((statement) => statement.trim() !== '');
    const isBarrel = statements.length > 0 && statements.every((s) => /^\s*export\s[^=]*\bfrom\b/.test(s));
    return isBarrel && path !== 'webview/shared/toolkit.ts' ? [`${path} only re-exports: import the file itself`] : [];
  });
}

/** What a published source must not say. */
const forbidden: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /\b(TODO|FIXME|XXX|HACK)\b/, why: 'open work belongs into an issue' },
  { pattern: /(^|[\s'"`(=])\/(home|Users)\/[a-z]+\//, why: 'a path of somebody’s machine' },
  { pattern: /(^|[\s'"`(=])\/work\/(main|shared)\b/, why: 'a path of somebody’s machine' },
  { pattern: /@ts-(ignore|nocheck)\b/, why: 'the compiler is right or the type is wrong' },
  { pattern: /\bdebugger;/, why: 'left over' },
];

/** Forbidden words, each with file and line. */
export function checkWords(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    if (path.startsWith('test/architecture/') || path === 'package-lock.json') return [];
    return text
      .split('\n')
      .flatMap((line, at) =>
        forbidden
          .filter(({ pattern }) => pattern.test(line))
          .map(({ pattern, why }) => `${path}:${at + 1} has ${pattern.exec(line)?.[0].trim()}: ${why}`),
      );
  });
}

/** Packages must come from npm's own registry, whatever the machine that wrote the lock file used. */
export function checkRegistry(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    if (path === '.npmrc') return /^\s*(@[^:]+:)?registry\s*=/m.test(text) ? ['.npmrc names a registry'] : [];
    if (!path.endsWith('package-lock.json')) return [];
    const foreign = [...text.matchAll(/"resolved": "([^"]+)"/g)]
      .map(([, url = '']) => url)
      .filter((url) => !url.startsWith('https://registry.npmjs.org/'));
    return foreign.map((url) => `${path} resolves ${url}`);
  });
}
