import assert from 'node:assert/strict';
import type Dockerode from 'dockerode';
import { starterImage } from '../../../scripts/starter-image.ts';
import { type ContainerView, type FleetChange, keyOf, type LiveUsage } from '../../../src/extension/fleet.ts';
import { LocalHost } from '../../../src/extension/hosts/local.ts';
import { HostModel } from '../../../src/extension/model/host-model.ts';
import { type RunningAgent, startAgent } from '../../support/agent.ts';
import { loadStarterImage } from '../../support/starter.ts';

const never = new AbortController().signal;

describe('host model on a real agent', function () {
  this.timeout(60_000);
  let agent: RunningAgent;
  let host: LocalHost;
  let model: HostModel;
  let docker: Dockerode;
  let changes: FleetChange[];

  before(async function () {
    if (process.getuid?.() !== 0) {
      console.log('skipped: the agent needs root');
      this.skip();
    }
    agent = await startAgent();
    host = new LocalHost({
      agent: '/nowhere',
      socket: agent.socket,
      sockets: { docker: '/nowhere', podman: '/nowhere' },
    });
    await host.connect(never);
    docker = host.engine('porthole');
    await loadStarterImage(docker);
  });
  after(async () => {
    await host?.disconnect();
    await agent?.stop();
  });
  beforeEach(() => {
    changes = [];
    model = new HostModel(host);
    model.onDidChange((change) => changes.push(change));
  });
  afterEach(() => model.dispose());

  const containers = () => model.engines[0]?.containers ?? [];
  const find = (id: string) => containers().find((one) => one.id === id);
  /** Waits for a change after which the condition holds. */
  const until = <T>(what: string, look: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`never happened: ${what}`)), 10_000);
      const check = () => {
        const found = look();
        if (found === undefined || found === false) return;
        clearTimeout(timer);
        listening.dispose();
        resolve(found);
      };
      const listening = model.onDidChange(check);
      check();
    });
  const create = async (Cmd: string[], more: object = {}) =>
    await docker.createContainer({ Image: starterImage, Cmd, HostConfig: { NetworkMode: 'none' }, ...more });
  const inState = (id: string, state: ContainerView['state']) =>
    until(`${id.slice(0, 12)} is ${state}`, () => (find(id)?.state === state ? find(id) : undefined));

  it('shows the engines that answer, with their images', async () => {
    const image = await until('the image', () => model.engines[0]?.images[0]);
    assert.deepEqual(image.tags, [starterImage]);
    assert.deepEqual(
      model.engines.map((view) => view.engine),
      ['porthole'],
    );
  });

  it('follows a container through its life without reading lists again', async () => {
    await until('the first list', () => model.engines[0]);
    const container = await create(['sleep', '1000'], { name: 'lively' });
    assert.equal((await inState(container.id, 'created')).name, 'lively');
    await container.start();
    await inState(container.id, 'running');
    await container.pause();
    await inState(container.id, 'paused');
    await container.unpause();
    await inState(container.id, 'running');
    await container.rename({ name: 'renamed' });
    await until('the new name', () => (find(container.id)?.name === 'renamed' ? true : undefined));
    changes.length = 0;
    await container.kill();
    const ended = await inState(container.id, 'exited');
    assert.deepEqual([ended.exitCode, ended.oomKilled], [137, false]);
    // A change of state is no change of the rows.
    assert.deepEqual(
      changes.map((change) => [change.kind, change.structure, ...change.keys]),
      changes.map(() => ['containers', false, keyOf(ended)]),
    );
    await container.remove();
    await until('its end', () => (find(container.id) ? undefined : true));
  });

  it('tells that a container ran out of memory', async () => {
    const container = await create(['sh', '-c', 'x=a; while :; do x=$x$x; done'], {
      HostConfig: { NetworkMode: 'none', Memory: 16 << 20, MemorySwap: 16 << 20 },
    });
    await container.start();
    const ended = await inState(container.id, 'exited');
    assert.equal(ended.oomKilled, true);
    await container.remove();
  });

  it('reads usage only while somebody looks', async () => {
    const container = await create(['sh', '-c', 'while :; do :; done']);
    await container.start();
    const running = await inState(container.id, 'running');
    const usage = await new Promise<LiveUsage>((resolve) => {
      const watching = model.watchUsage(running, (found) => {
        if (found.cpuPercent === 0) return;
        watching.dispose();
        resolve(found);
      });
    });
    assert.ok(usage.cpuPercent > 10 && usage.cpuPercent < 200, `${usage.cpuPercent} %`);
    assert.ok(usage.memory > 0);
    await container.remove({ force: true });
    await until('its end', () => (find(container.id) ? undefined : true));
  });

  it('keeps up with many containers that come and go at once', async () => {
    await until('the first list', () => model.engines[0]);
    const made = await Promise.all(Array.from({ length: 12 }, () => create(['true'])));
    await until('all twelve', () => (made.every((one) => find(one.id)) ? true : undefined));
    await Promise.all(made.map((one) => one.remove({ force: true })));
    await until('none', () => (containers().length === 0 ? true : undefined));
  });

  it('goes on after the agent was killed and started anew', async () => {
    const container = await create(['sleep', '1000']);
    await container.start();
    await inState(container.id, 'running');
    const gone = new Promise<void>((resolve) => {
      host.onDidChange((state) => {
        if (state.kind === 'disconnected') resolve();
      });
    });
    await agent.kill9();
    await gone;
    assert.equal(find(container.id)?.state, 'running', 'what was known stays');
    await agent.restart();
    await host.connect(never);
    await container.kill();
    await inState(container.id, 'exited');
    await container.remove();
    await until('its end', () => (find(container.id) ? undefined : true));
  });
});
