import type { Scenario } from './scenario.ts';

export const compareScenarios: readonly Scenario[] = [
  {
    name: 'two images that are selected are compared, and a container with its image: every file that differs',
    covers: ['porthole.image.compare', 'porthole.container.compare'],
    run: async (scene) => {
      const { workbench } = scene;
      const container = await scene.started('differs', {
        Cmd: ['sh', '-c', 'echo quite another > /etc/motd; echo new > /added'],
      });
      await container.wait();
      await container.commit({ repo: 'scene/differs', tag: '1' });
      const other = await scene.image('scene/differs:1');
      await scene.choose(await scene.image('porthole/starter'), 'porthole.image.compare', [other]);
      await workbench.tab(/starter.* ↔ scene\/differs:1|scene\/differs:1 ↔ .*starter/).waitFor();
      await scene.editorSays(/quite another/);
      await workbench.command('View: Close All Editors');

      await scene.choose(await scene.container('differs'), 'porthole.container.compare');
      await scene.chooseIn(/Compare differs with what/, /starter.*made from/s);
      await workbench.tab(/differs ↔ .*starter/).waitFor();
      await scene.editorSays(/quite another/);

      await container.commit({ repo: 'scene/differs', tag: '2', comment: 'as before' });
      // Not one of those that are still selected.
      await scene.choose(await scene.image('scene/differs:2'), 'porthole.image.compare');
      await scene.chooseIn(/Compare scene\/differs:2 with what/, /scene\/differs:1/);
      await scene.told(/have the same files/);
      await container.remove();
      for (const tag of ['1', '2']) await scene.docker.getImage(`scene/differs:${tag}`).remove();
    },
  },
];
