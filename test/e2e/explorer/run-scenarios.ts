import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { until } from '../../../scripts/processes.ts';
import { starterImage } from '../../../scripts/starter-image.ts';
import { startRegistry } from '../../support/registry.ts';
import { which } from '../../support/tools.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';
import { tarOf } from './tar.ts';

/** What is on its way when a container is chosen step by step: none of it may be there afterwards. */
async function chooseAll(scene: Scene): Promise<void> {
  await scene.answer(/: name/, 'chosen');
  await scene.answer(/: command/, `sh -c 'echo "$WORD" > /kept/word; exec sleep 1000'`);
  await scene.chooseIn(/: how it runs/, /By itself/);
  await scene.answer(/: environment/, `WORD='two words'`);
  await scene.chooseIn(/: mounts/, /Add a volume/);
  await scene.answer(/Name of the volume/, 'scene-kept');
  await scene.answer(/Where in the container/, '/kept');
  await scene.chooseIn(/: mounts/, /It can be written/);
  await scene.chooseIn(/scene-kept → \/kept/, /Continue/);
  await scene.chooseIn(/: limits/, /Memory/);
  await scene.answer(/: Memory/, '48m');
  // There and back again: what was answered stays.
  await scene.pressIn(/: limits.*48/s, /Back/);
  await scene.chooseIn(/scene-kept → \/kept/, /Continue/);
  await scene.chooseIn(/: limits/, /Continue/);
  await scene.answer(/: user/, '');
  await scene.answer(/: directory/, '/tmp');
  await scene.chooseIn(/: network/, /None/);
  await scene.chooseIn(/: options/, /An init process/);
  await scene.pressIn(/: options/, /OK/);
  await scene.chooseIn(/: restart/, /Stay ended/);
}

