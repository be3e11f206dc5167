import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { HostConfig, Mount } from '../../../src/protocol/docker.ts';
import { requires } from '../../support/tools.ts';
import { never, openRig, type Rig } from '../container/rig.ts';
import { mountedBelow, volumeAt } from './rig.ts';

describe('mounts, as the container and the host see them', function () {
  this.timeout(60_000);
  let rig: Rig;
  let host: string;
  before(async function () {
    requires(this, { root: true, programs: ['busybox'] });
    rig = await openRig();
    host = join(rig.root, 'host');
    mkdirSync(host);
  });
  after(async () => {
    if (host) for (const target of mountedBelow(rig.root).reverse()) execFileSync('umount', ['-l', target]);
    await rig?.close();
  });
  afterEach(async () => {
    for (const { id } of rig.containers.list()) await rig.containers.remove(id, { force: true, volumes: true });
    for (const { name } of rig.containers.volumes.list()) await rig.containers.volumes.remove(name, { force: true });
  });
  const directory = (...parts: string[]): string => {
    const path = join(host, ...parts);
    mkdirSync(path, { recursive: true });
    return path;
  };
  /** A tmpfs of its own, with that propagation. */
  const mounted = (name: string, propagation: string): string => {
    const path = directory(name);
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path]);
    execFileSync('mount', [`--make-${propagation}`, path]);
    mkdirSync(join(path, 'sub'));
    return path;
  };
  const bind = (Source: string, BindOptions: Mount['BindOptions'] = {}, more: Partial<Mount> = {}): HostConfig => ({
    Mounts: [{ Type: 'bind', Source, Target: '/m', BindOptions, ...more }],
  });
  const inHost = (path: string) => mountedBelow(host).includes(path);

  it('shared: what is mounted in the container appears on the host, and the other way round', async () => {
    const source = mounted('shared', 'shared');
    const hostConfig = { ...bind(source, { Propagation: 'rshared' }), Privileged: true };
    const id = await rig.run(['sleep', '100'], { hostConfig });
    const { exitCode } = await rig.exec(id, ['mount', '-t', 'tmpfs', 'none', '/m/sub']);
    assert.equal(exitCode, 0);
    assert.ok(inHost(join(source, 'sub')));
    await rig.exec(id, ['mkdir', '/m/from-host']);
    execFileSync('mount', ['-t', 'tmpfs', 'of-the-host', join(source, 'from-host')]);
    assert.match((await rig.exec(id, ['mount'])).stdout, /of-the-host on \/m\/from-host /);
  });

  it('slave: what the host mounts appears in the container, and never the other way round', async () => {
    const source = mounted('slave', 'shared');
    const hostConfig = { ...bind(source, { Propagation: 'rslave' }), Privileged: true };
    const id = await rig.run(['sleep', '100'], { hostConfig });
    mkdirSync(join(source, 'late'));
    execFileSync('mount', ['-t', 'tmpfs', 'of-the-host', join(source, 'late')]);
    assert.match((await rig.exec(id, ['mount'])).stdout, /of-the-host on \/m\/late /);
    assert.equal((await rig.exec(id, ['mount', '-t', 'tmpfs', 'none', '/m/sub'])).exitCode, 0);
    assert.ok(!inHost(join(source, 'sub')));
  });

  it('private: nothing goes either way', async () => {
    const source = mounted('private', 'shared');
    const id = await rig.run(['sleep', '100'], { hostConfig: { ...bind(source), Privileged: true } });
    mkdirSync(join(source, 'late'));
    execFileSync('mount', ['-t', 'tmpfs', 'of-the-host', join(source, 'late')]);
    assert.doesNotMatch((await rig.exec(id, ['mount'])).stdout, /of-the-host/);
    await rig.exec(id, ['mount', '-t', 'tmpfs', 'none', '/m/sub']);
    assert.ok(!inHost(join(source, 'sub')));
  });

  it('shared and slave need a source on such a mount, in dockerd’s words', async () => {
    const source = mounted('alone', 'private');
    for (const [mode, kind] of [
      ['shared', 'a shared'],
      ['slave', 'a shared or slave'],
    ]) {
      const id = await rig.create(['true'], { hostConfig: { Binds: [`${source}/sub:/m:${mode}`] } });
      const message = `path ${source}/sub is mounted on ${source} but it is not ${kind} mount`;
      await assert.rejects(rig.containers.start(id), { message });
    }
  });

  it('read-only goes all the way down, or only as far as the client means', async () => {
    const source = mounted('below', 'private');
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(source, 'sub')]);
    const tries = ['sh', '-c', 'touch /m/a 2>/dev/null && echo top; touch /m/sub/a 2>/dev/null && echo below; true'];
    const writable = async (BindOptions: Mount['BindOptions']) =>
      (await rig.output(tries, { hostConfig: bind(source, BindOptions, { ReadOnly: true }) })).stdout;
    assert.equal(await writable({}), '');
    assert.equal(await writable({ ReadOnlyForceRecursive: true }), '');
    assert.equal(await writable({ ReadOnlyNonRecursive: true }), 'below\n');
    const { id } = await rig.containers.create({
      config: { Image: 'bb', Cmd: tries, Tty: false },
      hostConfig: { NetworkMode: 'none', Binds: [`${source}:/m:ro`] },
      readOnlyNonRecursive: true,
    });
    assert.equal(rig.containers.get(id).mounts[0]?.RW, false);
    await rig.containers.start(id);
    await rig.containers.wait(id, 'not-running', new AbortController().signal);
    assert.equal((await rig.logs(id)).stdout, 'below\n');
  });

  it('a mount below the source comes along, unless the bind is not recursive', async () => {
    const source = directory('deep');
    mkdirSync(join(source, 'sub'));
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(source, 'sub')]);
    writeFileSync(join(source, 'sub', 'on-tmpfs'), '');
    const list = (BindOptions: Mount['BindOptions']) =>
      rig.output(['ls', '/m/sub'], { hostConfig: bind(source, BindOptions) });
    assert.equal((await list({})).stdout, 'on-tmpfs\n');
    assert.equal((await list({ NonRecursive: true })).stdout, '');
  });

  it('a missing source is made when asked, and refused otherwise', async () => {
    const missing = join(host, 'made', 'deeper');
    await assert.rejects(rig.create(['true'], { hostConfig: bind(missing) }), {
      message: `invalid mount config for type "bind": bind source path does not exist: ${missing}`,
    });
    await rig.output(['touch', '/m/f'], { hostConfig: bind(missing, { CreateMountpoint: true }) });
    assert.deepEqual(readdirSync(missing), ['f']);
  });

  describe('a path below a volume', () => {
    const output = (command: string[], Subpath: string) =>
      rig.output(command, { hostConfig: { Mounts: [volumeAt('/m', 'vol', { VolumeOptions: { Subpath } })] } });
    const path = (...parts: string[]) => join(rig.containers.volumes.get('vol').mountpoint, ...parts);
    beforeEach(async () => {
      await rig.containers.volumes.create({ name: 'vol' });
      mkdirSync(path('a', 'b'), { recursive: true });
      writeFileSync(path('a', 'b', 'f'), 'inside');
    });

    it('is mounted alone: a directory, a file, through links that stay in the volume', async () => {
      symlinkSync('a/b', path('link'));
      assert.equal((await output(['cat', '/m/f'], 'a/b')).stdout, 'inside');
      assert.equal((await output(['cat', '/m'], 'a/b/f')).stdout, 'inside');
      assert.equal((await output(['cat', '/m/f'], 'link')).stdout, 'inside');
      await output(['touch', '/m/new'], 'a');
      assert.ok(existsSync(path('a', 'new')));
    });

    it('that leads out of it is refused, whatever it leads to', async () => {
      symlinkSync('/etc', path('absolute'));
      symlinkSync('../../..', path('up'));
      symlinkSync('/proc/self/root', path('magic'));
      for (const subpath of ['absolute', 'up', 'magic', 'a/../up', 'absolute/passwd']) {
        await assert.rejects(output(['true'], subpath), {
          message: `path concatenation escapes the base directory, base: ${path()}, subpath: ${subpath.replace('a/../', '')}`,
        });
      }
      await assert.rejects(output(['true'], 'not/there'), {
        message: `cannot access path ${path()}/not/there: no such file or directory`,
      });
    });

    it('never shows the host, however fast somebody swaps it for a link', async () => {
      const secret = directory('secret');
      writeFileSync(join(secret, 'f'), 'of the host');
      const swap = `cd /v; while :; do ln -sfn ${secret} x; rm -f x; mkdir -p x; echo mine > x/f; rm -rf x; done`;
      await rig.run(['sh', '-c', swap], { hostConfig: { Binds: ['vol:/v', `${secret}:${secret}`] } });
      const seen = new Set<string>();
      for (let round = 0; round < 25; round++) {
        await output(['cat', '/m/f'], 'x').then(
          ({ stdout }) => seen.add(stdout),
          (failure: Error) => seen.add(failure.message.replace(/,? .*/, '')),
        );
      }
      assert.ok(![...seen].some((each) => each.includes('of the host')), [...seen].join());
      assert.ok(seen.size > 1, `the race was none: ${[...seen].join()}`);
    });

    it('is all that docker cp sees of it, and of a device while nobody runs with it', async () => {
      const device = path('a');
      await rig.containers.volumes.create({ name: 'bound', options: { type: 'none', o: 'bind', device } });
      symlinkSync('/etc', path('a', 'out'));
      const copied = async (Subpath: string) => {
        const mounts = [volumeAt('/m', 'vol', { VolumeOptions: { Subpath } }), volumeAt('/bound', 'bound')];
        const id = await rig.create(['true'], { hostConfig: { Mounts: mounts } });
        const names: string[] = [];
        for (const at of ['/m', '/bound']) {
          const { stream } = await rig.containers.readArchive(id, { path: at, signal: never });
          const listing = execFileSync('tar', ['-t'], { input: await buffer(stream), encoding: 'utf8' });
          names.push(listing.trim().split('\n').join(' '));
        }
        return names;
      };
      assert.deepEqual(await copied('a/b'), ['m/ m/f', 'bound/ bound/b/ bound/b/f bound/out']);
      assert.deepEqual(mountedBelow(rig.dataRoot), []);
      await assert.rejects(copied('a/out'), /EXDEV/);
    });

    it('is what inspect calls the volume, and the volume is held', async () => {
      const id = await rig.create(['true'], {
        hostConfig: { Mounts: [volumeAt('/m', 'vol', { VolumeOptions: { Subpath: 'a' } })] },
      });
      const [mount] = rig.containers.get(id).mounts;
      assert.deepEqual([mount?.Name, mount?.Source, mount?.subpath], ['vol', path(), 'a']);
      assert.deepEqual(rig.containers.volumes.holders('vol'), [id]);
      assert.equal(readFileSync(path('a', 'b', 'f'), 'utf8'), 'inside');
    });
  });
});
