import { starterImage } from '../../../scripts/starter-image.ts';
import type { CommandId } from '../../../src/extension/commands/rows.ts';
import type { Item } from './covered.ts';
import type { Scenario } from './scenario.ts';

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
    name: 'a container is described',
    covers: ['porthole.container.inspect'],
    run: async (scene) => {
      const made = await scene.started('described');
      await scene.choose(await scene.container('described'), 'porthole.container.inspect');
      await scene.editorSays(new RegExp(made.id));
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
