import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { makeStarterImage, starterImage } from '../../../../scripts/starter-image.ts';
import type { PortholeApi } from '../../../../src/extension/extension.ts';
import { findHost } from '../../../../src/extension/fleet.ts';
import { EngineTerminal } from '../../../../src/extension/terminal/engine-terminal.ts';
import { execProgram } from '../../../../src/extension/terminal/programs.ts';
import { type Sshd, sshdMissing, startSshd } from '../../../support/sshd.ts';
import { agentPid, endAgent, makePlaces, type Places } from './agent.ts';
import { activated, settings, until } from './extension.ts';
import { loadImage } from './rows.ts';

describe('A host behind SSH in VS Code', function () {
  this.timeout(180_000);
  let sshd: Sshd;
  let places: Places;
  let api: PortholeApi;
  let pid: number | undefined;

  before(async function () {
    const missing = sshdMissing();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    ({ api } = await activated());
    places = await makePlaces();
    sshd = await startSshd({ config: ['MaxSessions 1', 'AllowTcpForwarding no', 'AllowStreamLocalForwarding no'] });
    const { dataRoot, execRoot, socket } = places;
    await settings({
      'ssh.configFile': sshd.configFile,
      hosts: [{ target: 'sshd', label: 'Loopback', dataRoot, execRoot, socket }],
    });
    await until('the host is listed', () => findHost(api.fleet, 'ssh:sshd'));
  });

  after(async () => {
    if (!sshd) return;
    await findHost(api.fleet, 'ssh:sshd')?.host.disconnect();
    await settings({ 'ssh.configFile': undefined, hosts: undefined });
    await sshd.stop();
    // It outlives the connection, as it should; here nobody wants it any more.
    await endAgent(places, pid);
  });

  const entry = () => findHost(api.fleet, 'ssh:sshd') ?? assert.fail('no such host');
  const connect = () => vscode.commands.executeCommand('porthole.host.connect', { type: 'host', hostId: 'ssh:sshd' });
  const engine = () => entry().engines.find((view) => view.engine === 'porthole');

  it('connects, bringing the agent along', async () => {
    assert.equal(entry().host.label, 'Loopback');
    await connect();
    const { state } = entry().host;
    assert.equal(state.kind, 'connected', state.kind === 'disconnected' ? state.error?.message : '');
    pid = await agentPid(entry().host);
  });

  it('runs a container there, and a shell in it', async () => {
    const docker = entry().host.engine('porthole');
    await loadImage(docker, await makeStarterImage());
    const image = await until('the image', () => engine()?.images.find(({ tags }) => tags.includes(starterImage)));
    await vscode.commands.executeCommand('porthole.image.run', { type: 'image', ref: image });
    const running = await until('a running container', () =>
      engine()?.containers.find(({ state }) => state === 'running'),
    );
    const container = docker.getContainer(running.id);
    const terminal = new EngineTerminal(execProgram(container, ['sh', '-c', 'echo over-$((40+2)); exit 5']));
    let shown = '';
    terminal.onDidWrite((text) => {
      shown += text;
    });
    terminal.open({ columns: 80, rows: 24 });
    await until('its exit code', () => /exit code 5/.test(shown));
    assert.match(shown, /over-42/);
    terminal.close();
    await container.remove({ force: true });
    await until('the row is gone', () => engine()?.containers.length === 0);
  });

  it('refuses a changed host key, and says so', async () => {
    await entry().host.disconnect();
    await sshd.rekey();
    await connect();
    const { state } = entry().host;
    assert.equal(state.kind, 'disconnected');
    assert.match((state.kind === 'disconnected' && state.error?.message) || '', /host key .* has CHANGED/);
    const item = api.views.hosts.getTreeItem({ type: 'host', hostId: 'ssh:sshd' });
    assert.match(String(item.description), /CHANGED/);
    const tooltip = item.tooltip instanceof vscode.MarkdownString ? item.tooltip.value : String(item.tooltip);
    assert.match(tooltip, /ssh-keygen/);
    assert.doesNotMatch(tooltip, /may not do this/, 'a key is no matter of rights');
  });
});