export const runScenarios: readonly Scenario[] = [
  {
    name: 'an image runs as it was chosen step by step, with the plan before it; the next time that is remembered',
    covers: ['porthole.image.runWith'],
    run: async (scene) => {
      const image = await scene.image('porthole/starter');
      await scene.choose(image, 'porthole.image.runWith');
      await chooseAll(scene);
      const review = /This is what was chosen|docker run/;
      await scene.chooseIn(review, /Show what is going to happen/);
      await scene.editorSays(/# docker run --detach --name chosen[\s\S]*48/);
      await scene.chooseIn(review, /Run it/);
      await scene.says(await scene.container('chosen'), /running/);
      const { Config, HostConfig, Mounts } = await scene.docker.getContainer('chosen').inspect();
      assert.deepEqual(
        [HostConfig.Memory, HostConfig.Init, Config.WorkingDir, Config.Env.includes('WORD=two words'), Mounts[0]?.Name],
        [48 << 20, true, '/tmp', true, 'scene-kept'],
      );

      await scene.choose(image, 'porthole.image.runWith');
      await scene.pressIn(/: name/, /Keep the Rest/);
      await scene.chooseIn(review, /Copy the docker run line/);
      await until('the line is in the clipboard', async () =>
        /^docker run --detach --init --workdir \/tmp --memory 50331648 .*'WORD=two words'/.test(
          await scene.clipboard(),
        ),
      );
      await scene.page.keyboard.press('Escape');
      await scene.docker.getContainer('chosen').remove({ force: true });
      await scene.docker.getVolume('scene-kept').remove();
    },
  },
  {
    name: 'a name that is taken is freed, or another one is chosen',
    covers: ['porthole.image.runWith'],
    run: async (scene) => {
      const first = await scene.started('taken');
      const image = await scene.image('porthole/starter');
      const runAs = async (name: string) => {
        await scene.answer(/: name/, name);
        await scene.pressIn(/: command/, /Keep the Rest/);
        await scene.chooseIn(/Run it/, /Run it/);
      };
      await scene.choose(image, 'porthole.image.runWith');
      await runAs('taken');
      await scene.pressOffered(/"\/taken" is already in use/, /Choose Another Name/);
      await runAs('another');
      await scene.container('another');
      await scene.choose(image, 'porthole.image.runWith');
      await runAs('taken');
      await scene.pressOffered(/"\/taken" is already in use/, /^Remove taken/);
      await scene.workbench.confirm(/Remove the container taken/, /^Remove/);
      await until('another one has the name', async () => {
        const found = await scene.docker
          .getContainer('taken')
          .inspect()
          .catch(() => undefined);
        return found !== undefined && found.Id !== first.id && found.State.Running;
      });
    },
  },
  {
    name: 'an image that is not there is pulled and run; a program that is not there is told, and nothing stays',
    covers: ['porthole.image.runWith'],
    run: async (scene) => {
      const registry = await startRegistry();
      try {
        const repo = `${registry.host}/scene/afar`;
        await scene.docker.getImage(starterImage).tag({ repo, tag: '1' });
        const pushing = await scene.docker.getImage(repo).push({ tag: '1' });
        for await (const part of pushing) void part;
        await scene.docker.getImage(`${repo}:1`).remove();
        await scene.workbench.row('Images', /scene\/afar/).waitFor({ state: 'detached' });
        await scene.fromPalette('porthole.image.runWith');
        await scene.select(/Another Image/);
        await scene.answer(/Which image shall run/, `${repo}:1`);
        await scene.pressOffered(/No such image/, /^Pull/);
        await scene.answer(/: name/, 'nothing');
        await scene.answer(/: command/, 'no-such-program');
        await scene.pressIn(/: how it runs/, /Keep the Rest/);
        await scene.chooseIn(/Run it/, /Run it/);
        await scene.pressOffered(/no-such-program/, /Change What Was Chosen/);
        await until('nothing stays', async () => (await scene.docker.listContainers({ all: true })).length === 0);
        await scene.answer(/: name/, 'something');
        await scene.answer(/: command/, 'sleep 1000');
        await scene.pressIn(/: how it runs/, /Keep the Rest/);
        await scene.chooseIn(/Run it/, /Run it/);
        await scene.says(await scene.container('something'), /running/);
        await scene.docker.getContainer('something').remove({ force: true });
        await scene.docker.getImage(`${repo}:1`).remove();
      } finally {
        await registry.stop();
      }
    },
  },
  {
    name: 'a command that needs a running container offers to start it',
    covers: ['porthole.container.exec'],
    run: async (scene) => {
      const made = await scene.started('asleep');
      const row = await scene.container('asleep');
      await scene.says(row, /running/);
      // A menu that was opened before stays open while the container ends.
      await row.click({ button: 'right' });
      const item = scene.page.getByRole('menuitem', { name: /^Exec Shell/ });
      await item.waitFor();
      await made.stop();
      await scene.says(row, /exited/);
      await until('the menu closes', async () => {
        if (await item.isVisible()) await item.click({ timeout: 5_000 }).catch(() => undefined);
        return !(await item.isVisible());
      });
      scene.note('porthole.container.exec');
      await scene.pressOffered(/asleep is not as this needs it/, /^Start/);
      await scene.terminalSays(/[#$] *$/m);
    },
  },
  {
    name: 'a container without a shell says so, and runs what it has',
    covers: ['porthole.container.exec'],
    run: async (scene) => {
      // Busybox is what it is called: under this name alone it sleeps.
      const busybox = which('busybox');
      assert.ok(busybox !== undefined);
      const files = await tarOf({ sleep: await readFile(busybox) }, 0o755);
      const changes = 'ENTRYPOINT ["/sleep"]';
      const answers = await scene.docker.importImage(Readable.from([files]), { repo: 'scene/bare', tag: '1', changes });
      for await (const part of answers) void part;
      await scene.started('bare', { Image: 'scene/bare:1', Cmd: ['1000'] });
      await scene.choose(await scene.container('bare'), 'porthole.container.exec');
      await scene.chooseIn(/bare has no shell/, /Run a Program/);
      await scene.answer(/Which program shall run in bare/, '/sleep 0');
      await scene.terminalSays(/exit code 0/);
      await scene.docker.getContainer('bare').remove({ force: true });
      await scene.docker.getImage('scene/bare:1').remove();
    },
  },
  {
    name: 'an image that is used offers to remove what uses it',
    covers: ['porthole.image.remove'],
    run: async (scene) => {
      await scene.started('user');
      const user = await scene.container('user');
      await scene.choose(await scene.image('porthole/starter'), 'porthole.image.remove');
      await scene.pressOffered(/is used by user/, /^Remove These Containers/);
      await scene.workbench.confirm(/Remove the container user/, /^Remove/);
      await user.waitFor({ state: 'detached' });
    },
  },
];
