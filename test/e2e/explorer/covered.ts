import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../../../scripts/paths.ts';
import type { CommandId } from '../../../src/extension/commands/rows.ts';
import type { RemoteFiles } from '../../../src/extension/fs/remote-files.ts';
import { type PageName, pageNames } from '../../../src/extension/panels/page-names.ts';
import { type RowKind, rowKinds } from '../../../src/extension/tree/context-value.ts';

/** What VS Code asks of the file system of containers and volumes; the compiler holds the list to the class. */
const fileOperations = {
  stat: true,
  readDirectory: true,
  readFile: true,
  writeFile: true,
  createDirectory: true,
  delete: true,
  rename: true,
} as const satisfies Record<Exclude<keyof RemoteFiles, 'onDidChangeFile' | 'watch' | 'list' | 'dispose'>, true>;

/** Something that a user can do or see, by the name that the manifest or the code gives it. */
export type Item =
  | CommandId
  | `row ${RowKind}`
  | `page ${PageName}`
  | `view ${string}`
  | `file ${keyof typeof fileOperations}`;

/** Everything that has to be exercised: read from the manifest where it is there, else from the code's own lists. */
export async function everyItem(): Promise<string[]> {
  const { contributes } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const commands: { command: string }[] = contributes.commands;
  const views: { id: string }[] = contributes.views.porthole;
  return [
    ...commands.map(({ command }) => command),
    ...views.map(({ id }) => `view ${id.replace('porthole.', '')}`),
    ...rowKinds.map((kind) => `row ${kind}`),
    ...pageNames.map((page) => `page ${page}`),
    ...Object.keys(fileOperations).map((operation) => `file ${operation}`),
  ];
}

/** Debts: what nobody clicks yet. A line goes when its scenario comes; none is added for what can be clicked in one. */
export const untested: readonly string[] = [];

/** Items that a test besides the scenarios names: a suite inside VS Code, or one of a page. */
export async function namedElsewhere(items: readonly string[]): Promise<string[]> {
  const folders = ['test/extension/ui', 'test/extension/ui/inside', 'test/e2e'];
  const files = await Promise.all(folders.map((folder) => filesOf(join(root, folder))));
  const texts = await Promise.all(files.flat().map((file) => readFile(file, 'utf8')));
  return items.filter((item) => texts.some((text) => text.includes(`'${item.replace(/^page /, '')}'`)));
}

async function filesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
}
