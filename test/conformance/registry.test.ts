import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAgent } from '../support/agent.ts';
import { startDockerd } from '../support/dockerd.ts';
import { type RunningRegistry, startRegistry } from '../support/registry.ts';
import { requires } from '../support/tools.ts';
import { busyboxTar, docker, type Engine } from './engine.ts';
import { sameOnBoth } from './registries.ts';

/** Pulls, pushes and logins of the `docker` command, against our agent and a real dockerd, with the same registries. */
describe('docker and registries, as against dockerd', function () {
  this.timeout(180_000);
  const stops: (() => Promise<unknown>)[] = [];
  let engines: readonly Engine[] = [];
  let open: RunningRegistry;
  let locked: RunningRegistry;
  let directory = '';

  before(async function () {
    requires(this, { root: true, programs: ['docker', 'dockerd', 'busybox', 'docker-registry', 'htpasswd'] });
    directory = await mkdtemp(join(tmpdir(), 'porthole-login-'));
    const path = join(directory, 'passwords');
    await writeFile(path, execFileSync('htpasswd', ['-Bbn', 'ann', 'secret']));
    open = await startRegistry();
    stops.push(() => open.stop());
    locked = await startRegistry({ config: `auth: { htpasswd: { realm: here, path: ${path} } }` });
    stops.push(() => locked.stop());
    const agent = await startAgent();
    stops.push(() => agent.stop());
    const dockerd = await startDockerd();
    stops.push(() => dockerd.stop());
    engines = [
      { name: 'porthole', host: `unix://${agent.socket}` },
      { name: 'dockerd', host: dockerd.host },
    ];
    const input = await busyboxTar();
    for (const engine of engines) {
      const { code, stderr } = await docker(engine, ['import', '-', 'box:1'], { input });
      assert.equal(code, 0, stderr);
    }
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
    if (directory !== '') await rm(directory, { recursive: true, force: true });
  });

  /** `OPEN` and `LOCKED` are the registries; each engine has repositories of its own, so that neither finds the other's. */
  const same = (...lines: readonly string[]): Promise<void> => {
    const placesOf = ({ name }: Engine) => ({
      OPEN: `${open.host}/${name}`,
      LOCKED: `${locked.host}/${name}`,
      GONE: '127.0.0.1:1',
      HOST: locked.host,
    });
    return sameOnBoth({ engines, directory, placesOf }, lines);
  };

  it('push, push again, another name, what is not here', () =>
    same(
      'tag box:1 OPEN/box:1',
      'push OPEN/box:1',
      'push OPEN/box:1',
      'tag box:1 OPEN/other:1',
      'tag box:1 OPEN/other:2',
      'push -a OPEN/other',
      'push OPEN/nothing:1',
      'push OPEN/box:nothing',
      'push -q OPEN/box:1',
      'push GONE/box:1',
      'image inspect -f {{json .RepoTags}} box:1',
      'rmi OPEN/box:1 OPEN/other:1 OPEN/other:2',
    ));

  it('pull by tag, once more, by digest, all tags; rmi', () =>
    same(
      'tag box:1 OPEN/pulled:1',
      'tag box:1 OPEN/pulled:latest',
      // dockerd remembers repositories that it has nothing of any more, and mounts from them.
      '~push OPEN/pulled:1',
      'push OPEN/pulled:latest',
      'rmi OPEN/pulled:1 OPEN/pulled:latest box:1',
      'pull OPEN/pulled',
      'pull OPEN/pulled',
      'pull -q OPEN/pulled:1',
      'images --digests --format {{.Repository}}:{{.Tag}} OPEN/pulled',
      'rmi OPEN/pulled:1',
      'pull -a OPEN/pulled',
      'run --rm --net none OPEN/pulled:1 echo ran',
      'tag OPEN/pulled:1 box:1',
      'rmi OPEN/pulled:1 OPEN/pulled:latest',
    ));

  it('what is not there, or cannot be asked', () =>
    same(
      'pull OPEN/nothing:1',
      'pull OPEN/nothing',
      'pull -a OPEN/nothing',
      `pull OPEN/nothing@sha256:${'0'.repeat(64)}`,
      'pull GONE/box:1',
      'pull OPEN/Upper:1',
    ));

  it('login, wrong and right, and what it is for', () =>
    same(
      'tag box:1 LOCKED/box:1',
      'push LOCKED/box:1',
      'pull LOCKED/box:1',
      'login -u ann -p wrong HOST',
      'login -u ann -p secret HOST',
      'push LOCKED/box:1',
      'rmi LOCKED/box:1',
      'pull LOCKED/box:1',
      'logout HOST',
      'pull LOCKED/box:1',
      'rmi LOCKED/box:1',
    ));
});
