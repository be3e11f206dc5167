import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheDir } from './paths.ts';
import { run } from './processes.ts';

/**
 * The last version of this package whose phrases are named by their keys. VS Code's keys hardly change, and a phrase that
 * it does not know stays English.
 */
const languagePackage = '@codingame/monaco-vscode-language-pack-zh-hans@1.83.14';

/**
 * Prepares VS Code's data folder for Simplified Chinese: started with that locale the workbench speaks it, and with it
 * every extension that can. Without the npm registry the workbench stays English, the extensions do not.
 */
export async function teachChinese(userDataDir: string, say: (line: string) => void): Promise<void> {
  const contents = await workbenchPhrases(say);
  const translations = { vscode: join(userDataDir, 'zh-cn.i18n.json') };
  await mkdir(userDataDir, { recursive: true });
  await writeFile(translations.vscode, JSON.stringify({ version: '1.0.0', contents }));
  // What VS Code writes when a language pack is installed, and all that it looks at when a window opens.
  const extensions = [{ extensionIdentifier: { id: 'porthole.zh-cn' }, version: '1.0.0' }];
  const packs = { 'zh-cn': { hash: 'porthole', extensions, translations, label: '中文(简体)' } };
  await writeFile(join(userDataDir, 'languagepacks.json'), JSON.stringify(packs));
}

/** Module to key to phrase. */
async function workbenchPhrases(say: (line: string) => void): Promise<unknown> {
  const folder = join(cacheDir, 'language-zh-cn');
  try {
    if (!existsSync(folder)) await fetchTo(folder, say);
    const file = join(folder, 'package/translations/main.i18n.json.js');
    const module: { default: unknown } = await import(pathToFileURL(file).href);
    return module.default;
  } catch (failure) {
    say(`VS Code itself stays English: ${failure instanceof Error ? failure.message : failure}`);
    return {};
  }
}

/** Packed, not installed: the package's dependency is a whole VS Code, its phrases need none. */
async function fetchTo(folder: string, say: (line: string) => void): Promise<void> {
  say('Fetching the Chinese phrases of VS Code from npm (once) ...');
  await mkdir(cacheDir, { recursive: true });
  const fresh = await mkdtemp(join(cacheDir, 'language-fetch-'));
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', fresh, languagePackage], { cwd: fresh, quiet: true });
    await run('tar', ['xzf', 'codingame-monaco-vscode-language-pack-zh-hans-1.83.14.tgz'], { cwd: fresh, quiet: true });
    await rename(fresh, folder);
  } catch (failure) {
    await rm(fresh, { recursive: true, force: true });
    throw failure;
  }
}
