import assert from 'node:assert/strict';
import { type MountContext, specMounts, type WantedMount, wantedMounts } from '../../../src/agent/container/mounts.ts';
import type { ContainerConfig, HostConfig, Mount } from '../../../src/protocol/docker.ts';

const context: MountContext = {
  dataRoot: '/data/root',
  recursiveReadOnly: true,
  canRecurse: true,
  newVolumeName: () => 'made-up',
  mountpointOf: (name) => `/volumes/${name}`,
  mountsOf: () => [],
};
const mountsOf = (host: HostConfig, config: ContainerConfig = {}, changes: Partial<MountContext> = {}) =>
  wantedMounts(config, host, { ...context, ...changes });
const only = (host: HostConfig, changes: Partial<MountContext> = {}): WantedMount => {
  const [mount, another] = mountsOf(host, {}, changes);
  assert.ok(mount && !another);
  return mount;
};
const refused = (host: HostConfig, words: string, changes: Partial<MountContext> = {}) =>
  assert.throws(() => mountsOf(host, {}, changes), { kind: 'invalid', message: words });

describe('mounts that a create body asks for', () => {
  it('are parsed, sorted and completed', () => {
    const host = { Binds: ['/h/../a:/b:ro,rshared', '/x:/b/c/d', 'named:/n'], Tmpfs: { '/t': 'exec,size=1m' } };
    const mounts = mountsOf(host, { Volumes: { '/v': {}, '/b/': {} } });
    assert.deepEqual(
      mounts.map((mount) => [mount.Type, mount.Destination, mount.Source, mount.RW, mount.Mode, mount.Propagation]),
      [
        ['bind', '/b', '/a', false, 'ro,rshared', 'rshared'],
        ['bind', '/b/c/d', '/x', true, '', 'rprivate'],
        ['volume', '/n', '/volumes/named', true, 'z', ''],
        ['volume', '/v', '/volumes/made-up', true, '', ''],
      ],
    );
    assert.deepEqual(mounts[0]?.options, ['rbind', 'rro', 'rshared']);
    const spec = specMounts(mounts, host);
    assert.deepEqual(
      spec.find(({ type }) => type === 'tmpfs'),
      {
        destination: '/t',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['exec', 'nosuid', 'nodev', 'rprivate', 'size=1m'],
      },
    );
    assert.equal(spec.at(-1)?.destination, '/b/c/d');
  });

  it('refuse in dockerd’s words what cannot be', () => {
    const volume = (more: Partial<Mount>) => ({ Mounts: [{ Type: 'volume', Target: '/x', ...more }] });
    refused({ Binds: ['/a:/b', '/c:/b'] }, 'Duplicate mount point: /b');
    refused({ Binds: ['v1:/b'], Tmpfs: { '/b/': '' } }, 'Duplicate mount point: /b');
    refused({ Binds: ['/a:ro'] }, "invalid volume specification: '/a:ro'");
    refused({ Binds: ['a:b:c:d'] }, "invalid volume specification: 'a:b:c:d'");
    refused({ Binds: [''] }, "invalid volume specification: ''");
    for (const mode of ['xx', 'ro,rw', 'z,Z', 'shared,slave'])
      refused({ Binds: [`/a:/b:${mode}`] }, `invalid mode: ${mode}`);
    const bad = `invalid volume specification: 'v1:/b:rshared': invalid mount config for type "volume"`;
    refused({ Binds: ['v1:/b:rshared'] }, `${bad}: field BindOptions must not be specified`);
    refused(
      volume({ ReadOnly: true }),
      'invalid mount config for type "volume": must not set ReadOnly mode when using anonymous volumes',
    );
    refused(
      volume({ BindOptions: {}, Source: 'v1' }),
      'invalid mount config for type "volume": field BindOptions must not be specified',
    );
    refused(volume({ Type: 'npipe' }), 'invalid mount config for type "npipe": mount type unknown');
    refused(volume({ Type: 'image', Source: 'bb' }), 'invalid mount config for type "image": mount type unknown');
    const outside = 'invalid mount config for type "volume": subpath must be a relative path within the volume';
    for (const Subpath of ['/etc', '..', '../x', 'a/../../x']) {
      refused(volume({ Source: 'v1', VolumeOptions: { Subpath } }), outside);
    }
    refused({ Tmpfs: { '/t': 'size=1m,bogus' } }, 'invalid tmpfs option ["bogus"]');
    const tmpfs = { Type: 'tmpfs', Target: '/t', TmpfsOptions: { Options: [['suid']] } };
    refused({ Mounts: [tmpfs] }, 'invalid mount config for type "tmpfs": invalid option: suid');
  });

  it('tmpfs options are those of --tmpfs', () => {
    const mount = only({
      Mounts: [
        {
          Type: 'tmpfs',
          Target: '/t',
          ReadOnly: true,
          TmpfsOptions: { SizeBytes: 4096, Mode: 0o700, Options: [['exec']] },
        },
      ],
    });
    assert.deepEqual(mount.options, ['exec', 'nosuid', 'nodev', 'rprivate', 'ro', 'mode=700', 'size=4096']);
    assert.equal(mount.RW, false);
  });

  it('read-only reaches what lies below, unless the client is older or says otherwise', () => {
    const bind = (BindOptions: Mount['BindOptions']) => ({
      Mounts: [{ Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true, BindOptions }],
    });
    const older = { recursiveReadOnly: false };
    assert.equal(only({ Binds: ['/a:/b:ro'] }).options[1], 'rro');
    assert.equal(only({ Binds: ['/a:/b:ro'] }, older).options[1], 'ro');
    assert.equal(only(bind({ ReadOnlyNonRecursive: true })).options[1], 'ro');
    assert.equal(only(bind({ ReadOnlyForceRecursive: true }), older).options[1], 'rro');
    assert.equal(only(bind({ NonRecursive: true })).options[0], 'bind');
    const both = { ReadOnlyNonRecursive: true, ReadOnlyForceRecursive: true };
    refused(bind(both), 'mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive');
    assert.throws(() => only(bind({ ReadOnlyForceRecursive: true }), { canRecurse: false }), /need Linux 5\.12/);
  });

  it('a bind that shows the engine’s own directory follows the host’s mounts', () => {
    for (const source of ['/', '/data', '/data/root/x'])
      assert.equal(only({ Binds: [`${source}:/b`] }).Propagation, 'rslave');
    assert.equal(only({ Binds: ['/data/rootless:/b'] }).Propagation, 'rprivate');
    assert.equal(only({ Binds: ['/:/b:rshared'] }).Propagation, 'rshared');
    assert.throws(() => only({ Binds: ['/:/b:private'] }), /must use either propagation mode "rslave" or "rshared"/);
  });

  it('another container lends its mounts, and what is asked for here takes their place', () => {
    const lent = mountsOf({ Binds: ['v1:/a', '/h:/b:rprivate'] }, { Volumes: { '/c': {} } });
    const from = (text: string, host: HostConfig = {}) =>
      mountsOf({ VolumesFrom: [text], ...host }, { Volumes: { '/c': {}, '/d': {} } }, { mountsOf: () => lent });
    const readOnly = from('other:ro', { Binds: ['v2:/a'] });
    assert.deepEqual(
      readOnly.map(({ Destination, Name, RW, Mode }) => [Destination, Name, RW, Mode]),
      [
        ['/a', 'v2', true, 'z'],
        ['/b', undefined, false, ''],
        ['/c', 'made-up', false, ''],
        ['/d', 'made-up', true, ''],
      ],
    );
    assert.ok(readOnly[1]?.options.includes('ro'));
    assert.deepEqual(
      readOnly.map(({ volume }) => volume !== undefined),
      [true, false, false, true],
    );
    assert.equal(from('other').find(({ Destination }) => Destination === '/a')?.Name, 'v1');
    for (const mode of ['nocopy', 'rshared', 'foo']) {
      assert.throws(() => from(`other:${mode}`), { message: `invalid mode: ${mode}` });
    }
  });
});
