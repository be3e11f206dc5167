import assert from 'node:assert/strict';
import Docker from 'dockerode';
import { until } from '../../../scripts/processes.ts';
import { starterImage } from '../../../scripts/starter-image.ts';
import type { CgroupReading } from '../../../src/protocol/usage.ts';
import type { UpdatePlan, UsageHistory } from '../../../src/protocol/usage-history.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { loadStarterImage } from '../../support/starter.ts';
import { requires } from '../../support/tools.ts';

const M = 1 << 20;

describe('api: what containers used before, and what an update would write', function () {
  this.timeout(120_000);
  let agent: RunningAgent;
  let docker: Docker;
  let container: Docker.Container;

  before(async function () {
    requires(this, { root: true });
    agent = await startAgent();
    docker = new Docker({ socketPath: agent.socket });
    await loadStarterImage(docker);
    container = await docker.createContainer({
      name: 'used',
      Image: starterImage,
      Cmd: ['sleep', '1000'],
      HostConfig: { NetworkMode: 'none', Memory: 64 * M, PidsLimit: 30 },
    });
  });
  after(() => agent?.stop());

  const answer = async <T>(method: string, path: string): Promise<T> => {
    const { status, body: text } = await ask(agent.socket, method, path);
    assert.equal(status, 200, text);
    return JSON.parse(text);
  };
  const usage = () => answer<UsageHistory>('GET', '/porthole/v1/containers/used/usage');
  const planOf = (change: string) => `/porthole/v1/containers/used/update/plan?change=${encodeURIComponent(change)}`;
  const plan = (change: object) => answer<UpdatePlan>('GET', planOf(JSON.stringify(change)));

  it('nothing was used before the first start, and nothing would be written', async () => {
    const { since, interval, at, columns } = await usage();
    assert.ok(since > 0 && interval >= 1000);
    assert.deepEqual([at, columns], [[], {}]);
    assert.deepEqual(await plan({ PidsLimit: 40 }), { live: false, writes: [], warnings: [] });
  });

  it('a start is read soon, and an end is a point without values', async () => {
    await container.start();
    await until('the first reading', async () => (await usage()).at.length > 0);
    const { columns } = await usage();
    assert.equal(columns.memoryLimit?.[0], 64 * M);
    assert.equal(columns.pidsLimit?.[0], 30);
    assert.ok((columns.memory?.[0] ?? 0) > 0);
    await container.stop({ t: 0 });
    await until('the end', async () => (await usage()).columns.memory?.at(-1) === null);
    await container.start();
  });

  it('the plan of an update names file, value now and then; nothing is changed by it', async () => {
    const { live, writes } = await plan({ Memory: 128 * M, MemorySwap: -1, PidsLimit: 40 });
    assert.ok(live);
    const files = writes.map(({ path = '', value, was }) => [path.split('/').at(-1), was, value]);
    const byName = new Map(files.map(([name, ...values]) => [name, values]));
    assert.deepEqual(byName.get('pids.max'), ['30', '40']);
    assert.deepEqual(byName.get('memory.limit_in_bytes') ?? byName.get('memory.max'), [
      String(64 * M),
      String(128 * M),
    ]);
    assert.ok(writes.every(({ line, path = '?', why }) => line.includes(path) && why !== ''));
    const reading = await answer<CgroupReading>('GET', '/porthole/v1/containers/used/cgroup');
    assert.equal(reading.memory?.limit, 64 * M);
    await container.update({ Memory: 128 * M, MemorySwap: -1, PidsLimit: 40 });
    assert.equal((await answer<CgroupReading>('GET', '/porthole/v1/containers/used/cgroup')).memory?.limit, 128 * M);
    assert.deepEqual((await plan({ PidsLimit: 40 })).writes, []);
  });

  it('a limit that cannot be is refused as by the update', async () => {
    for (const [change, words] of [
      ['{"Memory":1}', /6MB/],
      ['{"Memory":"much"}', /Memory/],
      ['{', /invalid JSON/],
    ] as const) {
      const { status, body } = await ask(agent.socket, 'GET', planOf(change));
      assert.equal(status, 400);
      assert.match(body, words);
    }
    const gone = await ask(agent.socket, 'GET', '/porthole/v1/containers/nobody/usage');
    assert.equal(gone.status, 404);
  });
});
