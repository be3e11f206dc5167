import assert from 'node:assert/strict';
import { requires } from '../support/tools.ts';
import { unknownBodies } from './api-words.ts';
import { type Report, stormBodies, stormRequests } from './campaign.ts';
import { type Counted, openWorld, type World } from './world.ts';

/** A slice of what `run.ts` does at length, the same in every run: what other seeds find is not this change's fault. */
const counts = { requests: 1_000, bodies: 200 };
const seed = Number(process.env['PORTHOLE_SEED'] ?? 20261130);

describe(`fuzz: whatever is sent (PORTHOLE_SEED=${seed}, or test/fuzz/run.ts for more)`, function () {
  this.timeout(180_000);
  let world: World;
  let first: Counted;

  before(async function () {
    requires(this, { root: true });
    world = await openWorld();
    await world.restore();
    await world.empty();
    first = await world.count();
  });
  after(() => world?.close());

  /** Every answer is one of Docker's, nothing went wrong that nobody heard of, and nothing is left. */
  async function check({ findings }: Report): Promise<void> {
    assert.deepEqual(findings, []);
    assert.doesNotMatch(world.agent.stderr(), /unhandled/);
    await world.docker.ping();
    await world.empty();
    const { mounts, cgroups, shims, directories, descriptors, resident } = await world.count();
    assert.deepEqual({ mounts, cgroups, shims, directories }, { mounts: [], cgroups: [], shims: [], directories: [] });
    const more = descriptors.filter((one) => !first.descriptors.includes(one));
    assert.ok(more.length <= 4, `more open files than before: ${more.join(' ')}`);
    assert.ok(resident < 400, `${resident} MB`);
  }

  it('every body that a route reads is tried', () => {
    assert.deepEqual(unknownBodies(), []);
  });

  it(`${counts.bodies} mutated create bodies: each is refused, or makes a container that can be removed`, async () => {
    const report = await stormBodies(world, { seed, count: counts.bodies });
    await check(report);
    assert.ok((report.statuses.get(201) ?? 0) > counts.bodies / 20, 'some bodies are still good');
  });

  it(`${counts.requests} requests for what there is, with what nobody expects`, async () => {
    const report = await stormRequests(world, { seed, count: counts.requests });
    await check(report);
    assert.ok(report.statuses.size > 6);
  });
});
