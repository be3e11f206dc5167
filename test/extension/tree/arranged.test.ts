import assert from 'node:assert/strict';
import type { ContainerView, ImageView } from '../../../src/extension/fleet.ts';
import type { EngineKind } from '../../../src/extension/hosts/contract.ts';
import { filterOf } from '../../../src/extension/tree/filter.ts';
import {
  bucketsOf,
  type Grouping,
  groupingOf,
  type HostEngines,
  labelsIn,
} from '../../../src/extension/tree/grouping.ts';
import { troubleOf } from '../../../src/extension/tree/troubles.ts';

const container = (id: string, more: Partial<ContainerView> = {}): ContainerView => ({
  host: 'web',
  engine: 'porthole',
  id,
  name: id,
  image: 'img:1',
  imageId: 'sha256:abc',
  command: 'sh',
  state: 'running',
  volumes: [],
  ports: [],
  networks: [],
  labels: {},
  ...more,
});

const hostOf = (id: string, engines: Partial<Record<EngineKind, readonly ContainerView[]>>): HostEngines => ({
  host: { id },
  engines: (['porthole', 'docker', 'podman'] as const).flatMap((engine) => {
    const containers = engines[engine]?.map((one) => ({ ...one, host: id, engine }));
    return containers ? [{ engine, containers, images: [], volumes: [], problems: [] }] : [];
  }),
});

const compose = (project: string) => ({ 'com.docker.compose.project': project });
const all = () => true;
const shown = (hosts: readonly HostEngines[], grouping: Grouping, fits: (one: ContainerView) => boolean = all) =>
  bucketsOf(hosts, { grouping, fits })?.map(({ key, containers }) => [key, ...containers.map(({ id }) => id)]);

describe('containers in groups', () => {
  const a = container('a', { labels: { ...compose('shop'), tier: 'front' }, networks: ['back', 'front'] });
  const b = container('b', { state: 'exited', labels: { ...compose('blog'), tier: 'front' }, networks: ['front'] });
  const c = container('c', { state: 'paused' });
  const one = [hostOf('web', { porthole: [a, b, c] })];
  const two = [hostOf('web', { porthole: [a], docker: [b] }), hostOf('db', { porthole: [c] })];

  it('are one list when there is one engine, or when nobody wants groups', () => {
    assert.equal(shown(one, { by: 'auto' }), undefined);
    assert.equal(shown(two, { by: 'none' }), undefined);
  });

  it('are by host and engine when there are several, empty ones too', () => {
    assert.deepEqual(shown(two, { by: 'auto' }), [
      ['web/porthole', 'a'],
      ['web/docker', 'b'],
      ['db/porthole', 'c'],
    ]);
    assert.deepEqual(
      shown(two, { by: 'auto' }, ({ id }) => id === 'b'),
      [['web/porthole'], ['web/docker', 'b'], ['db/porthole']],
    );
  });

  it('are by host, by engine, by state in the order of a life', () => {
    assert.deepEqual(shown(two, { by: 'host' }), [
      ['host/web', 'a', 'b'],
      ['host/db', 'c'],
    ]);
    assert.deepEqual(shown(two, { by: 'engine' }), [
      ['engine/porthole', 'a', 'c'],
      ['engine/docker', 'b'],
    ]);
    assert.deepEqual(shown(one, { by: 'state' }), [
      ['state/running', 'a'],
      ['state/paused', 'c'],
      ['state/exited', 'b'],
    ]);
  });

  it('are by project, network and label, those without last', () => {
    assert.deepEqual(shown(one, { by: 'project' }), [
      ['project/web/porthole/blog', 'b'],
      ['project/web/porthole/shop', 'a'],
      ['project/', 'c'],
    ]);
    assert.deepEqual(shown(one, { by: 'network' }), [
      ['network/web/porthole/back, front', 'a'],
      ['network/web/porthole/front', 'b'],
      ['network/', 'c'],
    ]);
    assert.deepEqual(shown(one, { by: 'label', label: 'tier' }), [
      ['label/tier=front', 'a', 'b'],
      ['label/tier=', 'c'],
    ]);
  });

  it('of two hosts with a project of the same name are two groups', () => {
    const twice = [hostOf('web', { porthole: [a] }), hostOf('db', { porthole: [a] })];
    assert.equal(shown(twice, { by: 'project' })?.length, 2);
  });

  it('know the labels there are, the common ones first', () => {
    assert.deepEqual(
      labelsIn(one).map(({ label, count }) => [label, count]),
      [
        ['com.docker.compose.project', 2],
        ['tier', 2],
      ],
    );
  });

  it('are remembered only in words that are known', () => {
    assert.deepEqual(groupingOf({ by: 'state' }), { by: 'state' });
    assert.deepEqual(groupingOf({ by: 'label', label: 'x', more: 1 }), { by: 'label', label: 'x' });
    for (const value of [undefined, null, 7, {}, { by: 'label' }, { by: 'colour' }]) {
      assert.equal(groupingOf(value), undefined);
    }
  });
});

describe('a filter', () => {
  const web = container('0123abcd', {
    name: 'Web',
    image: 'nginx:1',
    labels: { tier: 'front' },
    health: 'healthy',
  });
  const image: ImageView = {
    host: 'h',
    engine: 'porthole',
    id: 'sha256:feed',
    tags: ['shop/cart:2'],
    size: 1,
    created: 1,
    labels: { vendor: 'us' },
  };
  const fits = (text: string) => filterOf(text)?.container(web);

  it('looks into name, image, label, state and id, whatever the case', () => {
    for (const text of ['web', 'NGINX', 'tier=front', 'running', '0123', 'healthy', 'web nginx']) {
      assert.equal(fits(text), true, text);
    }
    for (const text of ['db', 'web db', 'abcd', 'unning']) assert.equal(fits(text), false, text);
  });

  it('looks into one of them when it is named', () => {
    assert.equal(fits('name:web state:run label:tier'), true);
    assert.equal(fits('image:web'), false);
    assert.equal(fits('id:web'), false);
  });

  it('is none when nothing is typed', () => {
    assert.equal(filterOf('  '), undefined);
  });

  it('finds images by name, label, digits of the id and whether they have a name', () => {
    for (const text of ['cart', 'vendor=us', 'feed', 'sha256:feed', 'tagged']) {
      assert.equal(filterOf(text)?.image(image), true, text);
    }
    assert.equal(filterOf('dangling')?.image(image), false);
  });
});

describe('what is wrong with a container', () => {
  it('is what stays so until somebody looks', () => {
    assert.equal(troubleOf(container('a')), undefined);
    assert.equal(troubleOf(container('a', { state: 'exited', exitCode: 1 })), undefined);
    assert.equal(troubleOf(container('a', { health: 'unhealthy' })), 'unhealthy');
    assert.equal(troubleOf(container('a', { state: 'exited', health: 'unhealthy' })), undefined);
    assert.equal(troubleOf(container('a', { state: 'exited', exitCode: 137, oomKilled: true })), 'out-of-memory');
    assert.equal(troubleOf(container('a', { state: 'restarting', exitCode: 1 })), 'restarting');
    assert.equal(troubleOf(container('a', { state: 'dead' })), 'dead');
  });
});
