import assert from 'node:assert/strict';
import { requires } from '../support/tools.ts';
import { stormArchives } from './archive-campaign.ts';

const seed = Number(process.env['PORTHOLE_SEED'] ?? 4711);
const count = 200;

describe(`fuzz: archives (PORTHOLE_SEED=${seed}, or test/fuzz/run.ts --archives 20000 for more)`, function () {
  this.timeout(600_000);
  before(function () {
    requires(this, { root: true });
  });

  it(`${count} hostile archives: each is refused or taken whole, and nothing is left`, async () => {
    const { ends, findings, descriptors } = await stormArchives({ seed, count });
    assert.deepEqual(findings, []);
    assert.ok(descriptors.length <= 4, `more open files than before: ${descriptors.join(' ')}`);
    assert.ok((ends.get('taken') ?? 0) > count / 20, 'some are still good');
    assert.ok((ends.get('invalid') ?? 0) > count / 5, 'many are not');
  });
});
