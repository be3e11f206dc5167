import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requires } from '../../support/tools.ts';
import { never, openRig, type Rig } from '../container/rig.ts';
import { mountedBelow, tmpfsOptions, volumeAt, volumeEvents } from './rig.ts';

describe('volumes', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async function () {
    requires(this, { root: true, programs: ['busybox'] });
    rig = await openRig();
  });
  after(() => rig?.close());
  afterEach(async () => {
    for (const { id } of rig.containers.list()) await rig.containers.remove(id, { force: true, volumes: true });
    for (const { name } of volumes().list()) await volumes().remove(name, { force: true });
    rig.events.length = 0;
  });
  const volumes = () => rig.containers.volumes;
  const directory = () => join(rig.dataRoot, 'volumes');
  const names = () =>
    volumes()
      .list()
      .map(({ name }) => name);
  const anonymousOf = (id: string) =>
    rig.containers.get(id).mounts.find(({ Destination }) => Destination === '/anon')?.Name ?? assert.fail('no volume');

  it('are made once, and stay as they were first asked for', async () => {
    const first = await volumes().create({ name: 'db', labels: { a: 'b' } });
    const again = await volumes().create({ name: 'db', driver: 'local', options: tmpfsOptions });
    assert.deepEqual(again, first);
    assert.deepEqual(volumeEvents(rig), ['create db']);
    assert.equal(first.mountpoint, join(directory(), 'db', '_data'));
    await assert.rejects(volumes().create({ name: 'db', driver: 'nfs' }), {
      kind: 'not-found',
      message: /volume plugin nfs/,
    });
    assert.throws(() => volumes().get('nope'), { kind: 'not-found', message: 'get nope: no such volume' });
  });

  it('refuse names and options that cannot be, and make nothing', async () => {
    const cases: [string, Record<string, string>, RegExp][] = [
      ['x', {}, /name is too short/],
      ['../up', {}, /includes invalid characters/],
      ['a'.repeat(256), {}, /includes invalid characters/],
      ['opt', { foo: '1' }, /^create opt: invalid option: "foo"$/],
      ['opt', { type: 'tmpfs' }, /^create opt: missing required option: "device"$/],
      ['opt', { size: '10m' }, /no quota support/],
      ['opt', { size: 'much' }, /^create opt: invalid size: 'much'$/],
      ['opt', { type: 'cifs', device: '//host:445/share' }, /port not allowed/],
    ];
    for (const [name, options, message] of cases) {
      await assert.rejects(volumes().create({ name, options }), { kind: 'invalid', message });
    }
    assert.deepEqual(readdirSync(directory()), []);
  });

  it('outlive containers, and anonymous ones go only when asked', async () => {
    const make = (name: string) =>
      rig.create(['true'], { name, config: { Volumes: { '/anon': {} } }, hostConfig: { Binds: ['kept:/k'] } });
    const [one, two] = [await make('one'), await make('two')];
    const [first, second] = [anonymousOf(one), anonymousOf(two)];
    await assert.rejects(volumes().remove('kept', { force: true }), {
      kind: 'conflict',
      message: `remove kept: volume is in use - [${one}, ${two}]`,
    });
    await rig.containers.remove(one, { force: false, volumes: false });
    await rig.containers.remove(two, { force: false, volumes: true });
    assert.deepEqual(names(), [first, 'kept'].sort());
    assert.ok(!existsSync(join(directory(), second)));
    assert.deepEqual(volumeEvents(rig).slice(-1), [`destroy ${second}`]);
    await volumes().remove('kept', { force: false });
  });

  it('an anonymous volume that another container mounts stays with it', async () => {
    const lender = await rig.create(['true'], { name: 'lender', config: { Volumes: { '/anon': {} } } });
    const name = anonymousOf(lender);
    const borrower = await rig.create(['true'], { hostConfig: { VolumesFrom: ['lender'] } });
    await rig.containers.remove(lender, { force: false, volumes: true });
    assert.deepEqual(volumes().holders(name), [borrower]);
    await rig.containers.remove(borrower, { force: false, volumes: true });
    assert.deepEqual(names(), []);
  });

  it('--rm takes anonymous volumes along', async () => {
    const id = await rig.create(['true'], {
      config: { Volumes: { '/anon': {} } },
      hostConfig: { AutoRemove: true, Binds: ['kept:/k'] },
    });
    const gone = rig.containers.wait(id, 'removed', never);
    await rig.containers.start(id);
    await gone;
    assert.deepEqual(names(), ['kept']);
  });

  it('a creation that fails leaves no anonymous volume and holds nothing', async () => {
    const failing = (config: object) =>
      rig.create(['true'], { config, hostConfig: { Binds: ['kept:/k', 'over:/etc/passwd'] } });
    await assert.rejects(
      failing({ Volumes: { '/bin/busybox': {} } }),
      /cannot mount volume over existing file, file exists .*\/rootfs\/bin\/busybox$/,
    );
    assert.deepEqual(names(), [], 'nothing was made');
    await assert.rejects(failing({ Volumes: { '/anon': {} } }), /source .*\/rootfs\/etc\/passwd is not directory$/);
    assert.deepEqual(names(), ['kept', 'over']);
    assert.deepEqual(volumes().holders('kept'), []);
    assert.deepEqual(readdirSync(join(rig.dataRoot, 'containers')), []);
  });

  it('prune what nobody holds, says what it freed, and leaves devices alone', async () => {
    await volumes().create({ name: 'named' });
    await volumes().create({ name: 'device', options: tmpfsOptions });
    const { name, mountpoint } = await volumes().create({});
    writeFileSync(join(mountpoint, 'f'), 'x'.repeat(1000));
    execFileSync('ln', [join(mountpoint, 'f'), join(mountpoint, 'again')]);
    const { removed, bytes } = await volumes().prune(({ anonymous }) => anonymous, never);
    assert.deepEqual([removed, bytes], [[name], 1000]);
    assert.deepEqual((await volumes().prune(() => true, never)).removed, ['named']);
    assert.deepEqual(names(), ['device']);
    const last = rig.events.at(-1);
    assert.deepEqual([last?.action, last?.attributes], ['prune', { reclaimed: '0' }]);
  });

  it('are mounted while somebody runs with them: the last one out unmounts', async () => {
    await volumes().create({ name: 'ram', options: tmpfsOptions });
    const run = () => rig.run(['sleep', '100'], { hostConfig: { Binds: ['ram:/r'] } });
    const one = await run();
    const two = await run();
    assert.deepEqual(mountedBelow(rig.dataRoot), [join(directory(), 'ram', '_data')]);
    const { stdout } = await rig.exec(one, ['sh', '-c', 'echo shared > /r/f; stat -c %a /r; mount | grep " /r "']);
    assert.match(stdout, /^750\ntmpfs on \/r type tmpfs \(rw.*size=1024k/);
    assert.equal((await rig.exec(two, ['cat', '/r/f'])).stdout, 'shared\n');
    await rig.containers.remove(one, { force: true, volumes: false });
    assert.equal(mountedBelow(rig.dataRoot).length, 1);
    await rig.containers.kill(two, 'KILL');
    await rig.containers.wait(two, 'not-running', never);
    assert.deepEqual(mountedBelow(rig.dataRoot), []);
    const told = rig.events.filter(({ type, id }) => type === 'volume' && id === 'ram').map(({ action }) => action);
    assert.deepEqual(told, ['create', 'mount', 'mount', 'unmount', 'unmount']);
    const { attributes } = rig.events.find(({ action }) => action === 'mount') ?? assert.fail();
    assert.deepEqual(attributes, {
      driver: 'local',
      container: one,
      destination: '/r',
      'read/write': 'true',
      propagation: '',
    });
  });

  it('a device that cannot be mounted fails the start in dockerd’s words, and nothing stays mounted', async () => {
    await volumes().create({ name: 'lost', options: { type: 'none', o: 'bind', device: '/no/such/place' } });
    await volumes().create({ name: 'ram', options: tmpfsOptions });
    const hostConfig = { Mounts: [volumeAt('/a', 'ram'), volumeAt('/l', 'lost', { VolumeOptions: { NoCopy: true } })] };
    const id = await rig.create(['true'], { hostConfig });
    const target = join(directory(), 'lost', '_data');
    const message = `error while mounting volume '${target}': failed to mount local volume: mount /no/such/place:${target}, flags: 0x1000: no such file or directory`;
    await assert.rejects(rig.containers.start(id), { message });
    assert.equal(rig.containers.get(id).state.error, message);
    assert.deepEqual(mountedBelow(rig.dataRoot), []);
  });

  it('a bound directory of the host can be read-only, and a secret in the options is not told', async () => {
    const device = join(rig.root, 'host-directory');
    mkdirSync(device);
    writeFileSync(join(device, 'f'), 'of the host');
    await volumes().create({ name: 'ro', options: { type: 'none', o: 'bind,ro', device } });
    const { stdout, stderr } = await rig.output(['sh', '-c', 'cat /x/f; touch /x/g'], {
      hostConfig: { Binds: ['ro:/x'] },
    });
    assert.equal(stdout, 'of the host');
    assert.match(stderr, /Read-only file system/);
    const o = 'addr=127.0.0.1,username=u,password=hunter2,vers=3.0';
    await volumes().create({ name: 'share', options: { type: 'cifs', device: '//127.0.0.1/none', o } });
    await assert.rejects(volumes().use('share', 'test'), (failure: Error) => {
      assert.match(failure.message, /password=\*{8},vers=3\.0: /);
      return !failure.message.includes('hunter2');
    });
  });

  it('the next agent finds what is mounted, unmounts what a crash left, and goes on counting', async () => {
    await volumes().create({ name: 'ram', options: tmpfsOptions });
    await volumes().create({ name: 'left', options: tmpfsOptions });
    const id = await rig.run(['sleep', '100'], { hostConfig: { Binds: ['ram:/r'] } });
    await volumes().use('left', 'somebody whom the crash took');
    assert.equal(mountedBelow(rig.dataRoot).length, 2);
    await rig.containers.shutdown();
    await rig.reopen();
    assert.deepEqual(mountedBelow(rig.dataRoot), [join(directory(), 'ram', '_data')]);
    assert.deepEqual(volumes().holders('ram'), [id]);
    await rig.exec(id, ['touch', '/r/still-there']);
    await rig.containers.remove(id, { force: true, volumes: false });
    assert.deepEqual(mountedBelow(rig.dataRoot), []);
  });

  it('start-up finishes what a crash cut off', async () => {
    const id = await rig.create(['true'], { config: { Volumes: { '/anon': {} } } });
    const name = anonymousOf(id);
    await rig.containers.shutdown();
    const containers = join(rig.dataRoot, 'containers');
    writeFileSync(join(containers, id, 'remove-volumes'), '');
    renameSync(join(containers, id), join(containers, `.removing-${id}`));
    mkdirSync(join(directory(), '.new-half', '_data'), { recursive: true });
    mkdirSync(join(directory(), '.removing-0', '_data', 'deep'), { recursive: true });
    mkdirSync(join(directory(), 'stranger', '_data'), { recursive: true });
    await rig.reopen();
    assert.equal(volumes().find(name), undefined);
    assert.deepEqual(readdirSync(directory()), ['stranger'], 'what is not ours is left alone');
    rmSync(join(directory(), 'stranger'), { recursive: true });
  });

  it('volumes that an earlier engine kept with their container move to the others', async () => {
    const id = await rig.run(['sleep', '100'], { config: { Volumes: { '/anon': {} } } });
    const name = anonymousOf(id);
    await rig.exec(id, ['sh', '-c', 'echo old > /anon/f']);
    await rig.containers.shutdown();
    const record = join(rig.dataRoot, 'containers', id, 'container.json');
    const before = join(rig.dataRoot, 'containers', id, 'volumes', name);
    mkdirSync(join(before, '..'));
    renameSync(join(directory(), name, '_data'), before);
    rmSync(join(directory(), name), { recursive: true });
    const { mounts, ...rest } = JSON.parse(readFileSync(record, 'utf8'));
    const [{ volume: _, anonymous: __, ...mount }] = mounts;
    writeFileSync(record, JSON.stringify({ ...rest, mounts: [{ ...mount, Source: before }] }));
    await rig.reopen();
    assert.equal(rig.containers.get(id).mounts[0]?.Source, volumes().get(name).mountpoint);
    assert.equal(readFileSync(join(volumes().get(name).mountpoint, 'f'), 'utf8'), 'old\n');
    assert.equal((await rig.exec(id, ['cat', '/anon/f'])).stdout, 'old\n', 'what runs goes on with the same files');
    await rig.containers.remove(id, { force: true, volumes: true });
    assert.deepEqual(names(), []);
  });

  it('fifty at once with one new name get one volume, filled once', async () => {
    const config = { Volumes: {} };
    const ids = await Promise.all(
      Array.from({ length: 50 }, () => rig.create(['true'], { config, hostConfig: { Binds: ['same:/etc'] } })),
    );
    assert.deepEqual(names(), ['same']);
    assert.deepEqual(volumes().holders('same').sort(), ids.sort());
    assert.ok(readdirSync(volumes().get('same').mountpoint).includes('passwd'));
  });
});
