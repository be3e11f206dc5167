import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { readTar } from '../../../src/agent/store/tar.ts';
import type { OtherEngine } from '../../../src/protocol/engines.ts';
import { busyboxTar, docker as command } from '../../conformance/engine.ts';
import { type RunningAgent, startAgent } from '../../support/agent.ts';
import { answerOf, asked } from '../../support/asked.ts';
import { startDockerd } from '../../support/dockerd.ts';
import { makePodmanStorage } from '../../support/podman.ts';
import { requires } from '../../support/tools.ts';
import { directory, dockerArchive, file, hardlink, type Item, sha256, symlink, tarOf } from '../store/rig.ts';
import { buildContext } from './fixture.ts';
import { compareAnswers } from './same-answers.ts';

const exec = promisify(execFile);

describe('engines: images that their engine saves', function () {
  this.timeout(300_000);
  let undo: (() => Promise<unknown>)[] = [];
  before(function () {
    requires(this, { root: true, programs: ['docker', 'dockerd', 'busybox'] });
  });
  afterEach(async () => {
    for (const one of undo.reverse()) await one();
    undo = [];
  });
  const agentBeside = async (docker: string, podman = '/nowhere/podman.sock'): Promise<RunningAgent> => {
    const flags = ['--docker', docker, '--podman', podman, '--podman-root', '/nowhere'];
    const agent = await startAgent({ flags });
    undo.push(() => agent.stop());
    return agent;
  };

  it('a dockerd whose storage is not read in place: the same answers, to the last digest', async () => {
    const dockerd = await startDockerd({ flags: ['--storage-driver', 'vfs'] });
    undo.push(() => dockerd.stop());
    const agent = await agentBeside(dockerd.socket);
    const docker = async (args: readonly string[], input: Buffer): Promise<void> => {
      const { code, stderr } = await command({ name: 'dockerd', host: dockerd.host }, args, {
        input,
        timeoutMs: 200_000,
      });
      assert.equal(code, 0, stderr);
    };
    await docker(['import', '-', 'bb:latest'], await busyboxTar());
    await docker(['build', '-t', 'odd:1', '-'], await buildContext());
    await exec('sh', ['-c', 'docker -H "$0" save odd:1 | docker -H "unix://$1" load', dockerd.host, agent.socket]);
    const [found] = await asked<OtherEngine[]>(agent.socket, '/engines');
    assert.equal(found?.layers, 'saved');
    assert.equal(found?.reason, 'its storage driver is vfs, not overlay2');
    const pair = { ours: '/images/odd:1', theirs: '/engines/docker/images/odd:1', exact: true };
    assert.ok((await compareAnswers(agent.socket, pair)) > 50);
  });

  it('a Podman whose storage is not read in place: the same answers, to the last digest', async function () {
    requires(this, { root: true, programs: ['podman', 'buildah'] });
    const storage = await makePodmanStorage('vfs');
    undo.push(() => storage.stop());
    const directory = join(storage.root, '..', 'context');
    await mkdir(directory);
    await writeFile(join(directory, 'bb.tar'), await busyboxTar());
    await writeFile(
      join(directory, 'Dockerfile'),
      'FROM scratch\nADD bb.tar /\nRUN mkdir -p /data/sub && echo one > /one && echo a > /data/a\nRUN rm -r /data && mkdir /data && echo two > /one\n',
    );
    const build = ['build', '--isolation', 'chroot', '--layers', '-t', 'small', directory];
    await exec('buildah', [...storage.flags, ...build], { timeout: 200_000 });
    await storage.serve();
    const agent = await agentBeside('/nowhere/docker.sock', storage.socket);
    const archive = join(directory, 'saved.tar');
    await exec('podman', [...storage.flags, 'save', '-o', archive, 'small']);
    await exec('docker', ['-H', `unix://${agent.socket}`, 'load', '-i', archive]);
    const [found] = await asked<OtherEngine[]>(agent.socket, '/engines');
    assert.deepEqual([found?.engine, found?.layers], ['podman', 'saved']);
    const pair = { ours: '/images/localhost/small', theirs: '/engines/podman/images/small', exact: true };
    assert.ok((await compareAnswers(agent.socket, pair)) > 20);
  });

  it('an engine that says what cannot be understood is told as such', async () => {
    const engine = await engineOf(Buffer.alloc(0), { id: 'none', layers: [], info: 'no info' });
    const agent = await agentBeside(engine.socket);
    const reason = 'what docker answers to /info is not as expected';
    assert.deepEqual(await asked(agent.socket, '/engines'), [{ engine: 'docker', layers: 'not at all', reason }]);
    const { status, body } = await answerOf(agent.socket, '/engines/docker/images/it/layers');
    assert.deepEqual([status, JSON.parse(body.toString())], [501, { message: reason }]);
  });

  /** An engine that has one image, as an archive; it counts how often that was saved. */
  async function engineOf(
    archive: Buffer,
    image: { readonly id: string; readonly layers: readonly string[]; readonly info?: unknown },
    {
      goneAfter = Number.POSITIVE_INFINITY,
    }: { /** How often it is inspected or saved until it is gone. */ readonly goneAfter?: number } = {},
  ) {
    const dir = await mkdtemp('/tmp/porthole-engine-');
    const socket = join(dir, 's.sock');
    let saved = 0;
    let looks = 0;
    const answers: Readonly<Record<string, unknown>> = {
      '/info': image.info ?? { ServerVersion: '0', Driver: 'other', DockerRootDir: dir },
      '/images/json': [{ Id: image.id }],
      '/images/it/json': { Id: image.id, RootFS: { Layers: image.layers } },
      [`/images/${encodeURIComponent(image.id)}/json`]: { Id: image.id, RootFS: { Layers: image.layers } },
    };
    const server: Server = createServer((request, response) => {
      const path = request.url ?? '';
      if (path === '/_ping') return void response.end('OK');
      if (path === `/images/${encodeURIComponent(image.id)}/get`) {
        saved += 1;
        return void response.end(archive);
      }
      const isAsked = path.startsWith('/images/') && path.endsWith('/json') && path !== '/images/json';
      const answer = isAsked && looks++ >= goneAfter ? undefined : answers[path];
      response.statusCode = answer ? 200 : 404;
      response.end(JSON.stringify(answer ?? { message: `No such image: ${path}` }));
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    undo.push(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true });
    });
    return { socket, saves: () => saved };
  }

  async function imageOf(layers: readonly (readonly Item[])[]) {
    const tars = await Promise.all(layers.map(tarOf));
    const archive = await dockerArchive([{ layers: tars, tags: ['it:latest'] }]);
    let id = '';
    for await (const { name } of readTar(Readable.from([archive]))) {
      if (/^[0-9a-f]{64}\.json$/.test(name)) id = `sha256:${name.slice(0, 64)}`;
    }
    return { archive, id, diffIds: tars.map((tar) => `sha256:${sha256(tar)}`) };
  }

  /** What only the layers below can explain: directories that no entry describes, whiteouts of nothing, an opaque root. */
  const odd: readonly (readonly Item[])[] = [
    [
      directory('a', { mode: 0o700, uid: 5 }),
      directory('a/b', { mode: 0o711 }),
      file('a/b/c', 'one'),
      file('top', 'x'),
    ],
    [
      file('a/b/d', 'two'),
      file('.wh.none'),
      file('a/.wh.nothing'),
      file('new/deep/f', 'three'),
      hardlink('a/l', 'a/b/d'),
    ],
    [directory('a/b'), file('a/b/.wh..wh..opq'), file('a/b/.wh.c'), file('.wh.top'), symlink('s', 'a')],
    [file('.wh..wh..opq'), file('a/again', 'four'), file('new', 'a file now'), file('only', 'here')],
    [file('a/again', 'five'), file('.wh.only'), file('a/b/c/d', 'six')],
  ];

  it('layers that need those below them, in an archive in which they come in any order', async () => {
    const { archive, id, diffIds } = await imageOf(odd);
    const engine = await engineOf(archive, { id, layers: diffIds });
    const agent = await agentBeside(engine.socket);
    const { code, stderr } = await command({ name: 'porthole', host: `unix://${agent.socket}` }, ['load'], {
      input: archive,
    });
    assert.equal(code, 0, stderr);
    const pair = { ours: '/images/it', theirs: '/engines/docker/images/it', exact: true };
    assert.ok((await compareAnswers(agent.socket, pair)) > 20);
    const saves = engine.saves();
    await asked(agent.socket, '/engines/docker/images/it/waste');
    assert.equal(engine.saves(), saves, 'what was described is not saved again');
    await agent.restart();
    await asked(agent.socket, '/engines/docker/images/it/waste');
    assert.equal(engine.saves(), saves, 'nor is it by the next agent');
    // What a crash has damaged is made anew.
    const cache = join(agent.dataRoot, 'engines');
    const kept = (await readdir(cache)).filter((name) => name.endsWith('-config'));
    assert.equal(kept.length, 1);
    await writeFile(join(cache, kept[0] ?? ''), '{');
    await agent.restart();
    await asked(agent.socket, '/engines/docker/images/it/waste');
    assert.equal(engine.saves(), saves + 1);
  });

  it('an image that is removed while it is saved is not there any more, in words', async () => {
    const { archive, id, diffIds } = await imageOf(odd);
    const engine = await engineOf(archive.subarray(0, archive.length / 2), { id, layers: diffIds }, { goneAfter: 2 });
    const agent = await agentBeside(engine.socket);
    const { status, body } = await answerOf(agent.socket, '/engines/docker/images/it/layers');
    assert.equal(status, 404, body.toString());
    assert.equal(JSON.parse(body.toString()).message, 'docker has removed the image it while it was read');
    assert.deepEqual(await readdir(join(agent.dataRoot, 'engines')), []);
  });

  it('an image that is removed while its directories are read is not there any more, either', async () => {
    const root = await mkdtemp('/tmp/porthole-root-');
    undo.push(() => rm(root, { recursive: true }));
    const diffId = `sha256:${sha256('a layer')}`;
    const config = JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: [diffId] },
    });
    const id = `sha256:${sha256(config)}`;
    const put = async (path: string, data: string): Promise<void> => {
      await mkdir(join(root, path, '..'), { recursive: true });
      await writeFile(join(root, path), data);
    };
    const chain = sha256('a layer');
    await put(`image/overlay2/imagedb/content/sha256/${sha256(config)}`, config);
    await put(`image/overlay2/layerdb/sha256/${chain}/diff`, diffId);
    await put(`image/overlay2/layerdb/sha256/${chain}/cache-id`, 'layer');
    // No directory any more: as if it had gone between the look and the reading.
    await put('overlay2/layer/diff', '');
    const info = { ServerVersion: '0', Driver: 'overlay2', DockerRootDir: root };
    for (const [once, status, words] of [
      [true, 404, /^docker has removed the image it while it was read$/],
      [false, 500, /chroot/],
    ] as const) {
      const engine = await engineOf(
        Buffer.alloc(0),
        { id, layers: [diffId], info },
        { goneAfter: once ? 1 : Number.POSITIVE_INFINITY },
      );
      const agent = await agentBeside(engine.socket);
      const answer = await answerOf(agent.socket, '/engines/docker/images/it/layers');
      assert.equal(answer.status, status, answer.body.toString());
      assert.match(JSON.parse(answer.body.toString()).message, words);
    }
  });

  it('an archive that ends early, or is none, is refused and leaves nothing', async () => {
    const { archive, id, diffIds } = await imageOf(odd);
    for (const bytes of [archive.subarray(0, archive.length / 2), Buffer.from('no archive at all'.repeat(100))]) {
      const engine = await engineOf(bytes, { id, layers: diffIds });
      const agent = await agentBeside(engine.socket);
      const { status, body } = await answerOf(agent.socket, '/engines/docker/images/it/layers');
      assert.equal(status, 400, body.toString());
      assert.match(JSON.parse(body.toString()).message, /archive/);
      assert.deepEqual(await readdir(join(agent.dataRoot, 'engines')), []);
    }
  });
});
