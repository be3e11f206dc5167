import { until } from '../../../scripts/processes.ts';
import { starterImage } from '../../../scripts/starter-image.ts';
import type { Scenario } from './scenario.ts';
import { hostName, secondName } from './scene.ts';

/** The last ones: afterwards nothing is connected. */
export const hostScenarios: readonly Scenario[] = [
  {
    name: 'everything is read anew',
    covers: ['porthole.refresh', 'view containers', 'view images'],
    run: async (scene) => {
      await scene.started('still-there');
      await scene.container('still-there');
      await scene.fromTitle('Containers', 'porthole.refresh');
      await scene.container('still-there');
      await scene.fromTitle('Images', 'porthole.refresh');
      await scene.image(starterImage.replace(/:.*/, ''));
    },
  },
  {
    name: 'two hosts are in one tree, each with its own rows',
    covers: ['row group', 'porthole.host.connect', 'porthole.host.disconnect'],
    run: async (scene) => {
      await scene.started('seen-twice');
      await scene.container('seen-twice');
      const second = await scene.row('row host', 'Hosts', new RegExp(`^${secondName}`));
      await scene.choose(second, 'porthole.host.connect');
      await scene.row('row group', 'Containers', new RegExp(`^${secondName}`));
      const rows = scene.workbench
        .view('Containers')
        .getByRole('treeitem')
        .filter({ hasText: /^seen-twice/ });
      await until('both are there', async () => (await rows.count()) === 2);
      await scene.choose(second, 'porthole.host.disconnect');
      await until('one is there', async () => (await rows.count()) === 1);
    },
  },
  {
    name: 'a host that does not answer is added, says why, and is removed',
    covers: ['porthole.host.add', 'porthole.host.remove', 'view hosts'],
    run: async (scene) => {
      await scene.fromTitle('Hosts', 'porthole.host.add');
      await scene.answer(/Add SSH Host/, 'nobody@127.0.0.1:1');
      const row = await scene.row('row host', 'Hosts', /127\.0\.0\.1:1/);
      await scene.says(row, /failed|refused/i);
      await scene.told(/refused/i);
      await scene.choose(row, 'porthole.host.remove');
      await scene.workbench.confirm(/nobody@127\.0\.0\.1:1/, /^Remove/);
      await row.waitFor({ state: 'detached' });
    },
  },
  {
    name: 'the connection log opens',
    covers: ['porthole.host.showLog'],
    run: async (scene) => {
      await scene.choose(await scene.row('row host', 'Hosts', new RegExp(`^${hostName}`)), 'porthole.host.showLog');
      // Its lines are written by a compiled module that a VS Code of npm does not have: that it is shown is all that can be seen.
      await scene.page.locator('.part.panel').getByRole('combobox').filter({ hasText: 'Porthole' }).waitFor();
    },
  },
  {
    name: 'a host is disconnected, its containers go on, and it is connected again',
    covers: ['porthole.host.disconnect', 'porthole.host.connect', 'row host'],
    run: async (scene) => {
      await scene.started('goes-on');
      const container = await scene.container('goes-on');
      const host = await scene.row('row host', 'Hosts', new RegExp(`^${hostName}`));
      await scene.choose(host, 'porthole.host.disconnect');
      await scene.says(host, /not connected/);
      await container.waitFor({ state: 'detached' });
      // What needs a host says so, and offers to connect one.
      await scene.fromPalette('porthole.image.pull');
      await scene.pressOffered(/No host is connected/, /^Connect/);
      await scene.select(new RegExp(hostName));
      scene.note('porthole.host.connect');
      await scene.says(await scene.container('goes-on'), /running/);
    },
  },
];
