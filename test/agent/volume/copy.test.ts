import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileDescription } from '../../../src/agent/files/contract.ts';
import { requires } from '../../support/tools.ts';
import { never, openRig, type Rig } from '../container/rig.ts';
import { volumeAt } from './rig.ts';

describe('a new volume', function () {
  this.timeout(60_000);
  let rig: Rig;
  let source: string;
  before(async function () {
    requires(this, { root: true, programs: ['busybox', 'tar'] });
    rig = await openRig();
    source = await mkdtemp('/tmp/porthole-volume-image-');
    const script = `
      mkdir -p lower/data/sub lower/bin lower/etc && cd lower
      cp $(command -v busybox) bin/busybox
      ln -s busybox bin/true
      echo one > data/file; chown 7:8 data/file; chmod 4751 data/file
      ln data/file data/sub/again
      echo outside > etc/secret; ln etc/secret data/sub/hard-from-outside; ln etc/secret data/twice
      ln -s /etc/secret data/link; ln -s ../../../.. data/up; chown -h 9:10 data/link
      mknod data/null c 1 3; mkfifo -m 640 data/pipe
      truncate -s 8M data/sparse; printf end >> data/sparse
      touch -h -d @1600000000.123456789 data/file data/link data/pipe data/sparse data/sub data
      chown 5:6 data; chmod 1750 data; touch -d @1500000000 data
      ln -s data linked; ln -s loop loop; ln -s ../run/there var; ln -s ../run/deep/file etc/conf;  mkdir empty; chown 11:12 empty
    `;
    execFileSync('sh', ['-ec', script], { cwd: source });
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
    await withAttributes({
      'user.note': ['data/file', Buffer.from('kept')],
      'security.capability': ['data/twice', capability],
    });
    const tar = join(source, 'image.tar');
    // POSIX headers hold the nanoseconds.
    const options = ['--format=posix', '--xattrs', '--xattrs-include=*', '--sparse', '--numeric-owner', '--sort=name'];
    execFileSync('tar', [...options, '-cf', tar, '-C', join(source, 'lower'), '.']);
    await rig.images.importTar(createReadStream(tar), { reference: 'full:1', signal: never });
  });
  after(async () => {
    await rig?.close();
    if (source) await rm(source, { recursive: true, force: true });
  });
  afterEach(async () => {
    for (const { id } of rig.containers.list()) await rig.containers.remove(id, { force: true, volumes: true });
    for (const { name } of rig.containers.volumes.list()) await rig.containers.volumes.remove(name, { force: true });
  });
  const withAttributes = async (attributes: Record<string, [path: string, value: Buffer]>) => {
    const executor = rig.shims.execute();
    const operations = Object.entries(attributes).map(
      ([name, [path, value]]) =>
        ({ op: 'setxattr', path: join(source, 'lower', path), name, value, why: 'test' }) as const,
    );
    await executor.run({ operations });
    await executor.close();
  };
  const pathOf = (name: string, ...parts: string[]) => join(rig.containers.volumes.get(name).mountpoint, ...parts);
  const make = (hostConfig: object, config: object = {}) =>
    rig.create(['true'], { config: { Image: 'full:1', ...config }, hostConfig });
  const described = async (name: string, paths: string[]): Promise<Map<string, FileDescription>> => {
    const found = await rig.containers.volumes.visit(name, never, (root) => root.describe(paths));
    return new Map(paths.map((path, at) => [path, found[at] ?? assert.fail(`${path} is missing`)]));
  };

  it('has what the image has at its place: owners, modes, times, attributes, links, devices, holes', async () => {
    await make({ Binds: ['full:/data'] });
    const paths = ['/', '/file', '/sub', '/sub/again', '/link', '/up', '/null', '/pipe', '/twice', '/sparse'];
    const found = await described('full', paths);
    const of = (path: string) => found.get(path) ?? assert.fail();
    const line = (path: string) => {
      const { type, mode, uid, gid } = of(path);
      return `${type} ${mode.toString(8)} ${uid}:${gid}`;
    };
    assert.equal(line('/'), 'directory 1750 5:6');
    assert.equal(line('/file'), 'file 4751 7:8');
    assert.equal(line('/pipe'), 'fifo 640 0:0');
    assert.match(line('/link'), /^symlink 777 9:10$/);
    assert.equal(of('/link').link, '/etc/secret');
    assert.equal(of('/up').link, '../../../..');
    assert.deepEqual([of('/null').type, of('/null').major, of('/null').minor], ['char', 1, 3]);
    assert.equal(of('/file').inode, of('/sub/again').inode, 'two names of one file');
    assert.ok(of('/file').inode);
    assert.equal(of('/file').xattrs.get('user.note')?.toString(), 'kept');
    assert.equal(of('/twice').xattrs.get('security.capability')?.toString('hex').slice(0, 8), '01000002');
    assert.deepEqual(of('/file').mtime, { seconds: 1_600_000_000, nanoseconds: 123_456_789 });
    assert.equal(of('/').mtime.seconds, 1_500_000_000);
    assert.equal(of('/sub').mtime.seconds, 1_600_000_000);
    assert.equal(of('/sparse').size, 8 * 1024 * 1024 + 3);
    assert.ok(of('/sparse').stored < 1024 * 1024, `${of('/sparse').stored} bytes are stored`);
    assert.equal(readFileSync(pathOf('full', 'sparse')).subarray(-4).toString('latin1'), '\0end');
  });

  it('keeps together the names of a file whose first name lies outside', async () => {
    await make({ Binds: ['full:/data'] });
    const found = await described('full', ['/twice', '/sub/hard-from-outside']);
    const [one, two] = [...found.values()];
    assert.equal(one?.inode, two?.inode);
    assert.equal(one?.links, 2);
    assert.equal(readFileSync(pathOf('full', 'twice'), 'utf8'), 'outside\n');
  });

  it('is filled through a link of the image, and an endless one fills nothing', async () => {
    await make({ Binds: ['via:/linked', 'loop:/loop'] });
    assert.equal(readFileSync(pathOf('via', 'file'), 'utf8'), 'one\n');
    assert.equal(statSync(pathOf('via')).uid, 5);
    assert.deepEqual(readdirSync(pathOf('loop')), []);
  });

  it('is mounted where a link of the image leads', async () => {
    const { mountpoint } = await rig.containers.volumes.create({ name: 'there' });
    writeFileSync(join(mountpoint, 'mine'), '');
    const { stdout } = await rig.output(['/bin/busybox', 'ls', '/data'], {
      config: { Image: 'full:1' },
      hostConfig: { Binds: ['there:/linked'] },
    });
    assert.equal(stdout, 'mine\n');
  });

  it('is mounted where a link of the image would lead, if there were something', async () => {
    await rig.containers.volumes.create({ name: 'there' });
    const file = join(source, 'file-of-the-host');
    writeFileSync(file, 'of the host');
    const { stdout } = await rig.output(['/bin/busybox', 'cat', '/proc/mounts', '/run/deep/file'], {
      config: { Image: 'full:1' },
      hostConfig: { Binds: ['there:/var/lib', `${file}:/etc/conf`] },
    });
    assert.match(stdout, / \/run\/there\/lib /);
    assert.match(stdout, /of the host$/);
    await assert.rejects(
      rig.output(['true'], { config: { Image: 'full:1' }, hostConfig: { Binds: ['there:/loop/x'] } }),
      /ELOOP/,
    );
  });

  it('takes after an empty directory too', async () => {
    await make({ Binds: ['bare:/empty'] });
    const { uid, gid } = statSync(pathOf('bare'));
    assert.deepEqual([uid, gid], [11, 12]);
  });

  it('stays as it is when it holds something, or when copying is not wanted', async () => {
    const { mountpoint } = await rig.containers.volumes.create({ name: 'own' });
    writeFileSync(join(mountpoint, 'mine'), '');
    const noCopy = volumeAt('/data', 'bare', { VolumeOptions: { NoCopy: true } });
    await make({
      Binds: ['own:/data', 'bare2:/linked:nocopy'],
      Mounts: [noCopy].map((m) => ({ ...m, Target: '/empty' })),
    });
    assert.deepEqual(readdirSync(mountpoint), ['mine']);
    assert.deepEqual(readdirSync(pathOf('bare2')), []);
    assert.equal(statSync(pathOf('bare')).uid, 0);
  });

  it('is not filled from a file, and a lent one is not filled at all', async () => {
    await assert.rejects(
      make({ Binds: ['file:/etc/secret'] }),
      /^PortholeError: source .*\/rootfs\/etc\/secret is not directory$/,
    );
    const lender = await rig.create(['true'], { hostConfig: { Binds: ['lent:/linked'] } });
    await make({ VolumesFrom: [lender] });
    assert.deepEqual(readdirSync(pathOf('lent')), []);
  });

  it('with a device is filled on the device, as in dockerd, not below it', async () => {
    await rig.containers.volumes.create({ name: 'ram', options: { type: 'tmpfs', device: 'tmpfs', o: 'size=32m' } });
    await make({ Binds: ['ram:/data'] });
    assert.ok(!existsSync(pathOf('ram', 'file')), 'what was written to memory is gone with the mount');
  });
});
