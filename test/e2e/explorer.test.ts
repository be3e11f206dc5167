import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureImage } from '../../scripts/local-agent.ts';
import { screenshotsDir } from '../../scripts/paths.ts';
import { makeStarterImage, starterImage } from '../../scripts/starter-image.ts';
import { requires } from '../support/tools.ts';
import { everyItem, namedElsewhere, untested } from './explorer/covered.ts';
import { scenarios } from './explorer/scenarios.ts';
import { hostName, Scene } from './explorer/scene.ts';

describe('everything that a user can do', () => {
  it('has a test, and every scenario is about something there is', async () => {
    const there = await everyItem();
    const covered = new Set<string>(scenarios.flatMap(({ covers }) => covers));
    const rest = there.filter((item) => !covered.has(item) && !untested.includes(item));
    const elsewhere = await namedElsewhere(rest);
    assert.deepEqual(
      rest.filter((item) => !elsewhere.includes(item)),
      [],
      'no test',
    );
    assert.deepEqual(
      [...covered].filter((item) => !there.includes(item)),
      [],
      'nothing there',
    );
  });
});

describe('the explorer over SSH', function () {
  this.timeout(180_000);
  let scene: Scene;

  before(async function () {
    requires(this, { root: true, programs: ['chromium', 'sshd', 'docker-registry', 'htpasswd'] });
    scene = await Scene.open();
    try {
      await scene.workbench.openContainer('Porthole');
      const host = await scene.row('row host', 'Hosts', new RegExp(`^${hostName}`));
      await scene.choose(host, 'porthole.host.connect');
      await scene.says(host, /Linux \d/);
      await ensureImage(scene.docker, starterImage, makeStarterImage);
      await scene.image('porthole/starter');
      scene.takeNotes();
    } catch (failure) {
      await picture('before');
      throw failure;
    }
  });

  after(() => scene?.close());

  for (const { name, covers, run } of scenarios) {
    it(name, async () => {
      try {
        await run(scene);
        const done = scene.takeNotes();
        assert.deepEqual(
          covers.filter((item) => !done.includes(item)),
          [],
          'it covers what it says',
        );
      } catch (failure) {
        await picture(name);
        throw failure;
      }
    });
  }

  afterEach(() => scene?.tidy());

  async function picture(name: string): Promise<void> {
    await mkdir(screenshotsDir, { recursive: true });
    await scene.page.screenshot({ path: join(screenshotsDir, `explorer-${name.replaceAll(/\W+/g, '-')}.png`) });
  }
});
