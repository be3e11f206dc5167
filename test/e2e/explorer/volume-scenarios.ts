import { starterImage } from '../../../scripts/starter-image.ts';
import type { Scenario } from './scenario.ts';
import { hostName } from './scene.ts';

export const volumeScenarios: readonly Scenario[] = [
  {
    name: 'a volume is made, described, and removed after a question that names it and its host',
    covers: [
      'porthole.volume.create',
      'porthole.volume.inspect',
      'porthole.volume.remove',
      'row volume',
      'view volumes',
    ],
    run: async (scene) => {
      await scene.fromTitle('Volumes', 'porthole.volume.create');
      await scene.answer(new RegExp(`Create a volume on ${hostName}`), 'shelf');
      const row = await scene.row('row volume', 'Volumes', /^shelf/);
      await scene.choose(row, 'porthole.volume.inspect');
      await scene.shows('page inspect', /Volume shelf[\s\S]*Where it lies/);
      await scene.choose(row, 'porthole.volume.remove');
      await scene.workbench.confirm(new RegExp(`shelf from ${hostName}`), /^Remove/);
      await row.waitFor({ state: 'detached' });
    },
  },
  {
    name: 'a volume that is mounted stays, and those that are not go',
    covers: ['porthole.volume.prune'],
    run: async (scene) => {
      await scene.docker.createVolume({ Name: 'spare' });
      await scene.docker.createVolume({ Name: 'needed' });
      await scene.started('owner', { Image: starterImage, HostConfig: { Binds: ['needed:/data'] } });
      const spare = await scene.row('row volume', 'Volumes', /^spare/);
      const needed = await scene.row('row volume', 'Volumes', /^needed/);
      await scene.says(needed, /owner/);
      await scene.fromTitle('Volumes', 'porthole.volume.prune');
      await scene.workbench.confirm(new RegExp(`on ${hostName}[\\s\\S]*spare`), /^Remove/);
      await spare.waitFor({ state: 'detached' });
      await needed.waitFor();
      await scene.docker.getContainer('owner').remove({ force: true });
      await scene.docker.getVolume('needed').remove();
      await needed.waitFor({ state: 'detached' });
    },
  },
];
