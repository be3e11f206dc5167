import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { readTar } from '../../../src/agent/store/tar.ts';
import { directory, file, hardlink, type Item, symlink, tarOf } from '../store/rig.ts';
import { never, openRig, type Rig, until } from './rig.ts';

interface Found {
  readonly line: string;
  readonly content: string;
}

/** Entries by name: what tar -tv says without the time, and the content. */
async function entriesOf(stream: Readable | Buffer): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  for await (const entry of readTar(Buffer.isBuffer(stream) ? Readable.from([stream]) : stream)) {
    const parts: Buffer[] = [];
    for await (const piece of entry.body()) parts.push('hole' in piece ? Buffer.alloc(piece.hole) : piece);
    const { type, mode, uid, gid, size, link } = entry;
    const line = [type, mode.toString(8), `${uid}:${gid}`, size, ...(link === '' ? [] : [`-> ${link}`])].join(' ');
    found.set(entry.name, { line, content: Buffer.concat(parts).toString() });
  }
  return found;
}

/** Shims that are children of ours. */
function executors(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
  const names = children.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8');
    } catch {
      return '';
    }
  });
  return names.filter((name) => name === 'porthole-shim\n').length;
}

describe('containers: files in and out', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  const out = async (id: string, path: string) =>
    entriesOf((await rig.containers.readArchive(id, { path, signal: never })).stream);
  const listed = async (id: string, path: string) =>
    [...(await out(id, path))].map(([name, { line }]) => `${name} ${line}`);
  const put = (id: string, path: string, archive: Buffer, more = {}) =>
    rig.containers.writeArchive(id, {
      path,
      archive: Readable.from([archive]),
      keepKinds: false,
      ownUser: false,
      signal: never,
      ...more,
    });
  const items = (...list: Item[]) => tarOf(list);
  const ready = (id: string) =>
    until('the container is ready', async () => (await rig.exec(id, ['test', '-e', '/ready'])).exitCode === 0);
  const tree =
    'mkdir -p /d/sub; echo content >/d/f; ln /d/f /d/h; ln -s f /d/l; chmod 4711 /d/f; chown 5:6 /d/sub; chmod 1777 /d/sub; touch /ready; sleep 1000';
  const treeListed = [
    'd/ directory 755 0:0 0',
    'd/f file 4711 0:0 8',
    'd/h link 4711 0:0 0 -> d/f',
    'd/l symlink 777 0:0 0 -> f',
    'd/sub/ directory 1777 5:6 0',
  ];

  it('the same tree comes out of a container that runs, is paused, has stopped, and was started again', async () => {
    const id = await rig.run(['sh', '-c', tree]);
    await ready(id);
    assert.deepEqual(await listed(id, '/d'), treeListed);
    assert.equal((await out(id, '/d')).get('d/f')?.content, 'content\n');
    await rig.containers.pause(id);
    assert.deepEqual(await listed(id, '/d'), treeListed);
    await put(id, '/d', await items(file('paused', 'p')));
    await rig.containers.unpause(id);
    await rig.containers.stop(id, { seconds: 0 });
    await put(id, '/d', await items(file('stopped', 's')));
    assert.deepEqual([...(await out(id, '/d/')).keys()].sort(), [
      'd/',
      'd/f',
      'd/h',
      'd/l',
      'd/paused',
      'd/stopped',
      'd/sub/',
    ]);
    await rig.containers.start(id);
    assert.equal((await rig.exec(id, ['cat', '/d/paused', '/d/stopped'])).stdout, 'ps');
    assert.ok(rig.eventsOf(id).includes('archive-path') && rig.eventsOf(id).includes('extract-to-dir'));
  });

  it('looking at a container that never ran changes nothing in it', async () => {
    const id = await rig.create(['true'], { config: { Volumes: { '/new/volume': {} } } });
    assert.deepEqual(await listed(id, '/new'), ['new/ directory 755 0:0 0', 'new/volume/ directory 755 0:0 0']);
    assert.deepEqual(await rig.containers.changes(id), []);
    assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(id), false);
  });

  it('volumes and bind mounts are seen, also when nothing runs; a link on the way to their place is followed', async () => {
    const host = join(rig.root, 'bound');
    mkdirSync(host);
    writeFileSync(join(host, 'of-host'), 'h');
    const id = await rig.create(['sh', '-c', 'ln -s /data /way; ls /data/bound; echo v > /vol/v'], {
      config: { Volumes: { '/vol': {} } },
      hostConfig: { NetworkMode: 'none', Binds: [`${host}:/data/bound`] },
    });
    await rig.containers.start(id);
    await rig.containers.wait(id, 'not-running', never);
    assert.equal((await out(id, '/way/bound/of-host')).get('of-host')?.content, 'h');
    assert.equal((await out(id, '/vol/v')).get('v')?.content, 'v\n');
    assert.match((await out(id, '/etc/hosts')).get('hosts')?.content ?? '', /localhost/);
    const exported = await entriesOf(await rig.containers.export(id, never));
    assert.deepEqual([...exported.keys()].filter((name) => /^(vol|data)\//.test(name)).sort(), [
      'data/',
      'data/a',
      'data/bound/',
      'data/sub/',
      'data/sub/b',
      'vol/',
    ]);
    rmSync(host, { recursive: true });
    // The source is gone: the rest is still to be had.
    assert.equal((await out(id, '/data/a')).get('a')?.content, 'hi\n');
  });

  it('what the kernel shows of itself is no part of a container', async () => {
    const id = await rig.run(['sleep', '1000']);
    for (const path of ['/proc', '/sys']) {
      assert.deepEqual(await listed(id, path), [`${path.slice(1)}/ directory 755 0:0 0`]);
    }
    assert.deepEqual(await listed(id, '/dev'), [
      'dev/ directory 755 0:0 0',
      'dev/console file 755 0:0 0',
      'dev/pts/ directory 755 0:0 0',
      'dev/shm/ directory 755 0:0 0',
    ]);
    await assert.rejects(rig.containers.pathStatus(id, { path: '/proc/1/root', signal: never }), { kind: 'not-found' });
  });

  it('nothing is written where it is read-only', async () => {
    const archive = await items(file('x', 'x'));
    const hostConfig = { NetworkMode: 'none', ReadonlyRootfs: true, Binds: [`${rig.root}:/bound:ro`] };
    const config = { Volumes: { '/vol': {} } };
    for (const id of [
      await rig.run(['sleep', '1000'], { hostConfig, config }),
      await rig.create(['true'], { hostConfig, config }),
    ]) {
      await assert.rejects(put(id, '/', archive), {
        kind: 'forbidden',
        message: 'container rootfs is marked read-only',
      });
      await assert.rejects(put(id, '/bound', archive), {
        kind: 'forbidden',
        message: 'mounted volume is marked read-only',
      });
      await put(id, '/vol', archive);
      assert.equal((await out(id, '/vol/x')).get('x')?.content, 'x');
    }
  });

  it('owners, modes, times, links, devices and holes arrive as the archive has them', async () => {
    const id = await rig.run(['sleep', '1000']);
    const mtime = new Date('2001-02-03T04:05:06Z');
    await put(
      id,
      '/data',
      gzipSync(
        await items(
          directory('in', { mode: 0o2750, uid: 7, gid: 8, mtime }),
          file('in/f', 'content', { mode: 0o4755, uid: 1000, gid: 50, mtime }),
          hardlink('in/h', 'in/f'),
          symlink('in/l', 'f'),
          { name: 'in/null', type: 'character-device', devmajor: 1, devminor: 3, mode: 0o666 },
          file('not/there/yet', 'deep'),
        ),
      ),
    );
    const said = await rig.exec(id, [
      'stat',
      '-c',
      '%a %u:%g %F %Y %h %n',
      '/data/in',
      '/data/in/f',
      '/data/in/null',
      '/data/not',
    ]);
    assert.deepEqual(
      said.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/(file|directory) (?!981)\d+ /, '$1 ')),
      [
        '2750 7:8 directory 981173106 2 /data/in',
        '4755 1000:50 regular file 981173106 2 /data/in/f',
        '666 0:0 character special file 1 /data/in/null',
        '755 0:0 directory 3 /data/not',
      ],
    );
    assert.equal(
      (await rig.exec(id, ['cat', '/data/in/h', '/data/in/l', '/data/not/there/yet'])).stdout,
      'contentcontentdeep',
    );
  });

  it('directories are merged and the rest is replaced; kinds are kept when asked for', async () => {
    const id = await rig.create(['true']);
    await put(id, '/data', await items(directory('sub', { mode: 0o700 }), file('a', 'new')));
    assert.deepEqual([...(await out(id, '/data')).keys()].sort(), ['data/', 'data/a', 'data/sub/', 'data/sub/b']);
    const keepKinds = true;
    await assert.rejects(put(id, '/data', await items(file('sub', 'x')), { keepKinds }), {
      kind: 'invalid',
      message: 'cannot overwrite directory "/data/sub" with non-directory "/data"',
    });
    await assert.rejects(put(id, '/data', await items(directory('a')), { keepKinds }), {
      message: 'cannot overwrite non-directory "/data/a" with directory "/data"',
    });
    await put(id, '/data', await items(file('sub', 'x'), directory('a')));
    assert.deepEqual([...(await out(id, '/data')).keys()].sort(), ['data/', 'data/a/', 'data/sub']);
  });

  it('with -a everything belongs to the container’s user', async () => {
    const id = await rig.create(['true'], { config: { User: 'fred' } });
    await put(id, '/tmp', await items(file('mine', 'm', { uid: 77 })), { ownUser: true });
    assert.deepEqual(await listed(id, '/tmp/mine'), ['mine file 644 1000:1000 1']);
  });

  it('a path that is none is said in Docker’s words', async () => {
    const id = await rig.create(['true'], { name: 'worded' });
    const status = (path: string) => rig.containers.pathStatus('worded', { path, signal: never });
    for (const path of ['/none', '/data/a/', '/data/a/x', 'none']) {
      await assert.rejects(status(path), {
        kind: 'not-found',
        message: `Could not find the file ${path} in container worded`,
      });
    }
    await assert.rejects(put(id, '/data/a', await items()), {
      kind: 'invalid',
      message: 'extraction point is not a directory',
    });
    await assert.rejects(put(id, '/none', await items()), { kind: 'not-found' });
    const { mode, name, size, linkTarget } = await status('/bin/sh');
    assert.deepEqual(
      { mode, name, size, linkTarget },
      { mode: 2 ** 27 + 0o777, name: 'sh', size: 7, linkTarget: '/bin/busybox' },
    );
  });

  describe('archives that mean harm are refused and reach nothing outside', () => {
    const cases: readonly (readonly [string, () => Promise<Buffer>, RegExp])[] = [
      ['a name that climbs', () => items(file('../../../../tmp/porthole-escape', 'x')), /is outside of "\/data"/],
      ['a name that climbs on the way', () => items(file('a/../../b', 'x')), /is outside of "\/data"/],
      ['a hard link to elsewhere', () => items(hardlink('h', '../etc/passwd')), /invalid hardlink/],
      ['a symbolic link to elsewhere', () => items(symlink('l', '../../etc')), /invalid symlink/],
      ['cut in a file', async () => (await items(file('f', 'x'.repeat(5000)))).subarray(0, 2000), /ends in the middle/],
      ['no archive', async () => Buffer.from('x'.repeat(2000)), /invalid archive/],
    ];
    for (const [name, archive, message] of cases) {
      it(name, async () => {
        const id = await rig.create(['true']);
        await assert.rejects(put(id, '/data', await archive()), { kind: 'invalid', message });
        assert.throws(() => readFileSync('/tmp/porthole-escape'), { code: 'ENOENT' });
      });
    }

    it('a link that the archive itself makes leads into the container’s root, not ours', async () => {
      const id = await rig.create(['true']);
      const name = `porthole-escape-${process.pid}`;
      await put(id, '/data', await items(symlink('l', '/tmp'), file(`l/${name}`, 'caught')));
      assert.equal((await out(id, `/tmp/${name}`)).get(name)?.content, 'caught');
      assert.throws(() => readFileSync(`/tmp/${name}`));
    });
  });

  it('a client that goes away ends its archive, and everything that was opened for it', async () => {
    const id = await rig.run([
      'sh',
      '-c',
      'dd if=/dev/zero of=/big bs=1M count=64 2>/dev/null; touch /ready; sleep 1000',
    ]);
    await ready(id);
    const running = rig.containers.list().filter(({ state }) => state.status === 'running').length;
    const nobodyInside = () => until('nobody is in a container any more', () => executors() === running);
    await nobodyInside();
    const abort = new AbortController();
    const { stream } = await rig.containers.readArchive(id, { path: '/big', signal: abort.signal });
    assert.equal(executors(), running + 1);
    stream.once('error', () => undefined);
    abort.abort();
    stream.destroy();
    await nobodyInside();
    // A slow reader is not read ahead for: 64 MiB do not come into our memory.
    const { stream: slow } = await rig.containers.readArchive(id, { path: '/big', signal: never });
    await new Promise((resolve) => slow.once('readable', resolve));
    assert.ok(slow.readableLength < 1 << 20);
    slow.destroy();
    await nobodyInside();
  });
});
