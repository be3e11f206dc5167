import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { file, tarOf } from '../agent/store/rig.ts';
import { busyboxTar, docker, type Engine, socketOf } from '../conformance/engine.ts';
import { Lanes } from '../conformance/lanes.ts';
import { ask } from '../support/agent.ts';
import { startDockerd } from '../support/dockerd.ts';
import { requires } from '../support/tools.ts';
import { differences, differingSections } from './differences.ts';
import { parsedExpectation, rendered, sameSections, without } from './expectation.ts';
import { startFileServer } from './file-server.ts';
import { expectationOf, type Fixture, findFixtures } from './fixture.ts';
import { buildEverywhere, type Outcome, type Place, type Section, sections } from './outcome.ts';

/** `docker build` of every fixture, on each engine in the same run. UPDATE_GOLDEN=1 writes down what dockerd makes. */
describe('builds, as dockerd does them', function () {
  this.timeout(180_000);
  const fixtures = findFixtures();
  const stops: (() => Promise<unknown>)[] = [];
  let lanes: Lanes<Fixture, readonly Place[], Outcome[]>;

  before(async function () {
    requires(this, { root: true, programs: ['docker', 'dockerd', 'busybox', 'tar', 'bzip2', 'xz'] });
    const archive = await tarOf([file('inside', 'inside\n')]);
    const server = await startFileServer({ '/archive.tar': { body: archive } });
    stops.push(() => server.close());
    const dockerd = await startDockerd();
    stops.push(() => dockerd.stop());
    const engines: Engine[] = [{ name: 'dockerd', host: dockerd.host }];
    const places: readonly Place[] = await Promise.all(
      engines.map(async (engine) => ({ engine, server: server.address, baseLayers: await importBase(engine) })),
    );
    lanes = new Lanes(fixtures, [places, places, places], buildEverywhere);
  });

  after(async () => {
    await lanes?.settled();
    for (const stop of stops.reverse()) await stop();
  });

  for (const fixture of fixtures) {
    it(fixture.name, async () => {
      const [theirs] = await lanes.run(fixture);
      assert.ok(theirs);
      const differing = differingSections(fixture.name);
      if (process.env['UPDATE_GOLDEN']) updateExpectation(fixture, theirs);
      const expected = expectation(fixture);
      assert.equal(rendered(without(theirs, differing)), rendered(without(expected, differing)));
      assert.deepEqual(sameSections(theirs, expected, differing), [], 'no difference any more');
    });
  }

  it('differences are listed of fixtures that there are', () => {
    const names = new Set(fixtures.map(({ name }) => name));
    const listed = differences.flatMap((row) => row.fixtures);
    assert.deepEqual(
      listed.filter((name) => !names.has(name)),
      [],
    );
  });
});

const expectation = (fixture: Fixture): Outcome => parsedExpectation(readFileSync(expectationOf(fixture), 'utf8'));

/** What dockerd does otherwise than we is written by hand. */
function updateExpectation(fixture: Fixture, theirs: Outcome): void {
  const own = differingSections(fixture.name);
  const before = own.length > 0 ? expectation(fixture) : new Map();
  const merged = sections.flatMap((section): [Section, readonly string[]][] => {
    const lines = (own.includes(section) ? before : theirs).get(section);
    return lines === undefined ? [] : [[section, lines]];
  });
  writeFileSync(expectationOf(fixture), rendered(new Map(merged)));
}

/** Gives an engine the image that the fixtures begin with. Resolves with its layers. */
async function importBase(engine: Engine): Promise<ReadonlySet<string>> {
  const { code, stderr } = await docker(engine, ['import', '-', 'busybox'], { input: await busyboxTar() });
  assert.equal(code, 0, stderr);
  const { body } = await ask(socketOf(engine), 'GET', '/v1.41/images/busybox/json');
  const { RootFS }: { RootFS: { Layers: string[] } } = JSON.parse(body);
  return new Set(RootFS.Layers);
}
