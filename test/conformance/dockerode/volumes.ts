import assert from 'node:assert/strict';
import { type Method, made, status } from './method.ts';

/** Volumes. */
export const volumeMethods: Readonly<Record<string, Method>> = {
  'docker.createVolume': async ({ docker }) => {
    await docker.createVolume({ Name: 'made', Labels: { a: 'b' } });
    const { Name, Driver, Scope, Labels } = await docker.getVolume('made').inspect();
    assert.deepEqual([Name, Driver, Scope, Labels], ['made', 'local', 'local', { a: 'b' }]);
    await assert.rejects(docker.createVolume({ Name: '-bad' }), status(400));
  },
  'docker.listVolumes': async (given) => {
    const { docker } = given;
    await docker.createVolume({ Name: 'used' });
    await docker.createVolume({ Name: 'unused' });
    await made(given, ['true'], { HostConfig: { Binds: ['used:/d'] } });
    const { Volumes, Warnings } = await docker.listVolumes({ filters: { dangling: ['true'] } });
    assert.deepEqual(
      Volumes.map(({ Name }) => Name),
      ['unused'],
    );
    assert.equal(Warnings, null);
  },
  'docker.getVolume': async ({ docker }) => {
    await docker.createVolume({ Name: 'got' });
    assert.equal((await docker.getVolume('got').inspect()).Name, 'got');
  },
  'docker.pruneVolumes': async (given) => {
    const { docker } = given;
    const container = await made(given, ['true'], { Volumes: { '/anonymous': {} } });
    const name = (await container.inspect()).Mounts[0]?.Name ?? '';
    await container.remove();
    assert.deepEqual((await docker.pruneVolumes()).VolumesDeleted, [name]);
  },
  'volume.inspect': async ({ docker }) => {
    await docker.createVolume({ Name: 'seen', DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
    const found = await docker.getVolume('seen').inspect();
    assert.deepEqual(found.Options, { type: 'tmpfs', device: 'tmpfs' });
    assert.match(found.Mountpoint, /^\/.*\/seen\/_data$/);
    await assert.rejects(docker.getVolume('nothing').inspect(), status(404));
  },
  'volume.remove': async (given) => {
    const { docker } = given;
    await docker.createVolume({ Name: 'goes' });
    const container = await made(given, ['true'], { HostConfig: { Binds: ['goes:/d'] } });
    await assert.rejects(docker.getVolume('goes').remove(), status(409));
    await container.remove();
    await docker.getVolume('goes').remove();
    await assert.rejects(docker.getVolume('goes').inspect(), status(404));
  },
};
