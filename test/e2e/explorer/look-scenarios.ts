import { starterImage } from '../../../scripts/starter-image.ts';
import type { CommandId } from '../../../src/extension/commands/rows.ts';
import type { Item } from './covered.ts';
import type { Scenario } from './scenario.ts';
import { hostName } from './scene.ts';

const pages: readonly {
  readonly page: Item & `page ${string}`;
  readonly command: CommandId;
  readonly words: RegExp;
}[] = [
  { page: 'page birth', command: 'porthole.container.birth', words: /pivot_root/ },
  { page: 'page usage', command: 'porthole.container.usage', words: /cgroup usage of[\s\S]*64 MiB/ },
  { page: 'page timeline', command: 'porthole.container.timeline', words: /Created from porthole\/starter/ },
  { page: 'page isolation', command: 'porthole.container.isolation', words: /Isolation of looked-at[\s\S]*What to do/ },
];

/** What is only looked at: the insides of a container in its tree, and its pages. */
export const lookScenarios: readonly Scenario[] = [
  {
    name: 'the pages of a container show what they are for',
    covers: pages.flatMap(({ page, command }) => [page, command]),
    run: async (scene) => {
      await scene.started('looked-at', { HostConfig: { Memory: 64 << 20 } });
      const row = await scene.container('looked-at');
      for (const { page, command, words } of pages) {
        await scene.choose(row, command);
        await scene.shows(page, words);
      }
    },
  },
  {
    name: 'several containers are compared in one chart, and a limit is changed by hand after its writes were shown',
    covers: ['page usage', 'porthole.container.usage'],
    run: async (scene) => {
      await scene.started('first-of-two', { HostConfig: { Memory: 64 << 20 } });
      await scene.started('other-of-two', { HostConfig: { Memory: 32 << 20 } });
      const [first, other] = [await scene.container('first-of-two'), await scene.container('other-of-two')];
      await scene.choose(first, 'porthole.container.usage', [other]);
      const frame = await scene.shows('page usage', /Memory[\s\S]*first-of-two[\s\S]*64 MiB[\s\S]*other-of-two/);
      await frame.locator('#source').selectOption({ label: 'other-of-two' });
      const memory = frame.getByLabel('Memory', { exact: true });
      await scene.becomes('the limit in force', () => memory.inputValue(), '32 MiB');
      await memory.fill('48m');
      await memory.press('Enter');
      await frame.locator('.writes').getByText('50331648').first().waitFor();
      await frame.locator('.plan').getByRole('button', { name: 'Apply' }).click();
      await frame.locator('.chart').filter({ hasText: 'Memory' }).getByText('48 MiB').first().waitFor();
    },
  },
  {
    name: 'a container is described: what people look for, all of it to be searched, and as a document; it is followed to its end',
    covers: ['porthole.container.inspect', 'page inspect'],
    run: async (scene) => {
      const made = await scene.started('described', { Env: ['WORD=one two'], HostConfig: { Memory: 64 << 20 } });
      await scene.choose(await scene.container('described'), 'porthole.container.inspect');
      const frame = await scene.shows('page inspect', /Container described[\s\S]*running[\s\S]*64 MiB[\s\S]*one two/);
      await frame.getByRole('tab', { name: 'JSON' }).click();
      await frame.locator('#search').fill('one two');
      await frame.locator('#search').press('Enter');
      await frame.locator('.path').filter({ hasText: '$.Config.Env[1]' }).waitFor();
      await frame.locator('#copy-value').click();
      await scene.becomes('what was copied', () => scene.clipboard(), 'WORD=one two');
      await frame.getByRole('tab', { name: 'Summary' }).click();
      await made.kill();
      await frame.locator('.part.state dd').filter({ hasText: 'exited with code 137' }).waitFor();
      await frame.locator('.part.state dd').filter({ hasText: 'A user sent it SIGKILL' }).waitFor();
      await frame.getByRole('tab', { name: 'JSON' }).click();
      await frame.locator('#document').click();
      await scene.editorSays(new RegExp(made.id));
      await scene.workbench.tab('Inspect: described').click();
      await made.remove();
      await scene.shows('page inspect', /described is no longer there/);
    },
  },
  {
    name: 'a container is seen as one layer more on its image, each file beside what lies below',
    covers: ['porthole.container.layers', 'page layers'],
    run: async (scene) => {
      const { page, workbench } = scene;
      await scene.started('drawn', { Cmd: ['sh', '-c', 'echo by the container >/etc/motd; sleep 1000'] });
      await scene.choose(await scene.container('drawn'), 'porthole.container.layers');
      const frame = await scene.shows('page layers', /Layers of drawn[\s\S]*What the container changed/);
      const row = (name: string) =>
        frame.locator('#changes [role=treeitem]', { has: frame.locator('.name', { hasText: name }) });
      // A directory that is alone unfolds by itself.
      await row('motd').click();
      await frame.locator('[data-beside=below]').click();
      await page.locator('.monaco-diff-editor .line-insert').first().waitFor({ state: 'attached' });
      await scene.editorSays(/by the container/);
      // A page that was hidden is made anew.
      await workbench.tab('Layers: drawn').click();
      const again = await scene.shows('page layers', /Layers of drawn[\s\S]*What the container changed/);
      await again.locator('#changes [role=treeitem]').first().waitFor();
      await again.locator('#open-changes').click();
      await workbench.tab(/^Layer \d/).waitFor();
    },
  },
  {
    name: 'namespaces are seen beside those of the host and of other containers, from a container, its row of namespaces, and its host',
    covers: ['porthole.container.namespaces', 'porthole.host.namespaces', 'page namespaces', 'row namespace'],
    run: async (scene) => {
      const { workbench } = scene;
      await scene.started('first');
      await scene.started('joined', { HostConfig: { NetworkMode: 'container:first' } });
      const container = await scene.container('joined');
      await scene.choose(container, 'porthole.container.namespaces');
      const frame = await scene.shows('page namespaces', /Namespaces of joined[\s\S]*first/);
      const row = frame.locator('.matrix tr.chosen');
      const net = row.getByRole('button', { name: /^A ?, shared with first$/ });
      await net.click();
      await frame
        .locator('.members td', { hasText: /^first$/ })
        .first()
        .waitFor();
      await frame
        .locator('.members td', { hasText: /^joined$/ })
        .first()
        .waitFor();
      await scene.docker.getContainer('first').kill();
      await row.locator('td').nth(2).getByRole('button', { name: /^own/ }).waitFor();
      await workbench.command('View: Close All Editors');
      await workbench.unfold(container);
      const section = await scene.row('row section', 'Containers', /^Namespaces/);
      await workbench.unfold(section);
      await scene.choose(await scene.row('row namespace', 'Containers', /^pid/), 'porthole.container.namespaces');
      await scene.shows('page namespaces', /Namespaces of joined/);
      const host = await scene.row('row host', 'Hosts', new RegExp(`^${hostName}`));
      await scene.choose(host, 'porthole.host.namespaces');
      await scene.shows(
        'page namespaces',
        new RegExp(`Namespaces on ${hostName}[\\s\\S]*The host itself[\\s\\S]*joined`),
      );
    },
  },
  {
    name: 'a container unfolds into processes, namespaces, mounts, changes and files',
    covers: [
      'row section',
      'row process',
      'row namespace',
      'row mount',
      'row difference',
      'row entry',
      'row note',
      'porthole.difference.compare',
    ],
    run: async (scene) => {
      const { workbench, page } = scene;
      const Cmd = ['sh', '-c', 'echo changed >/etc/motd; rm /etc/group; sleep 1000; true'];
      const bare = await scene.docker.createContainer({ name: 'bare', Image: starterImage });
      await workbench.unfold(await scene.container('bare'));
      await workbench.unfold(await scene.row('row section', 'Containers', /^Mounts/));
      await scene.row('row note', 'Containers', /^Nothing is mounted/);
      await bare.remove();
      await scene.started('open', { Cmd, HostConfig: { Mounts: [{ Type: 'tmpfs', Source: '', Target: '/scratch' }] } });
      const container = await scene.container('open');
      await workbench.unfold(container);
      const sections: readonly [RegExp, Item & `row ${string}`, RegExp][] = [
        [/^Processes/, 'row process', /^sleep 1000/],
        [/^Namespaces/, 'row namespace', /^pid.*its own/],
        [/^Mounts/, 'row mount', /^\/scratch/],
      ];
      for (const [section, kind, words] of sections) {
        const row = await scene.row('row section', 'Containers', section);
        await workbench.unfold(row);
        await scene.row(kind, 'Containers', words);
        await workbench.fold(row);
      }
      await workbench.unfold(await scene.row('row section', 'Containers', /^Changes/));
      await scene.row('row difference', 'Containers', /^\/etc\/group/);
      await scene.choose(
        await scene.row('row difference', 'Containers', /^\/etc\/motd/),
        'porthole.difference.compare',
      );
      await page.locator('.monaco-diff-editor .line-insert').first().waitFor({ state: 'attached' });
      await workbench.unfold(await scene.row('row section', 'Containers', /^Files/));
      await workbench.unfold(await scene.row('row entry', 'Containers', /^etc/));
      await (await scene.row('row entry', 'Containers', /^motd/)).click();
      await scene.editorSays(/^changed/);
    },
  },
];
