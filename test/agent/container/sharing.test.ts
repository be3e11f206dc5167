import assert from 'node:assert/strict';
import { readFile, readlink } from 'node:fs/promises';
import { requires } from '../../support/tools.ts';
import { openRig, type Rig } from './rig.ts';

describe('containers: namespaces shared with another container', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async function () {
    requires(this, { root: true, programs: ['busybox'] });
    rig = await openRig();
  });
  after(() => rig?.close());

  const sleeper = ['sleep', '1000'];
  const ipcOf = async (id: string) => readlink(`/proc/${rig.containers.get(id).state.pid}/ns/ipc`);

  it('ipc: the namespace and the memory that goes with it, both ways', async () => {
    const donor = await rig.run(sleeper, { hostConfig: { IpcMode: 'shareable', ShmSize: 1 << 20 } });
    await rig.exec(donor, ['sh', '-c', 'echo from the donor >/dev/shm/a']);
    const guest = await rig.run(sleeper, { hostConfig: { IpcMode: `container:${donor.slice(0, 12)}` } });
    assert.equal(await ipcOf(guest), await ipcOf(donor));
    assert.equal((await rig.exec(guest, ['cat', '/dev/shm/a'])).stdout, 'from the donor\n');
    await rig.exec(guest, ['sh', '-c', 'echo from the guest >/dev/shm/b']);
    assert.equal((await rig.exec(donor, ['cat', '/dev/shm/b'])).stdout, 'from the guest\n');
    const full = await rig.exec(guest, ['dd', 'if=/dev/zero', 'of=/dev/shm/c', 'bs=1M', 'count=2']);
    assert.match(full.stderr, /No space left/);
    const mounts = (await rig.exec(guest, ['mount'])).stdout;
    assert.match(mounts, /on \/dev\/shm type tmpfs \(rw,nosuid,nodev,noexec/);
    // The guest's guest has the same.
    const third = await rig.run(sleeper, { hostConfig: { IpcMode: `container:${guest}` } });
    assert.equal((await rig.exec(third, ['cat', '/dev/shm/a'])).stdout, 'from the donor\n');
    // The donor's end takes nothing from the guest.
    await rig.containers.remove(donor, { force: true, volumes: true });
    assert.equal((await rig.exec(guest, ['cat', '/dev/shm/a'])).stdout, 'from the donor\n');
    for (const id of [guest, third]) await rig.containers.remove(id, { force: true, volumes: true });
  });

  it('ipc: a donor that puts a link in place of its /dev/shm leads nobody to the host', async () => {
    const donor = await rig.run(sleeper, { hostConfig: { IpcMode: 'shareable', CapAdd: ['SYS_ADMIN'] } });
    const trick = 'umount /dev/shm && rmdir /dev/shm && mkdir /trap && echo mine >/trap/x && ln -s /trap /dev/shm';
    const made = await rig.exec(donor, ['sh', '-c', trick.replace('umount', '/bin/busybox umount')]);
    assert.deepEqual([made.exitCode, made.stderr], [0, '']);
    const { stdout } = await rig.output(['cat', '/dev/shm/x'], { hostConfig: { IpcMode: `container:${donor}` } });
    assert.equal(stdout, 'mine\n');
    const away = await rig.exec(donor, ['sh', '-c', 'rm /dev/shm && ln -s ../../../../../../../tmp /dev/shm; echo $?']);
    assert.equal(away.stdout, '0\n');
    // /tmp is the donor's own, or nothing: never the host's, where the rig itself lies.
    await rig.exec(donor, ['sh', '-c', 'mkdir -p /tmp']);
    const seen = await rig.output(['ls', '/dev/shm'], { hostConfig: { IpcMode: `container:${donor}` } });
    assert.deepEqual([seen.exitCode, seen.stdout], [0, '']);
    await rig.containers.remove(donor, { force: true, volumes: true });
  });

  it('ipc: private and none are nobody else’s', async () => {
    for (const IpcMode of ['private', 'none', '']) {
      const donor = await rig.run(sleeper, { hostConfig: { IpcMode } });
      const guest = await rig.create(sleeper, { hostConfig: { IpcMode: `container:${donor}` } });
      await assert.rejects(rig.containers.start(guest), {
        message: `can't join IPC of container ${donor}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
      });
      for (const id of [guest, donor]) await rig.containers.remove(id, { force: true, volumes: true });
    }
  });

  it('a partner has to be there, and to run; it is known by its id from then on', async () => {
    for (const mode of ['PidMode', 'IpcMode']) {
      const hostConfig = { [mode]: 'container:nobody' };
      await assert.rejects(rig.create(sleeper, { hostConfig }), {
        kind: 'invalid',
        message: 'No such container: nobody',
      });
    }
    const partner = await rig.create(sleeper, { name: 'partner', hostConfig: { IpcMode: 'shareable' } });
    const guest = await rig.create(sleeper, {
      hostConfig: { NetworkMode: 'container:partner', PidMode: 'container:partner', IpcMode: 'container:partner' },
    });
    await rig.containers.rename(partner, 'renamed');
    const { NetworkMode, PidMode, IpcMode } = rig.containers.get(guest).hostConfig;
    assert.deepEqual([NetworkMode, PidMode, IpcMode], Array(3).fill(`container:${partner}`));
    const nobody = await rig.create(sleeper, { hostConfig: { NetworkMode: 'container:nobody' } });
    assert.equal(rig.containers.get(nobody).hostConfig.NetworkMode, 'container:nobody');
    await rig.containers.remove(nobody, { force: true, volumes: true });
    await assert.rejects(rig.containers.start(guest), {
      kind: 'conflict',
      message: `cannot join network of a non running container: ${partner}`,
    });
    await rig.containers.start(partner);
    await rig.containers.start(guest);
    assert.equal(await ipcOf(guest), await ipcOf(partner));
    for (const id of [guest, partner]) await rig.containers.remove(id, { force: true, volumes: true });
  });

  const refused: readonly (readonly [words: string, config: object, hostConfig: object])[] = [
    ['invalid PID mode: x', {}, { PidMode: 'x' }],
    ['invalid PID mode: container:', {}, { PidMode: 'container:' }],
    ['invalid IPC mode: x', {}, { IpcMode: 'x' }],
    ['invalid UTS mode: container:a', {}, { UTSMode: 'container:a' }],
    ['invalid cgroup namespace mode: x', {}, { CgroupnsMode: 'x' }],
    ['network x not found', {}, { NetworkMode: 'x' }],
    ['Invalid network mode: invalid container format container:<name|id>', {}, { NetworkMode: 'container:' }],
    ['conflicting options: hostname and the UTS mode', { Hostname: 'x' }, { UTSMode: 'host' }],
    ['conflicting options: hostname and the network mode', { Hostname: 'x' }, { NetworkMode: 'container:a' }],
    ['conflicting options: dns and the network mode', {}, { NetworkMode: 'container:a', Dns: ['1.1.1.1'] }],
    ['invalid environment variable: =x', { Env: ['A=1', '=x'] }, {}],
    [
      'could not select device driver "" with capabilities: [[gpu]]',
      {},
      { DeviceRequests: [{ Capabilities: [['gpu']] }] },
    ],
    ['invalid Annotations: the empty string is not permitted as an annotation key', {}, { Annotations: { '': 'x' } }],
  ];
  for (const [words, config, hostConfig] of refused) {
    it(`refuses in dockerd’s words: ${words}`, async () => {
      await assert.rejects(rig.create(sleeper, { config, hostConfig }), { kind: 'invalid', message: words });
    });
  }

  it('annotations reach the bundle; the host’s processes imply label=disable', async () => {
    const id = await rig.run(sleeper, { hostConfig: { PidMode: 'host', Annotations: { 'org.example.a': 'b' } } });
    assert.deepEqual(rig.containers.get(id).hostConfig.SecurityOpt, ['label=disable']);
    const spec: unknown = JSON.parse(await readFile(`${rig.containers.get(id).bundle}/config.json`, 'utf8'));
    assert.deepEqual(Object(spec).annotations, { 'org.example.a': 'b' });
    await rig.containers.remove(id, { force: true, volumes: true });
  });
});
