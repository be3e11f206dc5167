import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OtherEngine } from '../../../src/protocol/engines.ts';
import type { LayerChange, LayerView } from '../../../src/protocol/layers.ts';
import { busyboxTar, docker as command } from '../../conformance/engine.ts';
import { type RunningAgent, startAgent } from '../../support/agent.ts';
import { answerOf, asked } from '../../support/asked.ts';
import { type Dockerd, startDockerd } from '../../support/dockerd.ts';
import { requires } from '../../support/tools.ts';
import { buildContext } from './fixture.ts';
import { compareAnswers } from './same-answers.ts';

const exec = promisify(execFile);

/** Images of a real dockerd, asked through an agent beside it, and the same images loaded into the agent's own store. */
describe('engines: images of dockerd', function () {
  this.timeout(300_000);
  let dockerd: Dockerd;
  let agent: RunningAgent;
  const docker = async (args: readonly string[], input?: Buffer): Promise<string> => {
    const engine = { name: 'dockerd', host: dockerd.host } as const;
    const { code, stdout, stderr } = await command(engine, args, { ...(input && { input }), timeoutMs: 200_000 });
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  const ask = <T>(path: string): Promise<T> => asked<T>(agent.socket, path);
  before(async function () {
    requires(this, { root: true, programs: ['docker', 'dockerd', 'busybox'] });
    dockerd = await startDockerd();
    agent = await startAgent({ flags: ['--docker', dockerd.socket, '--podman', join(dockerd.dataRoot, 'none')] });
    await docker(['import', '-', 'bb:latest'], await busyboxTar());
    await docker(['build', '-t', 'odd:1', '-'], await buildContext());
    await exec('sh', ['-c', 'docker -H "$0" save bb odd:1 | docker -H "unix://$1" load', dockerd.host, agent.socket]);
  });
  after(async () => {
    await agent?.stop();
    await dockerd?.stop();
  });

  it('finds the engine, and says how it is read', async () => {
    const [found, ...others] = await ask<OtherEngine[]>('/engines');
    assert.deepEqual(
      others.map(({ engine }) => engine).filter((engine) => engine === 'docker'),
      [],
    );
    const { version, ...rest } = found ?? {};
    assert.deepEqual(rest, {
      engine: 'docker',
      socket: dockerd.socket,
      storageDriver: 'overlay2',
      dataRoot: dockerd.dataRoot,
      layers: 'in place',
    });
    assert.match(version ?? '', /^\d+\./);
  });

  it('answers what is answered about the same image in our own store', async () => {
    const count = await compareAnswers(agent.socket, { ours: '/images/odd:1', theirs: '/engines/docker/images/odd:1' });
    assert.ok(count > 80, `${count} answers`);
  });

  it('finds images by id and by the beginning of one, and tells which others have a layer', async () => {
    const id = await docker(['inspect', '-f', '{{.Id}}', 'odd:1']);
    const [base, ...more] = await ask<LayerView[]>(`/engines/docker/images/${id}/layers`);
    assert.deepEqual(base?.sharedBy, [await docker(['inspect', '-f', '{{.Id}}', 'bb'])]);
    assert.deepEqual(
      more.map(({ sharedBy }) => sharedBy),
      more.map(() => []),
    );
    const prefix = id.slice('sha256:'.length, 'sha256:'.length + 12);
    assert.equal((await ask<LayerView[]>(`/engines/docker/images/${prefix}/layers`)).length, more.length + 1);
  });

  it('compares with images and containers of our own', async () => {
    for (const query of ['left=odd:1&right=odd:1&rightEngine=docker', 'left=odd:1&leftEngine=docker&right=odd:1']) {
      const changes = await ask<LayerChange[]>(`/compare?${query}`);
      // A directory on a disk has nanoseconds and a root of its own.
      const real = changes.filter(({ path, differs }) => path !== '' && differs?.join() !== 'time');
      assert.deepEqual(real, []);
    }
    const against = await ask<LayerChange[]>('/compare?left=bb&right=odd:1&rightEngine=docker&path=odd');
    assert.ok(against.length > 8 && against.every(({ kind }) => kind === 'added'));
  });

  it('describes a layer once, changes nothing in the data root, and survives a cache that is gone', async () => {
    const cache = join(agent.dataRoot, 'engines');
    const before = await readdir(cache);
    assert.ok(before.length >= 5 && before.every((name) => /^[0-9a-f]{64}$/.test(name)), before.join());
    const listing = () =>
      exec('sh', ['-c', 'find "$0" -printf "%p %T@ %C@\\n" | sort | sha256sum', join(dockerd.dataRoot, 'overlay2')]);
    const { stdout } = await listing();
    await rm(cache, { recursive: true });
    await agent.restart();
    await ask('/engines/docker/images/odd:1/waste');
    assert.equal((await listing()).stdout, stdout);
    assert.deepEqual((await readdir(cache)).sort(), before.sort());
  });

  it('refuses what is not there, in words that name it', async () => {
    for (const [path, status, words] of [
      ['/engines/docker/images/none:1/layers', 404, /^docker: .*No such image: none:1$/],
      ['/engines/containerd/images/bb/layers', 404, /No such engine: containerd: it is docker or podman/],
      ['/engines/podman/images/bb/layers', 404, /podman has no such image: bb/],
      ['/engines/docker/images/bb/layers/7/changes', 404, /has no layer 7/],
      ['/compare?left=bb&leftEngine=docker&rightContainer=x&rightEngine=docker', 400, /rightEngine is for images/],
    ] as const) {
      const answer = await answerOf(agent.socket, path);
      assert.equal(answer.status, status, path);
      assert.match(JSON.parse(answer.body.toString()).message, words);
    }
  });
});
