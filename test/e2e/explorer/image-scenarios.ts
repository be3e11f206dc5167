import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { starterImage } from '../../../scripts/starter-image.ts';
import { followAnswers } from '../../../src/extension/commands/load-answers.ts';
import { startRegistry } from '../../support/registry.ts';
import type { Scenario } from './scenario.ts';
import { hostName, type Scene } from './scene.ts';
import { tarOf } from './tar.ts';

/** A second image of a container's files, with a name of its own. */
async function madeImage(scene: Scene, repo: string): Promise<void> {
  const made = await scene.docker.createContainer({ Image: starterImage });
  await made.commit({ repo, tag: '1', comment: repo });
  await made.remove();
}

/** An archive of an image whose only layer has nothing in it. */
async function imageOfNothing(name: string): Promise<Buffer> {
  const layer = await tarOf({});
  const diffId = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
  const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } };
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }];
  return tarOf({
    'layer.tar': layer,
    'config.json': JSON.stringify(config),
    'manifest.json': JSON.stringify(manifest),
  });
}

export const imageScenarios: readonly Scenario[] = [
  {
    name: 'an image runs',
    covers: ['row image', 'porthole.image.run'],
    run: async (scene) => {
      await scene.choose(await scene.image('porthole/starter'), 'porthole.image.run');
      const row = await scene.row('row container', 'Containers', /porthole\/starter/);
      await scene.says(row, /running/);
    },
  },
  {
    name: 'an image runs in a terminal, with a program of choice',
    covers: ['porthole.image.runInteractive'],
    run: async (scene) => {
      await scene.choose(await scene.image('porthole/starter'), 'porthole.image.runInteractive');
      await scene.answer(/Run .*starter.* in a terminal/, `sh -c 'echo "so: $((40+2))"; read -r x; exit 6'`);
      await scene.terminalSays(/so: 42/);
      await scene.workbench.type('\n');
      await scene.terminalSays(/exit code 6/);
    },
  },
  {
    name: 'an image is described',
    covers: ['porthole.image.inspect'],
    run: async (scene) => {
      await scene.choose(await scene.image('porthole/starter'), 'porthole.image.inspect');
      await scene.shows('page inspect', /Image porthole\/starter[\s\S]*Used by[\s\S]*no container/);
    },
  },
  {
    name: 'an image’s id is in the clipboard',
    covers: ['porthole.image.copyId'],
    run: async (scene) => {
      const { Id } = await scene.docker.getImage(starterImage).inspect();
      await scene.choose(await scene.image('porthole/starter'), 'porthole.image.copyId');
      await scene.becomes('the id', () => scene.clipboard(), Id);
    },
  },
  {
    name: 'an image’s name and digest are in the clipboard; one that was never pushed has none',
    covers: ['porthole.image.copyName', 'porthole.image.copyDigest'],
    run: async (scene) => {
      const image = await scene.image('porthole/starter');
      await scene.choose(image, 'porthole.image.copyName');
      await scene.becomes('the name', () => scene.clipboard(), starterImage);
      await scene.choose(image, 'porthole.image.copyDigest');
      await scene.told(/has no digest/);
    },
  },
  {
    name: 'an image’s history is a table of its instructions',
    covers: ['porthole.image.history'],
    run: async (scene) => {
      await scene.choose(await scene.image('porthole/starter'), 'porthole.image.history');
      await scene.editorSays(/Created +Size +Instruction[\s\S]*edit \/etc\/motd/);
    },
  },
  {
    name: 'an image loses one of its names, and goes with the last after a question',
    covers: ['porthole.image.untag'],
    run: async (scene) => {
      await madeImage(scene, 'scene/named');
      await scene.docker.getImage('scene/named:1').tag({ repo: 'scene/other-name', tag: '2' });
      const names = async () => {
        const images = await scene.docker.listImages();
        return images.flatMap(({ RepoTags }) => (RepoTags ?? []).filter((tag) => tag.startsWith('scene/'))).join();
      };
      const row = await scene.image('scene/named:1');
      await scene.choose(row, 'porthole.image.untag');
      await scene.select(/scene\/other-name:2/);
      await scene.becomes('the names', names, 'scene/named:1');
      await scene.choose(row, 'porthole.image.untag');
      await scene.workbench.confirm(new RegExp(`scene/named:1 from ${hostName}[\\s\\S]*only name`), /^Remove/);
      await row.waitFor({ state: 'detached' });
    },
  },
  {
    name: 'files become an image, from an archive of this computer and from an address',
    covers: ['porthole.image.import'],
    run: async (scene) => {
      const archive = await tarOf({ hello: 'from afar\n' });
      const file = join(scene.dir, 'files.tar');
      await writeFile(file, archive);
      await scene.fromTitle('Images', 'porthole.image.import');
      await scene.select(/archive of this computer/);
      await scene.answerPath(/Import files as an image/, file);
      await scene.answer(/Name of the image on/, 'scene/imported:1');
      await scene.image('scene/imported:1');

      const server = createServer((_, response) => response.end(archive));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const address = server.address();
        assert.ok(typeof address === 'object' && address !== null);
        await scene.fromTitle('Images', 'porthole.image.import');
        await scene.select(/address that the host downloads/);
        await scene.answer(/Import files as an image/, `http://127.0.0.1:${address.port}/files.tar`);
        await scene.answer(/Name of the image on/, 'scene/imported:2');
        await scene.image('scene/imported:2');
      } finally {
        await new Promise((resolve) => server.close(resolve));
      }
      for (const tag of ['1', '2']) await scene.docker.getImage(`scene/imported:${tag}`).remove();
    },
  },
  {
    name: 'an image gets a second name, and is removed by all of them after a question that tells so',
    covers: ['porthole.image.tag', 'porthole.image.remove'],
    run: async (scene) => {
      await madeImage(scene, 'scene/first');
      const row = await scene.image('scene/first:1');
      await scene.choose(row, 'porthole.image.tag');
      await scene.answer(/Another name for scene\/first/, 'scene/second:2');
      await scene.becomes(
        'the names',
        async () => {
          const { RepoTags } = await scene.docker.getImage('scene/first:1').inspect();
          return RepoTags.sort().join(' ');
        },
        'scene/first:1 scene/second:2',
      );
      await scene.choose(row, 'porthole.image.remove');
      await scene.workbench.confirm(new RegExp(`scene/first:1 from ${hostName}[\\s\\S]*scene/second:2`), /^Remove/);
      await row.waitFor({ state: 'detached' });
    },
  },
  {
    name: 'an image is built from a Dockerfile, and a line that fails is marked',
    covers: ['porthole.image.build'],
    run: async (scene) => {
      const directory = join(scene.dir, 'recipe');
      const dockerfile = join(directory, 'Dockerfile');
      await mkdir(directory);
      await writeFile(join(directory, 'note'), 'noted');
      await writeFile(join(directory, 'secret'), 'left out');
      await writeFile(join(directory, '.dockerignore'), 'secret\n');
      const begin = async () => {
        await scene.fromTitle('Images', 'porthole.image.build');
        await scene.answerPath(/Choose the Dockerfile/, dockerfile);
      };
      await writeFile(
        dockerfile,
        `FROM ${starterImage} AS base\nARG WORD=none\nCOPY . /in/\nRUN test ! -e /in/secret && echo "$WORD" > /word\nFROM base\nCMD ["cat", "/word"]\n`,
      );
      await begin();
      await scene.answer(/Name of the image on/, 'scene/built:1');
      await scene.select(/The whole Dockerfile/);
      await scene.answer(/Build arguments/, `WORD='two words'`);
      await scene.told(/scene\/built:1 was built/);
      await scene.image('scene/built:1');
      const made = await scene.started('says', { Image: 'scene/built:1' });
      await made.wait();
      const logs = await made.logs({ stdout: true, stderr: true });
      assert.match(logs.toString(), /two words/);
      await made.remove();

      await writeFile(dockerfile, `FROM scene/built:1\nRUN true\nRUN exit 7\n`);
      await begin();
      await scene.answer(/Name of the image on/, 'scene/built:2');
      await scene.told(/returned a non-zero code: 7/);
      await scene.editorSays(/RUN exit 7/);
      await scene.page.locator('.squiggly-error').first().waitFor();
      await scene.docker.getImage('scene/built:1').remove();
    },
  },
  {
    name: 'an image is saved to an archive, removed, and loaded again',
    covers: ['porthole.image.save', 'porthole.image.load'],
    run: async (scene) => {
      await madeImage(scene, 'scene/kept');
      const file = join(scene.dir, 'kept.tar');
      await scene.choose(await scene.image('scene/kept:1'), 'porthole.image.save');
      await scene.answerPath(/Save scene\/kept:1 to an archive/, file);
      await scene.told(/Written: .*kept\.tar/);
      assert.match((await readFile(file)).toString('latin1'), /scene\/kept/);
      await scene.docker.getImage('scene/kept:1').remove();
      await scene.workbench.row('Images', /^scene\/kept/).waitFor({ state: 'detached' });
      await scene.fromTitle('Images', 'porthole.image.load');
      await scene.answerPath(new RegExp(`Load an image onto ${hostName}`), file);
      await scene.image('scene/kept:1');
      await scene.docker.getImage('scene/kept:1').remove();
    },
  },
  {
    name: 'an image is pushed to a registry and pulled from it',
    covers: ['porthole.image.push', 'porthole.image.pull'],
    run: async (scene) => {
      const registry = await startRegistry();
      try {
        const name = `${registry.host}/scene/shared:1`;
        await madeImage(scene, `${registry.host}/scene/shared`);
        await scene.choose(await scene.image(name), 'porthole.image.push');
        await scene.told(/was pushed/);
        await scene.docker.getImage(name).remove();
        await scene.workbench.row('Images', /scene\/shared/).waitFor({ state: 'detached' });
        await scene.fromTitle('Images', 'porthole.image.pull');
        await scene.answer(new RegExp(`Pull an image onto ${hostName}`), name);
        await scene.image(name);
        await scene.docker.getImage(name).remove();
      } finally {
        await registry.stop();
      }
    },
  },
  {
    name: 'unused images are removed after a question that names them',
    covers: ['porthole.image.prune'],
    run: async (scene) => {
      await scene.started('user');
      await scene.container('user');
      await madeImage(scene, 'scene/unused');
      const row = await scene.image('scene/unused:1');
      await scene.fromTitle('Images', 'porthole.image.prune');
      await scene.workbench.confirm(new RegExp(`on ${hostName}[\\s\\S]*scene/unused:1`), /^Remove/);
      await row.waitFor({ state: 'detached' });
      await scene.image('porthole/starter');
    },
  },
  {
    name: 'a layer unfolds into what it changed, each file against what lies below',
    covers: ['row layer', 'row file', 'porthole.file.compare', 'porthole.file.open'],
    run: async (scene) => {
      const { workbench, page } = scene;
      const image = await scene.image('porthole/starter');
      await workbench.unfold(image);
      const layer = await scene.row('row layer', 'Images', /edit \/etc\/motd/);
      await workbench.unfold(layer);
      await workbench.unfold(await scene.row('row file', 'Images', /^etc/));
      const motd = await scene.row('row file', 'Images', /^motd/);
      await scene.choose(motd, 'porthole.file.compare');
      const diff = page.locator('.monaco-diff-editor');
      await diff.locator('.line-insert, .char-insert').first().waitFor({ state: 'attached' });
      await scene.choose(motd, 'porthole.file.open');
      await scene.editorSays(/The second one changed this line/);
      await workbench.fold(image);
    },
  },
  {
    name: 'a file of a layer is seen beside the same path of another image, and of a container',
    covers: ['porthole.file.compareImage', 'porthole.file.compareContainer'],
    run: async (scene) => {
      const { workbench } = scene;
      const container = await scene.started('changed', { Cmd: ['sh', '-c', 'echo quite another > /etc/motd'] });
      await container.wait();
      await container.commit({ repo: 'scene/other', tag: '1' });
      await scene.image('scene/other:1');
      const image = await scene.image('porthole/starter');
      await workbench.unfold(image);
      await workbench.unfold(await scene.row('row layer', 'Images', /edit \/etc\/motd/));
      await workbench.unfold(await scene.row('row file', 'Images', /^etc/));
      const motd = await scene.row('row file', 'Images', /^motd/);
      await scene.choose(motd, 'porthole.file.compareImage');
      await scene.select(/scene\/other:1/);
      await workbench.tab(/scene\/other:1/).waitFor();
      await scene.editorSays(/quite another/);
      await scene.choose(motd, 'porthole.file.compareContainer');
      await scene.select(/changed/);
      await workbench.tab(/changed/).waitFor();
      await scene.editorSays(/quite another/);
      await workbench.fold(image);
      await container.remove();
      await scene.docker.getImage('scene/other:1').remove();
    },
  },
  {
    name: 'a file is seen beside the next layer that touched it',
    covers: ['porthole.file.compareAbove'],
    run: async (scene) => {
      const { workbench } = scene;
      const made = await scene.started('above', { Cmd: ['sh', '-c', 'echo yet another >/etc/motd'] });
      await made.wait();
      await made.commit({ repo: 'scene/above', tag: '1' });
      const image = await scene.image('scene/above:1');
      await workbench.unfold(image);
      await workbench.unfold(await scene.row('row layer', 'Images', /edit \/etc\/motd/));
      await workbench.unfold(await scene.row('row file', 'Images', /^etc/));
      await scene.choose(await scene.row('row file', 'Images', /^motd/), 'porthole.file.compareAbove');
      await scene.editorSays(/yet another/);
      await workbench.fold(image);
      await made.remove();
      await scene.docker.getImage('scene/above:1').remove();
    },
  },
  {
    name: 'a layer of many files opens page by page',
    covers: ['porthole.layer.changes'],
    run: async (scene) => {
      const { workbench } = scene;
      const Cmd = ['sh', '-c', 'mkdir /many; i=100; while [ $i -lt 420 ]; do echo $i >/many/$i; i=$((i+1)); done'];
      const made = await scene.started('many', { Cmd });
      await made.wait();
      await made.commit({ repo: 'scene/many', tag: '1', comment: 'three hundred and twenty files' });
      const image = await scene.image('scene/many:1');
      await workbench.unfold(image);
      const layer = workbench.view('Images').locator('[role=treeitem][aria-level="2"]').filter({ hasText: /many/ });
      await layer.first().waitFor();
      await scene.choose(layer.first(), 'porthole.layer.changes');
      await scene.select(/Files 1 to 300/);
      await workbench.tab(/1 to 300 of 320/).waitFor();
      await scene.told(/20 more files/);
      await scene.page.getByRole('button', { name: 'Files 301 to 320' }).click();
      await workbench.tab(/301 to 320 of 320/).waitFor();
      await workbench.fold(image);
      await made.remove();
      await scene.docker.getImage('scene/many:1').remove();
    },
  },
  {
    name: 'a layer that changes no file says so',
    covers: ['row note'],
    run: async (scene) => {
      await followAnswers(await scene.docker.loadImage(Readable.from([await imageOfNothing('scene/empty:1')])));
      const image = await scene.image('scene/empty:1');
      await scene.workbench.unfold(image);
      const layers = scene.workbench.view('Images').locator('[role=treeitem][aria-level="2"]');
      await layers.first().waitFor();
      await scene.workbench.unfold(layers.first());
      await scene.row('row note', 'Images', /changes no files/);
      await scene.docker.getImage('scene/empty:1').remove();
    },
  },
];
