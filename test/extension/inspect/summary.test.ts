import assert from 'node:assert/strict';
import { containerSummary } from '../../../src/extension/inspect/container-summary.ts';
import type { Section } from '../../../src/extension/inspect/facts.ts';
import { imageSummary, volumeSummary } from '../../../src/extension/inspect/image-summary.ts';
import { ago } from '../../../webview/inspect/ago.ts';
import { above, around, find, nodesOf, shown } from '../../../webview/inspect/json-nodes.ts';
import { inspectedContainer } from '../ui/inspect-fixture.ts';

/** `section/name: value (note)` lines, `!` before what is alarming. */
const lines = (sections: readonly Section[]): string[] =>
  sections.flatMap(({ id, facts }) =>
    facts.map(
      ({ name, value, note, alarming }) =>
        `${alarming ? '!' : ''}${id}/${name}: ${value}${note === undefined ? '' : ` (${note})`}`,
    ),
  );

describe('What people look for in an inspection', () => {
  it('of a container', () => {
    assert.deepEqual(lines(containerSummary(inspectedContainer)), [
      '!state/Now: killed: out of memory',
      'state/Why it ended: 137: ended by SIGKILL.',
      '!state/Health: unhealthy (connection refused)',
      'state/Created: 2026-11-30T10:00:00.123456789Z',
      'state/Started: 2026-11-30T10:00:01Z',
      'state/Ended: 2026-11-30T10:20:41Z',
      'state/Started again: when it fails, at most 5 times (so far 2 times)',
      'program/Image: shop/web:3 (sha256:9f1c0e7d)',
      'program/Command: nginx -g "daemon off;"',
      'program/Entrypoint: /entry.sh',
      'program/Working directory: /srv/www',
      'program/User: root, as none is named',
      'program/Host name: web',
      'program/Stop signal: SIGQUIT',
      'program/Platform: linux',
      'limits/Memory: 64 MiB',
      'limits/CPU: 0.5 CPUs',
      'limits/Processes: 200',
      'limits/ulimit nofile: 1024 / 4096',
      'mounts//srv/www: volume · site (writable)',
      'mounts//etc/ssl: bind · /etc/ssl (read-only)',
      'network/Mode: bridge',
      'network/Port 80/tcp: published as 0.0.0.0:8080',
      'network/Port 443/tcp: not published',
      'network/Network bridge: 172.17.0.2/16 (gateway 172.17.0.1, MAC 02:42:ac:11:00:02)',
      'security/Its root: read-only',
      'security/Capabilities added: NET_ADMIN',
      'environment/PATH: /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin',
      'environment/LANG: C.UTF-8',
      'environment/SHOP_DB: postgres://db/shop',
      'labels/com.docker.compose.project: shop',
      'labels/maintainer: web@shop.example',
      'keeping/Log driver: json-file',
      'keeping/max-size: 10m',
      'keeping/Log file: /var/lib/porthole/containers/4f0c/log',
      'keeping/Storage driver: overlay',
      `keeping/Id: ${inspectedContainer.Id}`,
    ]);
  });

  it('of an image and of a volume', () => {
    const image = {
      ...{ Id: 'sha256:1', RepoTags: ['a:1', 'b:2'], Created: '2026-11-30T10:00:00Z', Size: 4_263_154, Os: 'linux' },
      ...{ Architecture: 'arm', Variant: 'v7', RootFS: { Layers: ['x', 'y'] } },
      Config: { Cmd: ['sh', '-c', 'a b'], ExposedPorts: { '80/tcp': {} }, Env: ['A=b=c', 'NOTHING'] },
    };
    assert.deepEqual(lines(imageSummary(image, ['web', 'db'])), [
      'image/Name: a:1',
      'image/Name: b:2',
      'image/Created: 2026-11-30T10:00:00Z',
      'image/Size: 4.26 MB',
      'image/Layers: 2',
      'image/Platform: linux/arm/v7',
      'image/Used by: web, db',
      'image/Id: sha256:1',
      'program/Command: sh -c "a b"',
      'program/Ports: 80/tcp',
      'environment/A: b=c',
      'environment/NOTHING: ',
    ]);
    const volume = {
      Name: 'site',
      Driver: 'local',
      Mountpoint: '/v',
      CreatedAt: '2026-11-30T10:00:00Z',
      Options: { o: 'x' },
    };
    assert.deepEqual(lines(volumeSummary(volume, [])), [
      'volume/Name: site',
      'volume/Driver: local',
      'volume/Where it lies: /v',
      'volume/Created: 2026-11-30T10:00:00Z',
      'volume/Used by: no container',
      'options/o: x',
    ]);
  });

  it('is what is left of an answer in which nothing is as it should be', () => {
    const odd = {
      ...{ State: [], Config: 'none', HostConfig: 7, Mounts: { a: 1 }, Args: 'x', Path: null, RestartCount: 'many' },
      NetworkSettings: { Ports: [1], Networks: { a: null } },
    };
    assert.deepEqual(
      lines(containerSummary(odd)).filter((line) => !line.startsWith('limits')),
      [
        'state/Now: not said',
        'state/Started again: never',
        'program/User: root, as none is named',
        'network/Network a: no address',
        'security/Its root: writable',
      ],
    );
    for (const none of [null, 'no', 7, []]) assert.throws(() => containerSummary(none), /describes no object/);
  });
});

describe('A JSON document as a tree', () => {
  const nodes = nodesOf({ a: [1, { 'b.c': 'Deep' }], d: null, __proto__: { e: 'f' }, constructor: '' });

  it('names every value by a path', () => {
    assert.deepEqual(
      nodes.map(({ path }) => path),
      ['$.a', '$.a[0]', '$.a[1]', '$.a[1]["b.c"]', '$.d', '$.constructor'],
    );
  });

  it('finds keys and values, case aside, but no numbers of lists', () => {
    const found = (text: string) => find(nodes, text).map((index) => nodes[index]?.path);
    assert.deepEqual(found('DEEP'), ['$.a[1]["b.c"]']);
    assert.deepEqual(found('1'), ['$.a[0]']);
    assert.deepEqual(found('null'), ['$.d']);
    assert.deepEqual(found(''), []);
    assert.deepEqual(above(nodes, 3), [2, 0]);
    assert.deepEqual([...around(nodes, [2])].sort(), [0, 2, 3]);
  });

  it('takes a document that is deeper than the stack', () => {
    const depth = 50_000;
    assert.equal(nodesOf(JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)).length, depth - 1);
  });

  it('shows what would turn the direction of a line, or end it', () => {
    assert.equal(shown('a\u202eb\n\u001b[1m'), '"a\\u202eb\\n\\u001b[1m"');
  });

  it('says how long ago in the largest unit', () => {
    const of = (seconds: number) => ago(0, { now: seconds * 1000, locale: 'en' });
    assert.deepEqual([0, 59, 60, 7_300, 90_000].map(of), [
      'now',
      '59 seconds ago',
      '1 minute ago',
      '2 hours ago',
      'yesterday',
    ]);
  });
});
