import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { OtherEngine } from '../../../src/protocol/engines.ts';
import type { LayerView } from '../../../src/protocol/layers.ts';
import { busyboxTar } from '../../conformance/engine.ts';
import { type RunningAgent, startAgent } from '../../support/agent.ts';
import { answerOf, asked } from '../../support/asked.ts';
import { makePodmanStorage, type PodmanStorageRig } from '../../support/podman.ts';
import { requires } from '../../support/tools.ts';
import { buildContext } from './fixture.ts';
import { compareAnswers } from './same-answers.ts';

const exec = promisify(execFile);

/** Images that a real Buildah made in containers/storage, with and without a Podman that answers for it. */
describe('engines: images of Podman and Buildah', function () {
  this.timeout(300_000);
  let storage: PodmanStorageRig;
  let agent: RunningAgent;
  const ask = <T>(path: string): Promise<T> => asked<T>(agent.socket, path);
  const buildah = async (...args: string[]): Promise<string> =>
    (await exec('buildah', [...storage.flags, ...args], { timeout: 200_000 })).stdout.trim();
  before(async function () {
    requires(this, { root: true, programs: ['docker', 'buildah', 'podman', 'busybox'] });
    storage = await makePodmanStorage();
    const directory = dirname(storage.root);
    agent = await startAgent({
      flags: ['--podman', storage.socket, '--podman-root', storage.root, '--docker', join(directory, 'none')],
    });
    const [base, context] = [join(directory, 'bb.tar'), join(directory, 'context.tar')];
    await writeFile(base, await busyboxTar());
    await writeFile(context, await buildContext());
    await exec('podman', [...storage.flags, 'import', base, 'localhost/bb:latest']);
    await exec('sh', ['-c', 'mkdir "$0/c" && tar -C "$0/c" -xf "$1"', directory, context]);
    await buildah('build', '--isolation', 'chroot', '--layers', '-t', 'odd:1', join(directory, 'c'));
    for (const name of ['bb', 'odd:1']) {
      const archive = join(directory, 'saved.tar');
      await exec('podman', [...storage.flags, 'save', '-o', archive, name]);
      await exec('sh', ['-c', 'docker -H "unix://$0" load -i "$1" && rm "$1"', agent.socket, archive]);
    }
  });
  after(async () => {
    await agent?.stop();
    await storage?.stop();
  });

  for (const served of [false, true]) {
    describe(served ? 'with a Podman that answers' : 'with nobody who answers', () => {
      before(async () => {
        if (served) await storage.serve();
      });

      it('finds the storage, and says how it is read', async () => {
        const found = await ask<OtherEngine[]>('/engines');
        assert.deepEqual(
          found.map(({ version: _, ...rest }) => rest),
          [
            {
              engine: 'podman',
              ...(served && { socket: storage.socket }),
              storageDriver: 'overlay',
              dataRoot: storage.root,
              layers: 'in place',
            },
          ],
        );
      });

      it('answers what is answered about the same image in our own store', async () => {
        const theirs = '/engines/podman/images/localhost/odd:1';
        const count = await compareAnswers(agent.socket, { ours: '/images/localhost/odd:1', theirs });
        assert.ok(count > 50, `${count} answers`);
      });

      it('finds images by what they are called, and tells which others have a layer', async () => {
        const id = await buildah('images', '--no-trunc', '-q', 'odd:1');
        const base = await buildah('images', '--no-trunc', '-q', 'bb');
        for (const name of ['odd:1', id, id.slice('sha256:'.length, 'sha256:'.length + 10)]) {
          const [bottom] = await ask<LayerView[]>(`/engines/podman/images/${name}/layers`);
          assert.ok(bottom?.sharedBy.includes(base), `${name}: ${JSON.stringify(bottom)}`);
        }
        const { status, body } = await answerOf(agent.socket, '/engines/podman/images/..%2Fodd/layers');
        assert.equal(status, 404, body.toString());
        assert.match(body.toString(), /podman has no such image: \.\.\/odd/);
      });
    });
  }
});
