import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { file, tarOf } from '../agent/store/rig.ts';
import { Lanes } from '../conformance/lanes.ts';
import { requires } from '../support/tools.ts';
import { differences, differingSections } from './differences.ts';
import { parsedExpectation, rendered, sameSections, without } from './expectation.ts';
import { startFileServer } from './file-server.ts';
import { expectationOf, type Fixture, findFixtures } from './fixture.ts';
import { buildEverywhere, type Outcome, type Place, type Section, sections } from './outcome.ts';
import { startBuildPlaces } from './places.ts';

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
    const started = await startBuildPlaces(stops);
    const places: readonly Place[] = started.map((place) => ({ ...place, server: server.address }));
    lanes = new Lanes(fixtures, [places, places, places], buildEverywhere);
  });

  after(async () => {
    await lanes?.settled();
    for (const stop of stops.reverse()) await stop();
  });

  for (const fixture of fixtures) {
    it(fixture.name, async () => {
      const [ours, theirs] = await lanes.run(fixture);
      assert.ok(ours && theirs);
      const differing = differingSections(fixture.name);
      if (process.env['UPDATE_GOLDEN']) updateExpectation(fixture, { ours, theirs });
      const expected = parsedExpectation(readFileSync(expectationOf(fixture), 'utf8'));
      const agreed = rendered(without(expected, differing));
      assert.equal(rendered(without(theirs, differing)), agreed, 'dockerd');
      assert.deepEqual(sameSections(theirs, expected, differing), [], 'no difference any more');
      assert.equal(rendered(ours), rendered(expected), 'ours');
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

/** Where dockerd differs, what is written down is ours: to be looked at before it is believed. */
function updateExpectation(fixture: Fixture, { ours, theirs }: { ours: Outcome; theirs: Outcome }): void {
  const own = differingSections(fixture.name);
  const merged = sections.flatMap((section): [Section, readonly string[]][] => {
    const lines = (own.includes(section) ? ours : theirs).get(section);
    return lines === undefined ? [] : [[section, lines]];
  });
  writeFileSync(expectationOf(fixture), rendered(new Map(merged)));
}
