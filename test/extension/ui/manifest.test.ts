import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  activationEvents,
  commandContributions,
  commandTitles,
  isOffered,
  viewIds,
} from '../../../src/extension/commands/manifest.ts';
import { commandIds, rowOf } from '../../../src/extension/commands/rows.ts';
import { contextValue, type RowKind, rowKinds } from '../../../src/extension/tree/context-value.ts';

const root = path.resolve(import.meta.dirname, '../../..');

async function json(name: string): Promise<Record<string, unknown>> {
  const value: unknown = JSON.parse(await readFile(path.join(root, name), 'utf8'));
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value));
  return { ...value };
}

/** `%key%` anywhere in a JSON value. */
function keysIn(value: unknown): string[] {
  return [...JSON.stringify(value).matchAll(/%([\w.-]+)%/g)].map((match) => match[1] ?? '');
}

const isRowKind = (kind: string): kind is RowKind => rowKinds.some((one) => one === kind);

describe('The manifest and the command table', () => {
  before(async () => {
    if (!process.env['PORTHOLE_UPDATE']) return;
    const manifest = await json('package.json');
    manifest['activationEvents'] = activationEvents;
    manifest['contributes'] = { ...Object(manifest['contributes']), ...commandContributions() };
    await writeFile(path.join(root, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
    const words = await json('package.nls.json');
    const kept = Object.entries(words).filter(([key]) => !key.startsWith('command.'));
    const all = { ...Object.fromEntries(kept), ...commandTitles() };
    await writeFile(path.join(root, 'package.nls.json'), `${JSON.stringify(all, undefined, 2)}\n`);
  });

  it('agree on commands and menus', async () => {
    const contributes = Object((await json('package.json'))['contributes']);
    const expected = commandContributions();
    assert.deepEqual(contributes.commands, expected.commands);
    assert.deepEqual(contributes.menus, expected.menus);
    assert.deepEqual(contributes.keybindings, expected.keybindings);
  });

  it('agree on the English titles', async () => {
    const words = await json('package.nls.json');
    for (const [key, title] of Object.entries(commandTitles())) assert.equal(words[key], title);
  });

  it('use every key of package.nls.json and no other, in both languages', async () => {
    const used = [...new Set(keysIn(await json('package.json')))].sort();
    assert.deepEqual(Object.keys(await json('package.nls.json')).sort(), used);
    assert.deepEqual(Object.keys(await json('package.nls.zh-cn.json')).sort(), used);
  });

  it('put destructive commands into the last section of their menu', () => {
    for (const id of commandIds.filter((one) => /\.(remove|kill)$/.test(one))) {
      assert.match(rowOf(id).group ?? '', /^9_/, id);
    }
  });

  it('offer a row exactly in the states that its when clause matches', () => {
    const { menus } = commandContributions();
    for (const { command, when } of menus['view/item/context']) {
      const row = rowOf(command);
      const kind = row.target;
      assert.ok(isRowKind(kind), command);
      const pattern = /viewItem =~ \/(.+)\/$/.exec(when)?.[1];
      assert.ok(pattern, when);
      for (const state of [
        'created',
        'running',
        'paused',
        'exited',
        'dead',
        'connected',
        'disconnected',
        'added',
        'deleted',
      ]) {
        for (const engine of ['porthole', 'docker', 'ssh', 'local']) {
          const value = contextValue(kind, state, engine, row.trait);
          assert.equal(new RegExp(pattern).test(value), isOffered(row, state, engine), `${command} on ${value}`);
        }
      }
    }
  });

  it('offer a published port where there is one only', () => {
    const entry = commandContributions().menus['view/item/context'].find(
      ({ command }) => command === 'porthole.container.openPort',
    );
    const pattern = new RegExp(/viewItem =~ \/(.+)\/$/.exec(entry?.when ?? '')?.[1] ?? '^$');
    assert.ok(pattern.test(contextValue('container', 'running', 'docker', 'published')));
    assert.ok(!pattern.test(contextValue('container', 'running', 'docker')));
    const rest = commandContributions().menus['view/item/context'].filter(
      ({ when }) => when.includes('container\\.') && when !== entry?.when,
    );
    // What else a container has stays when a port of it is published.
    for (const { command, when } of rest) {
      const other = new RegExp(/viewItem =~ \/(.+)\/$/.exec(when)?.[1] ?? '^$');
      for (const state of ['running', 'exited']) {
        const plain = other.test(contextValue('container', state, 'docker'));
        assert.equal(other.test(contextValue('container', state, 'docker', 'published')), plain, command);
      }
    }
  });

  it('activates on nothing but views and commands', async () => {
    const manifest = await json('package.json');
    assert.deepEqual(manifest['activationEvents'], activationEvents);
    const views = Object(Object(manifest['contributes']).views)['porthole'];
    assert.deepEqual(
      Object.values(Object(views)).map((view) => Object(view).id),
      Object.values(viewIds),
    );
  });

  it('lets no workspace choose hosts or sockets', async () => {
    const { configuration } = Object((await json('package.json'))['contributes']);
    for (const [name, setting] of Object.entries(Object(configuration.properties))) {
      assert.ok(['machine', 'application'].includes(Object(setting).scope), name);
    }
  });
});
