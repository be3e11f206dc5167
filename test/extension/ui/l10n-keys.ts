import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { reasons } from '../../../src/agent/plan/reasons.ts';

/** Every sentence that is translated at run time, with where it was found. */
export async function usedSentences(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const folder of ['src/extension', 'webview']) {
    for (const file of await sources(path.join(root, folder))) {
      const text = await readFile(file, 'utf8');
      for (const sentence of sentencesIn(text)) found.set(sentence, path.relative(root, file));
    }
  }
  for (const [name, sentence] of Object.entries(reasons)) found.set(sentence, `reasons.${name}`);
  return found;
}

/** First arguments of `l10n.t(...)`, `t(...)` and `phrase(...)`, where they are literal strings. */
export function sentencesIn(source: string): string[] {
  const calls = source.matchAll(/\b(?:t|phrase)\(\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")/g);
  return [...calls].map((call) => unescaped(call[1] ?? call[2] ?? ''));
}

/** Calls of `l10n.t` and `phrase` whose sentence no tool can find: anything but a literal string. */
export function hiddenSentences(source: string): string[] {
  return [...source.matchAll(/\b(?:l10n\.t|phrase)\(\s*([^'"\s][^)]*)\)/g)].map((call) => call[1] ?? '');
}

export async function sources(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');
