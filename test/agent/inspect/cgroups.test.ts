import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { cpus, totalmem } from 'node:os';
import { createInterface } from 'node:readline';
import { rootsOf } from '../../../src/agent/cgroup/tree.ts';
import { cgroupLens } from '../../../src/agent/inspect/cgroups.ts';
import { readHostFacts } from '../../../src/agent/sys/facts.ts';
import { isKind } from '../../../src/base/errors.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';

describe('cgroups under the lens', function () {
  this.timeout(60_000);
  const parent = `/porthole-test-lens-${process.pid}`;

  it('shows a tree with its processes, whoever made it', async () => {
    const facts = (await readHostFacts()).cgroup;
    const lens = cgroupLens(facts, (id) => id === 'ab'.repeat(32));
    const roots = rootsOf(facts);
    const paths = [parent, `${parent}/one`, `${parent}/${'ab'.repeat(32)}`, `${parent}/${'cd'.repeat(32)}`];
    for (const root of roots) for (const path of paths) mkdirSync(`${root}${path}`);
    try {
      const node = await lens.node(`${parent}/`);
      assert.equal(node.path, parent);
      assert.deepEqual([node.processes, node.processesBelow], [0, 0]);
      assert.deepEqual(
        node.children.map(({ name, container, hasChildren }) => [name, container, hasChildren]),
        [
          ['ab'.repeat(32), 'ab'.repeat(32), false],
          ['cd'.repeat(32), undefined, false],
          ['one', undefined, false],
        ],
      );
      assert.equal(node.reading.pids?.current, 0);
      assert.equal(node.reading.frozen, false);
      const whole = await lens.node('/');
      const mine = whole.children.find(({ path }) => path === parent);
      assert.deepEqual([mine?.hasChildren, mine?.processesBelow], [true, 0]);
      assert.ok(whole.processesBelow > 0);
    } finally {
      for (const root of roots) for (const path of paths.toReversed()) rmdirSync(`${root}${path}`);
    }
    await assert.rejects(lens.node(parent), (failure) => isKind(failure, 'not-found'));
    for (const bad of ['x', '/../etc', '/a/./b', '/a\0b']) {
      await assert.rejects(lens.node(bad), (failure) => isKind(failure, 'invalid'), bad);
    }
  });

  it('tells what the host has', async () => {
    const capacity = await cgroupLens((await readHostFacts()).cgroup, () => false).capacity();
    assert.equal(capacity.cpus, cpus().length);
    assert.ok(Math.abs(capacity.memory.total - totalmem()) < 2 ** 20);
    assert.equal(capacity.processes.limit, Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')));
    assert.ok(capacity.cpuIdle < capacity.cpuTime);
    assert.equal(capacity.pressure !== undefined, hasPressure());
  });

  describe('over the API', () => {
    let agent: RunningAgent;
    before(async () => {
      agent = await startAgent();
    });
    after(() => agent.stop());

    it('answers once, or with a line per interval until the client leaves', async () => {
      const once = await ask(agent.socket, 'GET', '/porthole/v1/cgroups?path=/');
      assert.equal(once.status, 200);
      assert.equal(JSON.parse(once.body).path, '/');
      const lines = await firstLines(agent, '/porthole/v1/cgroups?path=/&stream=1&interval=100', 3);
      const times = lines.map((line): number => JSON.parse(line).at);
      assert.ok(
        times.every((at, index) => index === 0 || at > (times[index - 1] ?? 0)),
        String(times),
      );
      const [capacity] = await firstLines(agent, '/porthole/v1/capacity?stream=1&interval=100', 1);
      assert.equal(JSON.parse(capacity ?? '').cpus, cpus().length);
    });

    it('says what is wrong', async () => {
      const status = async (query: string) => (await ask(agent.socket, 'GET', `/porthole/v1/cgroups?${query}`)).status;
      assert.equal(await status('path=/none/such'), 404);
      assert.equal(await status('path=/none/such&stream=1'), 404);
      assert.equal(await status('path=../x'), 400);
      assert.equal(await status('stream=1&interval=5'), 400);
      assert.equal(await status('stream=1&interval=fast'), 400);
    });
  });
});

function hasPressure(): boolean {
  try {
    return readFileSync('/proc/pressure/cpu', 'utf8') !== '';
  } catch {
    return false;
  }
}

async function firstLines(agent: RunningAgent, path: string, count: number): Promise<string[]> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ socketPath: agent.socket, path, agent: false }, resolve).once('error', reject);
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: response })) {
    lines.push(line);
    if (lines.length === count) break;
  }
  response.destroy();
  return lines;
}
