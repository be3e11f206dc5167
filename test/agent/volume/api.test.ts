import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';
import type { FileEntry } from '../../../src/protocol/files.ts';
import type { VolumeView } from '../../../src/protocol/volumes.ts';
import { importBusybox } from '../../conformance/engine.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { requires } from '../../support/tools.ts';
import { until } from '../container/rig.ts';
import { mountedBelow } from './rig.ts';

describe('api: volumes', function () {
  this.timeout(60_000);
  let agent: RunningAgent;
  let docker: Docker;
  before(async function () {
    requires(this, { root: true, programs: ['docker', 'busybox'] });
    agent = await startAgent();
    docker = new Docker({ socketPath: agent.socket });
    await importBusybox({ name: 'porthole', host: `unix://${agent.socket}` }, 'bb:latest');
  });
  after(() => agent?.stop());
  afterEach(async () => {
    for (const { Id } of await docker.listContainers({ all: true }))
      await docker.getContainer(Id).remove({ force: true, v: true });
    for (const { Name } of (await docker.listVolumes()).Volumes) await docker.getVolume(Name).remove({ force: true });
  });
  const pathOf = (name: string, ...parts: string[]) => join(agent.dataRoot, 'volumes', name, '_data', ...parts);
  const create = (HostConfig: Docker.HostConfig, more: Docker.ContainerCreateOptions = {}) =>
    docker.createContainer({
      Image: 'bb',
      Cmd: ['sleep', '100'],
      HostConfig: { NetworkMode: 'none', ...HostConfig },
      ...more,
    });
  const json = async <T>(path: string, method = 'GET', body?: unknown): Promise<{ status: number; value: T }> => {
    const answer = await ask(agent.socket, method, path, body);
    return { status: answer.status, value: JSON.parse(answer.body || 'null') };
  };
  const message = async (path: string, method = 'GET', body?: unknown) => {
    const { status, value } = await json<{ message: string }>(path, method, body);
    return [status, value.message];
  };
  const filtered = async (filters: object) =>
    (await docker.listVolumes({ filters: JSON.stringify(filters) })).Volumes.map(({ Name }) => Name);

  it('dockerode makes, lists, inspects, removes and prunes them', async () => {
    const volume = await docker.createVolume({ Name: 'one', Labels: { tier: 'db' }, Driver: 'local' });
    const made = await volume.inspect();
    assert.deepEqual(
      { ...made, CreatedAt: '' },
      {
        CreatedAt: '',
        Driver: 'local',
        Labels: { tier: 'db' },
        Mountpoint: pathOf('one'),
        Name: 'one',
        Options: null,
        Scope: 'local',
      },
    );
    await docker.createVolume({ Name: 'two', DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' } });
    await create({ Binds: ['two:/x'] });
    assert.deepEqual(await filtered({}), ['one', 'two']);
    assert.deepEqual(await filtered({ dangling: ['true'] }), ['one']);
    assert.deepEqual(await filtered({ dangling: ['false'] }), ['two']);
    assert.deepEqual(await filtered({ label: ['tier=db'] }), ['one']);
    assert.deepEqual(await filtered({ name: ['wo'], driver: ['local'] }), ['two']);
    assert.deepEqual(await filtered({ driver: ['nfs'] }), []);
    assert.equal((await docker.getVolume('two').inspect()).Options?.['o'], 'size=1m');
    await docker.getVolume('one').remove();
    await assert.rejects(docker.getVolume('one').inspect(), { statusCode: 404 });
    await assert.rejects(docker.getVolume('two').remove(), { statusCode: 409 });
  });

  it('a prune takes what the client’s API version means', async () => {
    const named = () => docker.createVolume({ Name: 'named' });
    const prune = async (version: string, filters: object) =>
      (
        await json<{ VolumesDeleted: string[] }>(
          `/v${version}/volumes/prune?filters=${encodeURIComponent(JSON.stringify(filters))}`,
          'POST',
        )
      ).value.VolumesDeleted;
    await named();
    const { name } = await docker.createVolume();
    assert.deepEqual(await prune('1.42', { 'label!': ['com.example'] }), [name]);
    assert.deepEqual(await prune('1.42', {}), []);
    assert.deepEqual(await prune('1.42', { all: ['true'], label: ['x'] }), []);
    assert.deepEqual(await prune('1.42', { all: ['1'] }), ['named']);
    await named();
    assert.deepEqual(await prune('1.41', {}), ['named']);
  });

  it('marks anonymous volumes for clients that know the mark', async () => {
    const { name } = await docker.createVolume();
    assert.match(name, /^[0-9a-f]{64}$/);
    const labels = async (version: string) =>
      (await json<{ Labels: unknown }>(`/v${version}/volumes/${name}`)).value.Labels;
    assert.deepEqual(await labels('1.42'), { 'com.docker.volume.anonymous': '' });
    assert.equal(await labels('1.41'), null);
  });

  it('answers bad requests as dockerd does', async () => {
    assert.deepEqual(await message('/volumes/create', 'POST', { Name: 'v', Driver: 'x' }), [
      404,
      'create v: error looking up volume plugin x: plugin "x" not found',
    ]);
    assert.equal((await message('/volumes/create', 'POST', { Name: '../up' }))[0], 400);
    assert.equal((await message('/volumes/create', 'POST', { Name: 5 }))[0], 400);
    assert.deepEqual(await message('/volumes/none', 'DELETE'), [404, 'get none: no such volume']);
    assert.equal((await ask(agent.socket, 'DELETE', '/volumes/none?force=1')).status, 204);
    assert.equal((await message('/v1.47/volumes/one?version=1', 'PUT', {}))[0], 503);
    assert.equal((await message('/volumes?filters=%7B%22foo%22%3A%5B%22x%22%5D%7D'))[0], 400);
  });

  it('mounts mean what the client’s API version meant', async () => {
    const mounts = (version: string, mount: object) =>
      message(`/v${version}/containers/create`, 'POST', {
        Image: 'bb',
        Cmd: ['true'],
        HostConfig: { Mounts: [mount] },
      });
    const volume = { Type: 'volume', Source: 'vv', Target: '/x' };
    assert.deepEqual(await mounts('1.44', { ...volume, VolumeOptions: { Subpath: 'a' } }), [
      400,
      'VolumeOptions.Subpath needs API v1.45 or newer',
    ]);
    const forced = {
      Type: 'bind',
      Source: '/tmp',
      Target: '/x',
      ReadOnly: true,
      BindOptions: { ReadOnlyForceRecursive: true },
    };
    assert.deepEqual(await mounts('1.43', forced), [
      400,
      'BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer',
    ]);
    const strange = { ...volume, TmpfsOptions: {} };
    assert.deepEqual(await mounts('1.42', strange), [400, 'TmpfsOptions must not be specified on mount type "volume"']);
    assert.equal((await mounts('1.41', strange))[0], 201);
    const made = { Type: 'bind', Source: '/no/such/place', Target: '/x', BindOptions: { CreateMountpoint: true } };
    assert.equal((await mounts('1.41', made))[0], 400);
  });

  it('says who mounts what where, live and stopped, and how large it is', async () => {
    await docker.createVolume({ Name: 'shared', Labels: { a: 'b' } });
    writeFileSync(pathOf('shared', 'f'), 'x'.repeat(5000));
    const live = await create({ Binds: ['shared:/live'] }, { name: 'live' });
    await live.start();
    const mount = {
      Type: 'volume',
      Source: 'shared',
      Target: '/part',
      ReadOnly: true,
      VolumeOptions: { Subpath: 'sub' },
    };
    const { value: stopped } = await json<{ Id: string }>('/containers/create?name=stopped', 'POST', {
      Image: 'bb',
      Cmd: ['true'],
      HostConfig: { NetworkMode: 'none', Mounts: [mount] },
    });
    await docker.createVolume({ Name: 'ram', DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
    const { value } = await json<VolumeView[]>('/porthole/v1/volumes');
    const [ram, shared] = value;
    assert.deepEqual([ram?.name, ram?.size, ram?.users], ['ram', undefined, []]);
    assert.deepEqual(shared?.users, [
      { container: live.id, name: 'live', destination: '/live', rw: true, running: true },
      { container: stopped.Id, name: 'stopped', destination: '/part', rw: false, subpath: 'sub', running: false },
    ]);
    assert.equal(shared?.size?.apparent, 5000);
    assert.ok((shared?.size?.disk ?? 0) >= 5000);
    assert.deepEqual((await json<VolumeView>('/porthole/v1/volumes/shared')).value, shared);
    const { value: df } = await json<{ Volumes: { Name: string; UsageData: object }[] }>('/system/df?type=volume');
    assert.deepEqual(
      df.Volumes.map(({ Name, UsageData }) => [Name, UsageData]),
      [['shared', { RefCount: 2, Size: 5000 }]],
    );
    const byVolume = await docker.listContainers({ all: true, filters: JSON.stringify({ volume: ['shared'] }) });
    assert.deepEqual(byVolume.map(({ Names }) => Names[0]).sort(), ['/live', '/stopped']);
  });

  it('a device stays mounted under a container whose agent was killed, and goes with its end', async () => {
    await docker.createVolume({ Name: 'ram', DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
    const [lives, ends] = [await create({ Binds: ['ram:/r'] }), await create({ Binds: ['ram:/r'] })];
    await Promise.all([lives.start(), ends.start()]);
    const [alive, doomed] = [(await lives.inspect()).State.Pid, (await ends.inspect()).State.Pid];
    await agent.kill9();
    process.kill(doomed, 'SIGKILL');
    await agent.restart();
    await until('the end is known', async () => !(await ends.inspect()).State.Running);
    assert.deepEqual(mountedBelow(agent.dataRoot), [pathOf('ram')]);
    await agent.kill9();
    process.kill(alive, 'SIGKILL');
    await agent.restart();
    await until('nothing is mounted', () => mountedBelow(agent.dataRoot).length === 0);
  });
  describe('files', () => {
    const at = (rest: string) => `/porthole/v1/volumes/files/${rest}`;
    const send = (method: string, path: string, options: { body?: string; range?: string } = {}) =>
      new Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
        const headers = options.range === undefined ? {} : { Range: options.range };
        request({ socketPath: agent.socket, method, path, headers, agent: false }, (response) => {
          text(response).then(
            (body) => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
            reject,
          );
        })
          .once('error', reject)
          .end(options.body);
      });
    beforeEach(async () => {
      await docker.createVolume({ Name: 'files' });
      mkdirSync(pathOf('files', 'd'));
      writeFileSync(pathOf('files', 'd', 'f'), '0123456789', { mode: 0o640 });
      symlinkSync('/d/f', pathOf('files', 'inside'));
      symlinkSync('/etc/passwd', pathOf('files', 'outside'));
      symlinkSync('/', pathOf('files', 'root'));
    });

    it('are listed and read, whole or in part, through links that end in the volume', async () => {
      const { value } = await json<FileEntry[]>(at('tree?path=/'));
      assert.deepEqual(
        value.map(({ name, type, link }) => [name, type, link]),
        [
          ['d', 'directory', undefined],
          ['inside', 'symlink', '/d/f'],
          ['outside', 'symlink', '/etc/passwd'],
          ['root', 'symlink', '/'],
        ],
      );
      const [entry] = (await json<FileEntry[]>(at('tree?path=root/root/d'))).value;
      assert.deepEqual([entry?.name, entry?.mode, entry?.size], ['f', 0o640, 10]);
      assert.equal((await send('GET', at('file?path=inside'))).body, '0123456789');
      const part = await send('GET', at('file?path=/d/f'), { range: 'bytes=3-5' });
      assert.deepEqual([part.status, part.body, part.headers['content-range']], [206, '345', 'bytes 3-5/10']);
      assert.equal((await send('GET', at('file?path=/d/f'), { range: 'bytes=99-' })).status, 416);
      assert.equal((await send('HEAD', at('file?path=/d/f'))).headers['content-length'], '10');
    });

    it('of the host are not there', async () => {
      for (const path of ['outside', '../../../../etc/passwd', 'root/etc/passwd', 'd/../../etc/passwd']) {
        assert.equal((await send('GET', at(`file?path=${path}`))).status, 404, path);
      }
      const written = await send('PUT', at('file?path=outside'), { body: 'mine' });
      assert.equal(written.status, 404, 'its directory is not in the volume');
      assert.match(readFileSync('/etc/passwd', 'utf8'), /^root:/);
    });

    it('are written whole, made, moved and removed', async () => {
      assert.equal((await send('PUT', at('file?path=/d/f'), { body: 'new' })).status, 204);
      assert.equal((await send('PUT', at('file?path=/d/g&mode=600&uid=7&gid=8'), { body: 'second' })).status, 204);
      const entries = (await json<FileEntry[]>(at('tree?path=d'))).value;
      assert.deepEqual(
        entries.map(({ name, mode, uid, gid, size }) => [name, mode, uid, gid, size]),
        [
          ['f', 0o640, 0, 0, 3],
          ['g', 0o600, 7, 8, 6],
        ],
      );
      assert.equal((await send('POST', at('directory?path=/d/e&mode=700'))).status, 201);
      assert.equal((await send('POST', at('rename?from=/d/g&to=/d/e/h'))).status, 204);
      assert.equal((await send('POST', at('rename?from=/d/f&to=/d/e/h'))).status, 409);
      assert.equal(readFileSync(pathOf('files', 'd', 'e', 'h'), 'utf8'), 'second');
      assert.equal((await send('DELETE', at('file?path=inside'))).status, 204);
      assert.equal(readFileSync(pathOf('files', 'd', 'f'), 'utf8'), 'new', 'the link went, not its target');
      assert.equal((await send('DELETE', at('file?path=/d'))).status, 204);
      assert.equal((await send('DELETE', at('file?path=/d'))).status, 404);
      assert.equal((await send('DELETE', at('file?path=/'))).status, 400);
      assert.equal((await send('DELETE', at('file?path=d/..'))).status, 400);
      assert.equal((await send('GET', '/porthole/v1/volumes/none/tree?path=/')).status, 404);
    });

    it('of a device are reached while nobody runs with it', async () => {
      await docker.createVolume({
        Name: 'bound',
        DriverOpts: { type: 'none', o: 'bind', device: pathOf('files', 'd') },
      });
      assert.equal((await send('GET', '/porthole/v1/volumes/bound/file?path=f')).body, '0123456789');
      await until('the device is unmounted', () => !mountedBelow(agent.dataRoot).includes(pathOf('bound')));
    });
  });
});
