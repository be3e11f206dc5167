import assert from 'node:assert/strict';
import type Dockerode from 'dockerode';
import * as vscode from 'vscode';
import { starterImage } from '../../../../scripts/starter-image.ts';
import type { PortholeApi } from '../../../../src/extension/extension.ts';
import { EngineTerminal } from '../../../../src/extension/terminal/engine-terminal.ts';
import { containerProgram, execProgram } from '../../../../src/extension/terminal/programs.ts';
import { pickShell } from '../../../../src/extension/terminal/shells.ts';
import { until } from './extension.ts';
import { rowText, unfolded } from './rows.ts';
import { connectThisMachine, type ThisMachine } from './this-machine.ts';

describe('This machine in VS Code', function () {
  this.timeout(120_000);
  let machine: ThisMachine;
  let api: PortholeApi;
  let docker: Dockerode;

  before(async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    machine = await connectThisMachine();
    ({ api, docker } = machine);
  });

  after(() => machine?.end());

  const engine = () => machine.engine();
  const imageRow = () => machine.image();

  it('lists an image as soon as it is loaded', async () => {
    const image = await imageRow();
    assert.ok(image.size > 0);
  });

  it('unfolds an image into layers with cleaned instructions', async () => {
    const ref = await imageRow();
    const rows = await api.views.images.getChildren({ type: 'image', ref });
    const layers = rows.filter(({ type }) => type === 'layer');
    const texts = layers.map((node) => rowText(api.views.images.getTreeItem(node)));
    assert.equal(layers.length, 3);
    assert.match(texts[1] ?? '', /^RUN edit \/etc\/motd/);
    for (const text of texts) assert.doesNotMatch(text, /#\(nop\)|# buildkit/);
  });

  it('shows what a layer added, modified and deleted, and opens each against what lies below', async () => {
    const ref = await imageRow();
    const layers = await api.views.images.getChildren({ type: 'image', ref });
    const files = await unfolded(api.views.images, layers[1] ?? assert.fail('no second layer'));
    const kinds = new Map(files.map(({ row }) => [row.path, row.change?.kind]));
    assert.equal(kinds.get('etc/motd'), 'modified');
    assert.equal(kinds.get('etc/draft.conf'), 'deleted');
    assert.equal(kinds.get('usr/share/porthole/tour.txt'), 'added');

    const sides = async (path: string) => {
      const file = files.find(({ row }) => row.path === path);
      await vscode.commands.executeCommand('porthole.file.compare', file);
      const input = await until(`a diff of ${path}`, () => {
        const open = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
        return open instanceof vscode.TabInputTextDiff && open.modified.path === `/${path}` ? open : undefined;
      });
      const text = async (uri: vscode.Uri) => (await vscode.workspace.openTextDocument(uri)).getText();
      return { below: await text(input.original), here: await text(input.modified) };
    };
    const motd = await sides('etc/motd');
    assert.notEqual(motd.below, '');
    assert.notEqual(motd.here, motd.below);
    const tour = await sides('usr/share/porthole/tour.txt');
    assert.equal(tour.below, '');
    assert.notEqual(tour.here, '');
    const draft = await sides('etc/draft.conf');
    assert.notEqual(draft.below, '');
    assert.equal(draft.here, '');
  });

  it('runs an image, and shows the container running with live numbers while the view is visible', async () => {
    const ref = await imageRow();
    await vscode.commands.executeCommand('porthole.image.run', { type: 'image', ref });
    const container = await until('a running container', () =>
      engine()?.containers.find(({ state }) => state === 'running'),
    );
    await vscode.commands.executeCommand('porthole.containers.focus');
    const item = () => api.views.containers.getTreeItem(api.views.containers.nodeOf(container));
    assert.equal(item().contextValue, 'container.running.porthole');
    await until('live numbers', () => /\d%.*\d (B|[KM]iB)/.test(String(item().description)));
  });

  it('gives a shell that resizes, and ends with the exit code', async () => {
    const [first] = await docker.listContainers();
    const container = docker.getContainer(first?.Id ?? assert.fail('nothing runs'));
    const shell = await pickShell(container);
    assert.ok(shell, 'the starter image has a shell');
    const terminal = new EngineTerminal(execProgram(container, shell));
    let shown = '';
    terminal.onDidWrite((text) => {
      shown += text;
    });
    const closed = new Promise<number | undefined>((resolve) => terminal.onDidClose(resolve));
    terminal.open({ columns: 101, rows: 33 });
    terminal.handleInput('stty size; exit 7\n');
    await until('the exit code is shown', () => /exit code 7/.test(shown));
    assert.match(shown, /33 101/);
    terminal.handleInput('x');
    assert.equal(await closed, 7);
    terminal.close();
  });

  it('ends a shell whose terminal is closed', async () => {
    const [first] = await docker.listContainers();
    const container = docker.getContainer(first?.Id ?? assert.fail('nothing runs'));
    const terminal = new EngineTerminal(execProgram(container, ['sh']));
    let shown = '';
    terminal.onDidWrite((text) => {
      shown += text;
    });
    terminal.open({ columns: 80, rows: 24 });
    terminal.handleInput('echo ready-$((1+1))\n');
    await until('a shell', () => /ready-2/.test(shown));
    const processes = async () => (await container.top()).Processes.length;
    const before = await processes();
    terminal.handleInput('half a line');
    terminal.close();
    await until('the shell is gone', async () => (await processes()) < before);
  });

  it('runs an image in a terminal, its output from the first byte on', async () => {
    const made = await docker.createContainer({
      Image: starterImage,
      Cmd: ['sh', '-c', 'echo first; read line; echo got $line; exit 4'],
      Tty: true,
      OpenStdin: true,
    });
    const terminal = new EngineTerminal(containerProgram(made));
    let shown = '';
    terminal.onDidWrite((text) => {
      shown += text;
    });
    terminal.open({ columns: 80, rows: 24 });
    await until('its first line', () => /first/.test(shown));
    terminal.handleInput('this\n');
    await until('its exit code', () => /exit code 4/.test(shown));
    assert.match(shown, /got this/);
    terminal.close();
    await made.remove();
  });

  it('opens the two panels of a container, and its description', async () => {
    const container = engine()?.containers[0] ?? assert.fail('no container');
    const row = api.views.containers.nodeOf(container);
    const labels = () => vscode.window.tabGroups.all.flatMap((group) => group.tabs.map((tab) => tab.label));
    await vscode.commands.executeCommand('porthole.container.birth', row);
    await until('the birth panel', () => labels().includes(`Birth: ${container.name}`));
    await vscode.commands.executeCommand('porthole.container.usage', row);
    await until('the usage panel', () => labels().includes(`Usage: ${container.name}`));
    await vscode.commands.executeCommand('porthole.container.inspect', row);
    await until('its description', () => labels().includes(`Inspect: ${container.name}`));
  });

  it('shows why a container ended', async () => {
    const made = await docker.createContainer({
      Image: starterImage,
      Cmd: ['sh', '-c', 'exit 3'],
      name: 'ends-with-3',
    });
    await made.start();
    const ended = await until('it ended', () =>
      engine()?.containers.find(
        ({ name, state, exitCode }) => name === 'ends-with-3' && state === 'exited' && exitCode === 3,
      ),
    );
    const item = api.views.containers.getTreeItem(api.views.containers.nodeOf(ended));
    assert.match(String(item.description), /exited with code 3/);
  });

  it('stops, and the row follows', async () => {
    const container = engine()?.containers.find(({ state }) => state === 'running') ?? assert.fail('nothing runs');
    await vscode.commands.executeCommand('porthole.container.kill', api.views.containers.nodeOf(container));
    const item = await until('the row says so', () => {
      const row = api.views.containers.getTreeItem(api.views.containers.nodeOf(container));
      return row.contextValue === 'container.exited.porthole' ? row : undefined;
    });
    assert.match(String(item.description), /exited with code 137/);
  });
});
