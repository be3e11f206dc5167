import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { starterImage } from '../../../../scripts/starter-image.ts';
import type { ImagesNode, LayerNode } from '../../../../src/extension/tree/image-nodes.ts';
import { until } from './extension.ts';
import { rowText, unfolded } from './rows.ts';
import { connectThisMachine, type ThisMachine } from './this-machine.ts';

/** Images as stacks of changesets: what the tree shows of them, and what opens from it. */
describe('The layers of an image in VS Code', function () {
  this.timeout(120_000);
  let machine: ThisMachine;

  before(async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    machine = await connectThisMachine();
  });

  after(() => machine?.end());

  const view = () => machine.api.views.images;
  const below = async (): Promise<readonly ImagesNode[]> =>
    view().getChildren({ type: 'image', ref: await machine.image() });
  const layer = async (position: number): Promise<LayerNode> => {
    const found = (await below()).find((node) => node.type === 'layer' && node.layer.position === position);
    return found?.type === 'layer' ? found : assert.fail(`no layer ${position}`);
  };
  const part = async (name: 'files' | 'configuration' | 'containers') => {
    const found = (await below()).find((node) => node.type === 'part' && node.part === name);
    return (await view().getChildren(found ?? assert.fail(`no ${name}`))).map((node) => ({
      node,
      item: view().getTreeItem(node),
    }));
  };
  const file = async (position: number, path: string) => {
    const rows = await unfolded(view(), await layer(position));
    return rows.find(({ row }) => row.path === path) ?? assert.fail(`no row ${path}`);
  };
  const tab = () => vscode.window.tabGroups.activeTabGroup.activeTab;
  const text = async (uri: vscode.Uri) => (await vscode.workspace.openTextDocument(uri)).getText();

  it('opens as an editor, from its row', async () => {
    await vscode.commands.executeCommand('porthole.image.layers', { type: 'image', ref: await machine.image() });
    await until('its editor', () => tab()?.label === `Layers: ${starterImage}`);
  });

  it('unfolds into its files, each opened as the image has it', async () => {
    const files = await part('files');
    const etc = files.find(({ item }) => rowText(item) === 'etc')?.node ?? assert.fail('no /etc');
    const motd = (await view().getChildren(etc)).find((node) => rowText(view().getTreeItem(node)) === 'motd');
    await vscode.commands.executeCommand('porthole.file.open', motd);
    const input = await until('the file', () => {
      const open = tab()?.input;
      return open instanceof vscode.TabInputText && open.uri.path === '/etc/motd' ? open : undefined;
    });
    assert.match(await text(input.uri), /The second one changed this line/);
  });

  it('shows its configuration, and the containers that were made from it', async () => {
    const facts = await part('configuration');
    const command = facts.find(({ item }) => rowText(item) === 'Command');
    assert.match(String(command?.item.description), /heartbeat/);
    const made = await machine.docker.createContainer({ name: 'made-of-it', Image: starterImage });
    await until('its row', async () =>
      (await below()).some((node) => node.type === 'part' && node.part === 'containers'),
    );
    assert.deepEqual(
      (await part('containers')).map(({ item }) => rowText(item)),
      ['made-of-it'],
    );
    await made.remove();
  });

  it('puts a file beside what the next layer made of it', async () => {
    await vscode.commands.executeCommand('porthole.file.compareAbove', await file(0, 'etc/motd'));
    const input = await until('a diff', () => {
      const open = tab()?.input;
      return open instanceof vscode.TabInputTextDiff && tab()?.label === 'motd (layer 1 ↔ layer 2)' ? open : undefined;
    });
    assert.match(await text(input.original), /This is the first one/);
    assert.match(await text(input.modified), /The second one changed this line/);
  });

  it('opens all that a layer changed at once', async () => {
    await vscode.commands.executeCommand('porthole.layer.changes', await layer(1));
    await until('the changes', () => tab()?.label.startsWith('Layer 2'));
  });
});
