import assert from 'node:assert/strict';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { until } from '../../../scripts/processes.ts';
import type { FileEntry } from '../../../src/protocol/files.ts';
import { importBusybox } from '../../conformance/engine.ts';
import { type RunningAgent, startAgent } from '../../support/agent.ts';
import { requires } from '../../support/tools.ts';

/** Files of containers that run and of containers that do not: the same answers, and what is written is there for the other. */
describe('api: files of a container', function () {
  this.timeout(120_000);
  let agent: RunningAgent;
  let docker: Docker;
  before(async function () {
    requires(this, { root: true, programs: ['docker', 'busybox'] });
    agent = await startAgent();
    docker = new Docker({ socketPath: agent.socket });
    await importBusybox({ name: 'porthole', host: `unix://${agent.socket}` }, 'bb:latest');
  });
  after(() => agent?.stop());

  const create = async (HostConfig: Docker.HostConfig = {}, name = 'files'): Promise<Docker.Container> => {
    const script =
      'mkdir -p /d && echo one > /d/f && ln -s f /d/link && ln -s gone /d/dead && ln -s loop /d/loop && ln -s /d /e; sleep 1000';
    const Cmd = ['sh', '-c', script];
    return docker.createContainer({ name, Image: 'bb', Cmd, HostConfig: { NetworkMode: 'none', ...HostConfig } });
  };
  const send = (method: string, path: string, body?: string) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const target = `/porthole/v1/containers/files/${path}`;
      request({ socketPath: agent.socket, method, path: target, agent: false }, (response) => {
        text(response).then((words) => resolve({ status: response.statusCode ?? 0, body: words }), reject);
      })
        .once('error', reject)
        .end(body);
    });
  const entries = async (path: string): Promise<FileEntry[]> => {
    const { status, body } = await send('GET', `tree?path=${path}`);
    assert.equal(status, 200, body);
    return JSON.parse(body);
  };
  const settled = async (container: Docker.Container): Promise<void> => {
    await container.start();
    await until('the files are made', async () => (await send('GET', 'entry?path=/e')).status === 200);
  };

  for (const running of [true, false]) {
    describe(running ? 'that runs' : 'that is stopped', () => {
      let container: Docker.Container;
      before(async () => {
        container = await create();
        await settled(container);
        if (!running) await container.kill();
        if (!running) await container.wait();
      });
      after(() => container?.remove({ force: true }));

      it('are listed with where links lead', async () => {
        const found = await entries('/e');
        assert.deepEqual(
          found.map(({ name, type, size, link, leads }) => [name, type, type === 'file' ? size : link, leads]),
          [
            ['dead', 'symlink', 'gone', undefined],
            ['f', 'file', 4, undefined],
            ['link', 'symlink', 'f', { path: '/d/f', type: 'file', size: 4 }],
            ['loop', 'symlink', 'loop', undefined],
          ],
        );
        const link: FileEntry = JSON.parse((await send('GET', 'entry?path=/e')).body);
        assert.deepEqual([link.name, link.type, link.leads?.type], ['e', 'symlink', 'directory']);
        const top: FileEntry = JSON.parse((await send('GET', 'entry?path=/')).body);
        assert.deepEqual([top.name, top.type], ['', 'directory']);
      });

      it('are read, written, made, moved and removed', async () => {
        assert.equal((await send('GET', 'file?path=/e/link')).body, 'one\n');
        assert.equal((await send('PUT', 'file?path=/e/g&mode=640', 'written')).status, 204);
        assert.equal((await send('POST', 'directory?path=/e/sub')).status, 201);
        assert.equal((await send('POST', 'rename?from=/d/g&to=/d/sub/h')).status, 204);
        if (running) {
          const exec = await container.exec({ Cmd: ['cat', '/d/sub/h'], AttachStdout: true, Tty: true });
          assert.equal(await text(await exec.start({})), 'written');
        } else {
          await container.start();
          assert.equal(
            (await send('GET', 'file?path=/d/sub/h')).body,
            'written',
            'what was written is there when it runs',
          );
          await container.kill();
          await container.wait();
        }
        assert.equal((await send('DELETE', 'file?path=/d/sub')).status, 204);
        assert.equal((await send('GET', 'entry?path=/d/sub')).status, 404);
      });

      it('that are not there or of another kind are named', async () => {
        const missing = await send('GET', 'tree?path=/none');
        assert.deepEqual([missing.status, JSON.parse(missing.body).message], [404, 'nothing is at /none']);
        const file = await send('GET', 'tree?path=/d/f');
        assert.deepEqual([file.status, JSON.parse(file.body).message], [400, '/d/f is not a directory']);
        assert.equal((await send('GET', 'file?path=/d')).status, 400);
      });
    });
  }

  it('of a read-only container and of read-only mounts are not written, running or not', async () => {
    const volume = await docker.createVolume({ Name: 'kept' });
    const container = await create({ ReadonlyRootfs: true, Binds: ['kept:/v:ro'] });
    try {
      for (const running of [false, true]) {
        if (running) await container.start();
        assert.equal((await send('PUT', 'file?path=/x', 'no')).status, 403, `running: ${running}`);
        assert.equal((await send('PUT', 'file?path=/v/x', 'no')).status, 403, `running: ${running}`);
        assert.equal((await send('POST', 'directory?path=/v/x')).status, 403, `running: ${running}`);
        assert.equal((await send('GET', 'tree?path=/v')).status, 200);
      }
    } finally {
      await container.remove({ force: true });
      await volume.remove();
    }
  });
});
