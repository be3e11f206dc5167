import assert from 'node:assert/strict';
import type { ContainerView, ImageView } from '../../../src/extension/fleet.ts';
import { type Finding, type HostContents, learn, nothing } from '../../../src/extension/model/state.ts';

const container = (id: string, more: Partial<ContainerView> = {}): ContainerView => ({
  host: 'h',
  engine: 'porthole',
  id,
  name: id,
  image: 'i',
  imageId: 'sha256:1',
  command: 'sh',
  state: 'running',
  volumes: [],
  ports: [],
  networks: [],
  labels: {},
  ...more,
});
const image = (id: string, tags: string[]): ImageView => ({
  host: 'h',
  engine: 'porthole',
  id,
  tags,
  size: 1,
  created: 1,
  labels: {},
});
const all = (...list: ContainerView[]): Finding => ({ kind: 'containers', engine: 'porthole', list });

function learnt(...findings: Finding[]): HostContents {
  return findings.reduce((state, finding) => learn(state, finding).state, nothing);
}

describe('model state', () => {
  it('knows an engine from its first list on, even an empty one', () => {
    const { state, changes } = learn(nothing, all());
    assert.deepEqual(state.engines, [{ engine: 'porthole', containers: [], images: [], volumes: [], problems: [] }]);
    assert.deepEqual(changes, [{ kind: 'containers', structure: true, keys: [] }]);
  });

  it('keeps state and objects when nothing changed', () => {
    const before = learnt(all(container('a'), container('b')), {
      kind: 'images',
      engine: 'porthole',
      list: [image('x', ['t'])],
    });
    const again = learn(before, all(container('a'), container('b')));
    assert.equal(again.state, before);
    assert.deepEqual(again.changes, []);
    assert.equal(learn(before, { kind: 'images', engine: 'porthole', list: [image('x', ['t'])] }).state, before);
  });

  it('names what changed, and says whether rows came or went', () => {
    const before = learnt(all(container('a'), container('b')));
    const renamed = learn(before, {
      kind: 'container',
      engine: 'porthole',
      id: 'b',
      found: container('b', { name: 'new' }),
    });
    assert.deepEqual(renamed.changes, [{ kind: 'containers', structure: false, keys: ['h/porthole/b'] }]);
    assert.equal(renamed.state.engines[0]?.containers[0], before.engines[0]?.containers[0]);
    assert.equal(before.engines[0]?.containers[1]?.name, 'b', 'the state before is untouched');

    const added = learn(before, { kind: 'container', engine: 'porthole', id: 'c', found: container('c') });
    assert.deepEqual(added.changes, [{ kind: 'containers', structure: true, keys: ['h/porthole/c'] }]);
    assert.deepEqual(
      added.state.engines[0]?.containers.map((one) => one.id),
      ['c', 'a', 'b'],
    );

    const removed = learn(added.state, { kind: 'container', engine: 'porthole', id: 'a' });
    assert.deepEqual(removed.changes, [{ kind: 'containers', structure: true, keys: ['h/porthole/a'] }]);
    assert.deepEqual(learn(removed.state, { kind: 'container', engine: 'porthole', id: 'a' }).changes, []);
  });

  it('sees tags that moved', () => {
    const before = learnt({ kind: 'images', engine: 'porthole', list: [image('x', ['t']), image('y', [])] });
    const after = learn(before, { kind: 'images', engine: 'porthole', list: [image('x', []), image('y', ['t'])] });
    assert.deepEqual(after.changes, [{ kind: 'images', structure: false, keys: ['h/porthole/x', 'h/porthole/y'] }]);
  });

  it('drops an engine that does not answer, and keeps engines in order', () => {
    const docker: Finding = { kind: 'containers', engine: 'docker', list: [container('d', { engine: 'docker' })] };
    const both = learnt(docker, all(container('a')));
    assert.deepEqual(
      both.engines.map((view) => view.engine),
      ['porthole', 'docker'],
    );
    const one = learn(both, { kind: 'absent', engine: 'docker' });
    assert.deepEqual(
      one.state.engines.map((view) => view.engine),
      ['porthole'],
    );
    assert.deepEqual(one.changes[0], { kind: 'containers', structure: true, keys: ['h/docker/d'] });
    assert.equal(learn(one.state, { kind: 'absent', engine: 'docker' }).state, one.state);
  });
});
