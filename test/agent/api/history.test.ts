import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import Docker from 'dockerode';
import { starterImage } from '../../../scripts/starter-image.ts';
import { containerDefaults } from '../../../src/agent/container/defaults.ts';
import type { HistoryEntry } from '../../../src/protocol/history.ts';
import { agentCommand, ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { loadStarterImage } from '../../support/starter.ts';
import { requires } from '../../support/tools.ts';

describe('api: history, and what the engine is told about containers', function () {
  this.timeout(60_000);
  let agent: RunningAgent;
  let docker: Docker;

  before(async function () {
    requires(this, { root: true });
    const flags = ['--init', '--log-driver', 'local', '--log-opt', 'max-size=1m', '--log-opt', 'max-file=2'];
    agent = await startAgent({ flags: [...flags, '--history-days', '1'] });
    docker = new Docker({ socketPath: agent.socket });
    await loadStarterImage(docker);
  });
  after(() => agent?.stop());

  const get = async (path: string): Promise<HistoryEntry[]> => {
    const { status, body } = await ask(agent.socket, 'GET', path);
    assert.equal(status, 200, body);
    return JSON.parse(body);
  };
  const make = (name: string, hostConfig: object = {}) =>
    docker.createContainer({
      name,
      Image: starterImage,
      Cmd: ['sh', '-c', 'echo $$; exit 3'],
      HostConfig: { NetworkMode: 'none', ...hostConfig },
    });

  it('the history of a container outlives it, and the agent', async () => {
    const container = await make('past');
    await container.start();
    await container.wait();
    await container.remove();
    await agent.restart();
    const told = await get('/porthole/v1/containers/past/history');
    assert.deepEqual(
      told.map(({ event }) => event),
      ['created', 'started', 'ended', 'removed'],
    );
    const [, started, ended] = told;
    assert.ok(started?.event === 'started' && ended?.event === 'ended');
    assert.ok((started.trace?.steps.length ?? 0) > 10);
    assert.deepEqual(ended.ending, { exitCode: 3, cause: { kind: 'exited' } });
    const bare = await get(`/porthole/v1/containers/${container.id}/history?trace=0&since=${told[2]?.time}`);
    assert.deepEqual(bare, told.slice(2));
    assert.deepEqual(await get('/porthole/v1/history?limit=1'), told.slice(-1));
    assert.deepEqual(await get(`/porthole/v1/history?until=1`), []);
  });

  it('is asked for properly', async () => {
    for (const [path, status] of [
      ['/porthole/v1/containers/nobody/history', 404],
      ['/porthole/v1/history?limit=-1', 400],
      ['/porthole/v1/history?since=whenever', 400],
      ['/porthole/v1/history?since=-5', 400],
    ] as const) {
      assert.equal((await ask(agent.socket, 'GET', path)).status, status, path);
    }
  });

  it('a container that says nothing has the engine’s log options and its init', async () => {
    const container = await make('plain');
    await container.start();
    await container.wait();
    const { HostConfig, LogPath } = await container.inspect();
    assert.deepEqual(HostConfig.LogConfig, { Type: 'local', Config: { 'max-size': '1m', 'max-file': '2' } });
    assert.equal(LogPath, '');
    const logs = await container.logs({ stdout: true, stderr: true });
    assert.equal(logs.subarray(8).toString(), '2\n');
    assert.equal((await docker.info()).LoggingDriver, 'local');
    const own = await make('own', { Init: false, LogConfig: { Type: 'json-file', Config: {} } });
    await own.start();
    await own.wait();
    assert.equal((await own.logs({ stdout: true })).subarray(8).toString(), '1\n');
    assert.deepEqual((await own.inspect()).HostConfig.LogConfig, { Type: 'json-file', Config: {} });
  });

  it('serve refuses what no container could have', () => {
    const [command, ...args] = agentCommand('serve', '--log-driver', 'nosuch');
    const done = spawnSync(command, args, { encoding: 'utf8' });
    assert.equal(done.status, 2);
    assert.match(done.stderr, /plugin "nosuch" not found/);
    const defaults = (...logOptions: string[]) => containerDefaults({ logDriver: undefined, logOptions, init: false });
    assert.throws(() => defaults('max-size'), { message: 'a log option is KEY=VALUE, not "max-size"' });
    assert.throws(() => defaults('max-size=zz'), {
      message: "failed to initialize logging driver: invalid size: 'zz'",
    });
    assert.deepEqual(defaults('max-size=1k', 'tag=a=b'), {
      logConfig: { Type: 'json-file', Config: { 'max-size': '1k', tag: 'a=b' } },
      init: false,
    });
  });
});
