import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { starterImage } from '../../../../scripts/starter-image.ts';
import type { ContainerView } from '../../../../src/extension/fleet.ts';
import { filesUriParts } from '../../../../src/extension/fs/uris.ts';
import type { ContainersNode } from '../../../../src/extension/tree/containers-view.ts';
import type { VolumesNode } from '../../../../src/extension/tree/volumes-view.ts';
import { until } from './extension.ts';
import { rowText } from './rows.ts';
import { connectThisMachine, type ThisMachine } from './this-machine.ts';

/** What a container unfolds into, volumes, and the files of both as VS Code's own file system. */
describe('The inside of containers and volumes in VS Code', function () {
  this.timeout(120_000);
  let machine: ThisMachine;
  let container: ContainerView;

  before(async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    machine = await connectThisMachine();
    const made = await machine.docker.createContainer({
      name: 'unfolded',
      Image: starterImage,
      Cmd: [
        'sh',
        '-c',
        'echo changed > /etc/motd; echo new > /made; ln -s /made /link; mkdir /mounts; sleep 1000 & wait',
      ],
      HostConfig: { Binds: ['kept:/kept'] },
    });
    await made.start();
    container = await until('it runs', () => find('unfolded', 'running'));
  });

  after(async () => {
    if (!machine) return;
    await machine.end();
  });

  const find = (name: string, state: ContainerView['state']) =>
    machine.engine()?.containers.find((one) => one.name === name && one.state === state);
  const row = () => machine.api.views.containers.nodeOf(container);
  const view = () => machine.api.views.containers;
  const texts = async (node: ContainersNode) =>
    (await view().getChildren(node)).map((child) => {
      const item = view().getTreeItem(child);
      return `${rowText(item)} ${item.description ?? ''}`.trim();
    });
  const section = async (name: string): Promise<ContainersNode> => {
    const found = (await view().getChildren(row())).find((node) => node.type === 'section' && node.section === name);
    return found ?? assert.fail(`no section ${name}`);
  };
  const uri = (path: string, of: ContainerView = container) =>
    vscode.Uri.from(filesUriParts({ kind: 'container', ...of }, path));
  const text = async (at: vscode.Uri) => Buffer.from(await vscode.workspace.fs.readFile(at)).toString();

  it('unfolds into what there is of it', async () => {
    assert.deepEqual(await texts(row()), [
      'Processes',
      'Exec Sessions',
      'cgroup',
      'Namespaces',
      'Networks',
      'Mounts',
      'Changes since its image',
      'Files',
    ]);
  });

  it('shows its processes as a tree, with both of their numbers', async () => {
    const processes = await section('processes');
    const tops = await until('its child runs', async () => {
      const found = await view().getChildren(processes);
      const first = found[0];
      return first?.type === 'process' && first.children.length > 0 ? found : undefined;
    });
    assert.equal(tops.length, 1);
    const top = tops[0] ?? assert.fail();
    assert.match(String(view().getTreeItem(top).description), /^1 inside, \d+ on the host$/);
    assert.match((await texts(top))[0] ?? '', /^sleep 1000 [2-9] inside/);
  });

  it('shows its namespaces beside the host’s', async () => {
    const rows = await texts(await section('namespaces'));
    assert.match(rows.find((one) => one.startsWith('pid')) ?? '', /^pid its own · \d+$/);
    assert.match(rows.find((one) => one.startsWith('user')) ?? '', /^user shared with the host/);
  });

  it('shows what is mounted', async () => {
    assert.deepEqual(await texts(await section('mounts')), ['/kept volume · kept · writable']);
  });

  it('shows what differs from its image, and opens it beside the image’s', async () => {
    const changes = await until('the changes are made', async () => {
      await vscode.commands.executeCommand('porthole.refresh');
      const found = await view().getChildren(await section('changes'));
      return found.length >= 3 ? found : undefined;
    });
    const motd = changes.find((node) => node.type === 'difference' && node.path === '/etc/motd');
    assert.ok(motd, 'the changed file has a row');
    assert.ok(changes.some((node) => node.type === 'difference' && node.path === '/made' && node.kind === 'added'));
    await vscode.commands.executeCommand('porthole.difference.compare', motd);
    const input = await until('a diff', () => {
      const open = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      return open instanceof vscode.TabInputTextDiff && open.modified.path === '/etc/motd' ? open : undefined;
    });
    assert.equal(await text(input.modified), 'changed\n');
    assert.notEqual(await text(input.original), 'changed\n');
  });

  it('shows its files, links with where they lead', async () => {
    const rows = await texts(await section('files'));
    assert.ok(rows.includes('link → /made'), rows.join('\n'));
    assert.ok(rows.includes('made 4 B'), rows.join('\n'));
    assert.ok(rows.indexOf('etc') < rows.indexOf('made 4 B'), 'directories come first');
    // A directory that is called as a section which has been read.
    assert.equal((await texts(await section('mounts'))).length, 1);
    const named = (await view().getChildren(await section('files'))).find(
      (node) => node.type === 'entry' && node.path === '/mounts',
    );
    assert.deepEqual(await texts(named ?? assert.fail('no directory')), ['This directory is empty']);
  });

  it('is a file system of VS Code: edited, made, moved and removed, also when it has stopped', async () => {
    const { fs } = vscode.workspace;
    const link = await fs.stat(uri('/link'));
    assert.equal(link.type, vscode.FileType.SymbolicLink | vscode.FileType.File);
    const document = await vscode.workspace.openTextDocument(uri('/made'));
    const editor = await vscode.window.showTextDocument(document);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), 'edited '));
    assert.ok(await document.save());
    assert.equal(await text(uri('/link')), 'edited new\n');
    for (const running of [true, false]) {
      if (!running) {
        await machine.docker.getContainer(container.id).kill();
        await until('it has stopped', () => find('unfolded', 'exited'));
      }
      await fs.createDirectory(uri('/work'));
      await fs.writeFile(uri('/work/a'), Buffer.from('one'));
      await fs.rename(uri('/work/a'), uri('/work/b'));
      await fs.copy(uri('/work/b'), uri('/work/c'));
      assert.deepEqual(
        (await fs.readDirectory(uri('/work'))).map(([name]) => name),
        ['b', 'c'],
      );
      await assert.rejects(async () => fs.readFile(uri('/work/a')), /FileNotFound|EntryNotFound/);
      await assert.rejects(async () => fs.rename(uri('/work/b'), uri('/work/c')), /FileExists|EntryExists/);
      await fs.delete(uri('/work'), { recursive: true });
      await assert.rejects(async () => fs.stat(uri('/work')), /FileNotFound|EntryNotFound/);
    }
    assert.deepEqual(await texts(row()), ['Networks', 'Mounts', 'Changes since its image', 'Files']);
  });

  it('volumes are listed with who mounts them, and unfold into their files', async () => {
    const volumes = machine.api.views.volumes;
    const node = await until('the volume is listed', async () => {
      const rows: VolumesNode[] = await volumes.getChildren();
      return rows.find((one) => one.type === 'volume' && one.ref.id === 'kept');
    });
    assert.equal(volumes.getTreeItem(node).description, 'mounted by unfolded');
    const { host, engine } = container;
    const at = vscode.Uri.from(filesUriParts({ kind: 'volume', host, engine, id: 'kept' }, '/note.txt'));
    await vscode.workspace.fs.writeFile(at, Buffer.from('hello'));
    const files = await until('its file', async () => {
      const found = await volumes.getChildren(node);
      return found.some((one) => one.type === 'entry') ? found : undefined;
    });
    assert.deepEqual(
      files.map((one) => rowText(volumes.getTreeItem(one))),
      ['note.txt'],
    );
    await vscode.commands.executeCommand('porthole.volume.inspect', node);
    await until('its description', () =>
      vscode.window.tabGroups.all.some(({ tabs }) => tabs.some(({ label }) => label === 'Inspect: kept')),
    );
    await machine.docker.getContainer(container.id).remove();
    await until('nobody mounts it', () => volumes.getTreeItem(node).description === 'not used');
    await machine.docker.getVolume('kept').remove();
    await until('its row is gone', async () => (await volumes.getChildren()).length === 0);
  });
});
