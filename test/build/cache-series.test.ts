import assert from 'node:assert/strict';
import { busyboxTar, docker, type Engine } from '../conformance/engine.ts';
import { requires } from '../support/tools.ts';
import { singleStage, twoStages } from './cache-edits.ts';
import { Series } from './cache-series.ts';
import { startBuildPlaces } from './places.ts';

/** The same edits, each followed by a build on every engine: which steps are found in the cache, and which are made. */
describe('the build cache over a series of edits, as of dockerd', function () {
  this.timeout(180_000);
  const stops: (() => Promise<unknown>)[] = [];
  let engines: readonly Engine[] = [];

  before(async function () {
    requires(this, { root: true, programs: ['docker', 'dockerd', 'busybox'] });
    engines = (await startBuildPlaces(stops)).map(({ engine }) => engine);
    const tar = await busyboxTar();
    for (const engine of engines) {
      await docker(engine, ['tag', 'busybox', 'same']);
      await docker(engine, ['import', '-c', 'ENV other=1', '-', 'other'], { input: tar });
    }
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  for (const [name, edits] of Object.entries({ 'one stage': singleStage, 'two stages': twoStages })) {
    describe(name, () => {
      const series = new Series(edits, () => engines);
      after(() => series.close());
      for (const edit of edits) {
        it(edit.name, async () => {
          for (const [engine, steps] of await series.upTo(edit)) assert.equal(steps, edit.steps, engine);
        });
      }
    });
  }
});
