import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../../scripts/processes.ts';
import { starterImage } from '../../../scripts/starter-image.ts';
import { startRegistry } from '../../support/registry.ts';
import type { Scenario } from './scenario.ts';
import type { Scene } from './scene.ts';

/** Begins a build of a Dockerfile with these lines. */
async function begin(scene: Scene, { text, tag }: { text: string; tag: string }): Promise<void> {
  const directory = join(scene.dir, tag.replaceAll(/\W/g, '-'));
  await mkdir(directory, { recursive: true });
  const dockerfile = join(directory, 'Dockerfile');
  await writeFile(dockerfile, text);
  await scene.fromTitle('Images', 'porthole.image.build');
  await scene.answerPath(/Choose the Dockerfile/, dockerfile);
  await scene.answer(/Name of the image on/, tag);
}

/** True when some process of this machine was started with this word. */
async function isRunning(word: string): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.some((line) => line.split('\0').includes(word));
}

export const buildScenarios: readonly Scenario[] = [
  {
    name: 'a build that is given up ends at once and leaves nothing',
    covers: ['porthole.image.build'],
    run: async (scene) => {
      const seconds = `98${process.pid}`;
      const before = (await scene.docker.listImages({ all: true })).length;
      await begin(scene, { text: `FROM ${starterImage}\nRUN exec sleep ${seconds}\n`, tag: 'scene/endless:1' });
      await until('the step runs', () => isRunning(seconds));
      await scene.pressOffered(/Building scene\/endless:1/, /^Cancel/);
      await until('the step has ended', async () => !(await isRunning(seconds)));
      // The step's container goes after its process.
      await until('its container is gone', async () => (await scene.docker.listContainers({ all: true })).length === 0);
      assert.equal((await scene.docker.listImages({ all: true })).length, before);
    },
  },
  {
    name: 'a base of a registry with a password is fetched with what docker login keeps',
    covers: ['porthole.image.build'],
    run: async (scene) => {
      const passwords = join(scene.dir, 'htpasswd');
      await writeFile(passwords, execFileSync('htpasswd', ['-Bbn', 'ann', 'secret']));
      const registry = await startRegistry({ config: `auth: { htpasswd: { realm: here, path: ${passwords} } }` });
      try {
        const repo = `${registry.host}/scene/locked`;
        const authconfig = { username: 'ann', password: 'secret', serveraddress: registry.host };
        await scene.docker.getImage(starterImage).tag({ repo, tag: '1' });
        const push = await scene.docker.getImage(repo).push({ tag: '1', authconfig });
        for await (const part of push) void part;
        const config = (value: object) => writeFile(join(scene.dockerConfig, 'config.json'), JSON.stringify(value));
        const forget = (name: string) => scene.docker.getImage(name).remove({ force: true });
        const text = `FROM ${repo}:1\nLABEL a=b\n`;
        await forget(`${repo}:1`);

        await config({});
        await begin(scene, { text, tag: 'scene/unlocked:1' });
        await scene.pressOffered(/unauthorized|authentication required|no basic auth/, /^Log In/);
        await scene.terminalSays(new RegExp(`docker login ${registry.host.replaceAll('.', '\\.')}`));

        await config({ auths: { [registry.host]: { auth: Buffer.from('ann:secret').toString('base64') } } });
        await begin(scene, { text, tag: 'scene/unlocked:1' });
        await scene.told(/scene\/unlocked:1 was built/);
        await forget('scene/unlocked:1');
        await forget(`${repo}:1`);
        await config({});
      } finally {
        await registry.stop();
      }
    },
  },
];
