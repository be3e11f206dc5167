import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import Docker from 'dockerode';
import { readTar } from '../../src/agent/store/tar.ts';
import { directory, file, symlink, tarOf } from '../agent/store/rig.ts';
import { startAgent } from '../support/agent.ts';
import { startDockerd } from '../support/dockerd.ts';
import { requires } from '../support/tools.ts';
import { busyboxTar } from './engine.ts';

const script = [
  'mkdir -p /d/sub /e; echo content >/d/f; ln /d/f /d/h; ln -s f /d/l; ln -s /d /dl; ln -s /none /dangling',
  'chmod 4711 /d/f; chown 5:6 /d/sub; chmod 1777 /d/sub; mknod /d/null c 1 3; mkfifo /d/p; ln -s ../../x /d/up',
  'rm /etc/motd; rm -r /home; mkdir /home; touch /home/new; echo in-volume >/vol/v; touch /ready; sleep 1000',
].join('; ');

/** Files in and out, commit and save through dockerode, beside dockerd. */
describe('files and images through dockerode, as with dockerd', function () {
  this.timeout(120_000);
  const stops: (() => Promise<unknown>)[] = [];
  let engines: readonly [Docker, Docker];

  before(async function () {
    requires(this, { root: true, programs: ['dockerd', 'busybox'] });
    const agent = await startAgent();
    stops.push(() => agent.stop());
    const dockerd = await startDockerd();
    stops.push(() => dockerd.stop());
    const at = (socketPath: string) => new Docker({ socketPath, version: 'v1.41' });
    engines = [at(agent.socket), at(dockerd.socket)];
    const tar = await busyboxTar();
    for (const docker of engines) {
      await buffer(await docker.importImage(Readable.from([tar]), { repo: 'bb', tag: '1' }));
    }
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  /** Asks both and compares; what comes out is what both said. */
  async function same<T>(ask: (docker: Docker) => Promise<T>): Promise<T> {
    const [ours, theirs] = await Promise.all(engines.map(ask));
    assert.deepEqual(ours, theirs);
    assert.ok(ours !== undefined);
    return ours;
  }

  async function started(docker: Docker): Promise<Docker.Container> {
    const container = await docker.createContainer({
      Image: 'bb:1',
      name: 'tree',
      Cmd: ['sh', '-c', script],
      Volumes: { '/vol': {} },
      Labels: { a: 'b' },
      HostConfig: { NetworkMode: 'none' },
    });
    await container.start();
    for (let ready = false; !ready; ) {
      ready = await container.infoArchive({ path: '/ready' }).then(
        () => true,
        () => false,
      );
    }
    return container;
  }

  const refusal = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => 'done',
      (failure: { json?: { message?: string }; message: string }) =>
        (failure.json?.message ?? failure.message).replace(/\b[0-9a-f]{64}\b/g, 'ID'),
    );

  it('paths, archives in and out, export', async () => {
    const containers = await Promise.all(engines.map(started));
    const both = <T>(ask: (container: Docker.Container) => Promise<T>) =>
      same((docker) => {
        const container = containers[engines.indexOf(docker)];
        assert.ok(container);
        return ask(container);
      });
    for (const path of [
      '/d',
      '/d/',
      '/dl',
      '/dl/',
      '/dl/.',
      '/d/l',
      '/d/f',
      '/d/..',
      'd/f',
      '/d/null',
      '/d/sub',
      '/dangling',
      '/vol',
    ]) {
      const stat = await both(async (container) => {
        const { headers } = await container.infoArchive({ path });
        const { mtime, ...rest } = JSON.parse(
          Buffer.from(headers['x-docker-container-path-stat'], 'base64').toString(),
        );
        assert.ok(Date.parse(mtime) > 0);
        return rest;
      });
      assert.ok(stat.mode > 0, path);
      await both(async (container) => listed(await container.getArchive({ path })));
    }
    for (const path of ['/none', '/proc/1', '/d/none/x'])
      await both((container) => refusal(container.getArchive({ path })));
    const archive = await tarOf([
      directory('in', { mode: 0o700, uid: 3 }),
      file('in/f', 'x', { mode: 0o4755 }),
      symlink('in/l', 'f'),
    ]);
    for (const path of ['/d', '/dl/sub', '/vol', '/none', '/d/f']) {
      await both((container) => refusal(container.putArchive(Readable.from([archive]), { path })));
    }
    await both(async (container) => listed(await container.getArchive({ path: '/' })));
    await both(async (container) => listed(await container.export()));
    await Promise.all(containers.map((container) => container.pause()));
    await both(async (container) => listed(await container.getArchive({ path: '/d' })));
    await Promise.all(containers.map((container) => container.unpause()));
    await Promise.all(containers.map((container) => container.stop({ t: 0 })));
    await both(async (container) => listed(await container.getArchive({ path: '/' })));
    await both(async (container) => listed(await container.export()));
    await both(async (container) =>
      ((await container.changes()) ?? [])
        .map(({ Path, Kind }: { Path: string; Kind: number }) => `${Kind} ${Path}`)
        .sort(),
    );
  });

  it('what the engine lays over an image that has something else there', async () => {
    const image = await tarOf([
      directory('dev', { mode: 0o700, uid: 7, gid: 8 }),
      directory('dev/pts', { mode: 0o1777 }),
      symlink('dev/shm', '/run/shm'),
      directory('usr'),
      directory('usr/etc'),
      file('usr/etc/passwd', 'x'),
      symlink('etc', 'usr/etc'),
      file('proc', 'x'),
      directory('sys', { mode: 0o555 }),
    ]);
    for (const docker of engines)
      await buffer(await docker.importImage(Readable.from([image]), { repo: 'odd', tag: '1' }));
    const Volumes = { '/etc': {}, '/dev/shm': {} };
    const made = await Promise.all(
      engines.map((docker) => docker.createContainer({ Image: 'odd:1', name: 'odd', Cmd: ['x'], Volumes })),
    );
    const both = <T>(ask: (container: Docker.Container) => Promise<T>) =>
      same((docker) => ask(made[engines.indexOf(docker)] ?? docker.getContainer('odd')));
    const seen = await both(async (container) => listed(await container.export()));
    assert.ok(seen.some((line) => line.startsWith('.dockerenv file 755 ')));
    await both((container) => container.changes());
    // Volumes begin with what the engine has there. Ours has its own three files from the creation on, dockerd from the first start.
    const isOwn = (line: string) => /^etc\/(hosts|hostname|resolv\.conf) /.test(line);
    for (const path of ['/dev', '/dev/shm', '/etc', '/proc']) {
      const lines = await both(async (container) =>
        (await listed(await container.getArchive({ path }))).filter((line) => !isOwn(line)),
      );
      assert.ok(lines.length > 0, path);
    }
    await both((container) => container.remove({ v: true }));
    for (const place of ['/etc/hosts', '/.dockerenv']) {
      await same((docker) =>
        refusal(docker.createContainer({ Image: 'odd:1', Cmd: ['x'], Volumes: { [place]: {} } })).then((said) =>
          said.replace(/file exists \/.*/, 'file exists'),
        ),
      );
    }
  });

  it('commit, save, prune', async () => {
    await same(async (docker) => {
      const container = docker.getContainer('tree');
      const { Id } = await container.commit({
        repo: 'made',
        tag: '1',
        comment: 'words',
        author: 'me',
        changes: 'ENV A=1',
      });
      const { Config, Author, Comment, RootFS } = await docker.getImage(Id).inspect();
      const history = await docker.getImage('made:1').history();
      const { Env, Cmd, Volumes, Labels } = Config;
      return {
        ...{ Env, Cmd, Volumes, Labels, Author, Comment, layers: RootFS.Layers?.length },
        history: history.map(({ CreatedBy, Comment: said }: { CreatedBy: string; Comment: string }) => [
          CreatedBy,
          said,
        ]),
      };
    });
    // What the new layer holds, as a reader of the archive sees it.
    await same(async (docker) => layerOf(await buffer(await docker.getImage('made:1').get())));
    await same(async (docker) => {
      await docker.getContainer('tree').commit({ comment: 'dangling' });
      await docker.getContainer('tree').remove({ force: true, v: true });
      const pruned = await docker.pruneImages();
      return [pruned.ImagesDeleted?.length, (await docker.listImages()).map(({ RepoTags }) => RepoTags?.[0]).sort()];
    });
    const [ours] = engines;
    const saved = await imagesOf(ours);
    for (const docker of engines) {
      const said = (await buffer(await docker.loadImage(Readable.from([saved])))).toString();
      assert.match(said, /Loaded image: made:1/);
      assert.match(said, /Loaded image: bb:1/);
    }
    await same(async (docker) => {
      const container = await docker.createContainer({
        Image: 'made:1',
        Cmd: ['cat', '/d/f'],
        HostConfig: { NetworkMode: 'none' },
      });
      await container.start();
      const { StatusCode } = await container.wait();
      await container.remove();
      return StatusCode;
    });
  });
});

/** dockerode has the method, its types do not. */
async function imagesOf(docker: Docker): Promise<Buffer> {
  const getImages: unknown = Reflect.get(docker, 'getImages');
  assert.ok(typeof getImages === 'function');
  const stream: unknown = await getImages.call(docker, { names: ['made:1', 'bb:1'] });
  assert.ok(stream instanceof Readable);
  return await buffer(stream);
}

/** As `tar -tv --numeric-owner` without times. */
async function listed(stream: NodeJS.ReadableStream): Promise<string[]> {
  const lines: string[] = [];
  for await (const entry of readTar(Readable.from(stream))) {
    // The engine's own file is seen where a container runs.
    const isOwn = /^\/etc\/(hosts|hostname|resolv\.conf)$/.test(entry.name);
    const { name, type, mode, uid, gid, size, link, major, minor, xattrs } = entry;
    lines.push(
      [name, type, mode.toString(8), uid, gid, isOwn ? '' : size, link, major, minor, [...xattrs.keys()]].join(' '),
    );
  }
  return lines.sort();
}

/** The topmost layer of an image in an archive. */
async function layerOf(archive: Buffer): Promise<string[]> {
  const files = new Map<string, Buffer>();
  for await (const entry of readTar(Readable.from([archive]))) {
    const parts: Buffer[] = [];
    for await (const piece of entry.body()) if (Buffer.isBuffer(piece)) parts.push(piece);
    files.set(entry.name, Buffer.concat(parts));
  }
  const [image] = JSON.parse(files.get('manifest.json')?.toString() ?? '[]');
  return await listed(Readable.from([files.get(image.Layers.at(-1)) ?? Buffer.alloc(0)]));
}
