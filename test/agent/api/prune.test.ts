import assert from 'node:assert/strict';
import Docker from 'dockerode';
import { starterImage } from '../../../scripts/starter-image.ts';
import { Filters } from '../../../src/agent/api/filters.ts';
import { pruneUntil } from '../../../src/agent/api/moment.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { loadStarterImage } from '../../support/starter.ts';
import { requires } from '../../support/tools.ts';

describe('api: the until filter of prunes', () => {
  const now = Date.parse('2026-06-01T00:00:00Z');
  const until = (...values: string[]) => pruneUntil(Filters.parse(JSON.stringify({ until: values }), ['until']), now);

  it('is a point in time or a duration back from now', () => {
    assert.equal(pruneUntil(Filters.parse('', []), now), undefined);
    assert.equal(until('1h30m'), now - 5_400_000);
    assert.equal(until('0.5s'), now - 500);
    assert.equal(until('1700000000'), 1_700_000_000_000);
    assert.equal(until('2026-01-01T00:00:00Z'), Date.parse('2026-01-01T00:00:00Z'));
  });

  it('is one, and well formed', () => {
    assert.throws(() => until('1h', '2h'), { message: 'more than one until filter specified' });
    assert.throws(() => until('zz'), { message: 'failed to parse value as time or duration: "zz"' });
  });
});

describe('api: pruning containers', function () {
  this.timeout(60_000);
  let agent: RunningAgent;
  let docker: Docker;

  before(async function () {
    requires(this, { root: true });
    agent = await startAgent();
    docker = new Docker({ socketPath: agent.socket });
    await loadStarterImage(docker);
  });
  after(() => agent?.stop());

  const create = (name: string, labels: Record<string, string> = {}) =>
    docker.createContainer({
      name,
      Image: starterImage,
      Cmd: ['sleep', '1000'],
      Labels: labels,
      HostConfig: { NetworkMode: 'none' },
    });
  const prune = async (filters: Record<string, string[]>) => {
    const query = encodeURIComponent(JSON.stringify(filters));
    const { status, body } = await ask(agent.socket, 'POST', `/containers/prune?filters=${query}`);
    assert.equal(status, 200, body);
    return JSON.parse(body);
  };

  it('takes what does not run and matches, and tells how much that was', async () => {
    const [idle, kept, running] = [
      await create('idle', { a: '1' }),
      await create('kept', { a: '1', keep: 'y' }),
      await create('up'),
    ];
    await running.start();
    assert.deepEqual(await prune({ label: ['a=2'] }), { ContainersDeleted: null, SpaceReclaimed: 0 });
    assert.deepEqual(await prune({ until: ['1h'] }), { ContainersDeleted: null, SpaceReclaimed: 0 });
    assert.deepEqual(await prune({ label: ['a'], 'label!': ['keep'] }), {
      ContainersDeleted: [idle.id],
      SpaceReclaimed: 0,
    });
    assert.deepEqual((await prune({})).ContainersDeleted, [kept.id]);
    await running.kill();
    await running.wait();
    const written = await docker.run(starterImage, ['sh', '-c', 'echo 1234567 > /written'], process.stderr, {
      HostConfig: { NetworkMode: 'none' },
    });
    assert.equal(written[0].StatusCode, 0);
    assert.equal((await prune({})).SpaceReclaimed, 8);
    const { body } = await ask(agent.socket, 'GET', `/events?since=1&until=${Date.now() / 1000}`);
    const prunes = body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ Action }) => Action === 'prune');
    assert.equal(prunes.length, 5);
    assert.deepEqual(prunes.at(-1).Actor, { ID: '', Attributes: { reclaimed: '8' } });
  });

  it('refuses filters that it does not know', async () => {
    const { status, body } = await ask(agent.socket, 'POST', '/containers/prune?filters={"name":["x"]}');
    assert.deepEqual([status, JSON.parse(body)], [400, { message: "invalid filter 'name'" }]);
  });
});
