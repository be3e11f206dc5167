import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../../../scripts/paths.ts';
import type { commandRows } from '../../../src/extension/commands/rows.ts';

export const languages = ['en', 'zh-cn'] as const;
export type Language = (typeof languages)[number];

/** What the extension says in a language, from the same files that VS Code reads. */
export class Phrases {
  readonly #manifest: ReadonlyMap<string, string>;
  readonly #bundle: ReadonlyMap<string, string>;

  private constructor(manifest: ReadonlyMap<string, string>, bundle: ReadonlyMap<string, string>) {
    this.#manifest = manifest;
    this.#bundle = bundle;
  }

  static async of(language: Language): Promise<Phrases> {
    const manifest = await phrasesOf('package.nls.json');
    if (language === 'en') return new Phrases(manifest, new Map());
    const translated = await phrasesOf(`package.nls.${language}.json`);
    return new Phrases(new Map([...manifest, ...translated]), await phrasesOf(`l10n/bundle.l10n.${language}.json`));
  }

  /** A command's title, as menus have it. */
  command(id: keyof typeof commandRows): string {
    return this.#fromManifest(`command.${id.replace(/^porthole\./, '')}`);
  }

  /** A view's title. */
  view(name: 'hosts' | 'containers' | 'images' | 'volumes'): string {
    return this.#fromManifest(`view.${name}`);
  }

  /** What stands for an English sentence of the code. */
  text(english: string): string {
    return this.#bundle.get(english) ?? english;
  }

  #fromManifest(key: string): string {
    const phrase = this.#manifest.get(key);
    if (phrase === undefined) throw new Error(`package.nls.json has no ${key}`);
    return phrase;
  }
}

async function phrasesOf(file: string): Promise<ReadonlyMap<string, string>> {
  const phrases: unknown = JSON.parse(await readFile(join(root, file), 'utf8'));
  return new Map(Object.entries(phrases ?? {}).map(([key, phrase]) => [key, String(phrase)]));
}
