import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RemoveImageOptions } from '../../../src/agent/store/contract.ts';
import { dockerArchive, file, Rig, tarOf } from './rig.ts';

describe('removing images', function () {
  const rig = Rig.forEach(this);

  const unused = { force: false, usedBy: () => [] };
  const container = 'c'.repeat(64);
  const by = (running: boolean, force = false): RemoveImageOptions => ({
    force,
    usedBy: () => [{ id: container, running }],
  });

  async function load(name: string, tags: string[], ...contents: string[]): Promise<string> {
    const layers = await Promise.all(contents.map((content) => tarOf([file(content, content)])));
    const [loaded] = await rig.load(await dockerArchive([{ layers, tags, config: { author: name } }]));
    return loaded?.id ?? '';
  }
  const short = (id: string): string => id.slice('sha256:'.length, 'sha256:'.length + 12);
  const stored = async (): Promise<{ blobs: number; layers: number; staging: number }> => ({
    blobs: (await readdir(join(rig.root, 'image/blobs/sha256'))).length,
    layers: (await readdir(join(rig.root, 'layers'))).length - 1,
    staging: (await readdir(join(rig.root, 'staging'))).length,
  });

  it('tags go one by one, the image with the last, its layers when nobody else has them', async () => {
    const a = await load('a', ['a:1', 'a:2'], 'shared', 'only-a');
    const b = await load('b', ['b:1'], 'shared', 'only-b');
    const chains = rig.store.layers(a).map(({ chainId }) => chainId);
    assert.deepEqual(await rig.store.remove('a:1', unused), [{ Untagged: 'a:1' }]);
    assert.deepEqual(await rig.store.remove('a:2', unused), [
      { Untagged: 'a:2' },
      { Deleted: a },
      { Deleted: chains[1] },
    ]);
    assert.throws(() => rig.store.get(a), { kind: 'not-found' });
    assert.equal((await rig.store.lookup(b, 'shared'))?.size, 6);
    assert.deepEqual(await stored(), { blobs: 4, layers: 2, staging: 0 });
    const deleted = await rig.store.remove(short(b), unused);
    assert.deepEqual(
      deleted.map((item) => Object.keys(item)[0]),
      ['Untagged', 'Deleted', 'Deleted', 'Deleted'],
    );
    assert.deepEqual(deleted[3], { Deleted: chains[0] });
    assert.deepEqual(await stored(), { blobs: 0, layers: 0, staging: 0 });
    assert.deepEqual(rig.store.list(), []);
  });

  it('by id: several tags of one repository are still several', async () => {
    const id = await load('a', ['a:1', 'a:2', 'other:1'], 'x');
    await assert.rejects(rig.store.remove(id, unused), {
      kind: 'conflict',
      message: `conflict: unable to delete ${short(id)} (must be forced) - image is referenced in multiple repositories`,
    });
    const removed = await rig.store.remove(id, { ...unused, force: true });
    assert.deepEqual(removed.slice(0, 4), [
      { Untagged: 'a:1' },
      { Untagged: 'a:2' },
      { Untagged: 'other:1' },
      { Deleted: id },
    ]);
  });

  it('a container of the image stands in the way of its last name', async () => {
    const id = await load('a', ['a:1', 'b:1'], 'x');
    assert.deepEqual(await rig.store.remove('b:1', by(true)), [{ Untagged: 'b:1' }]);
    await assert.rejects(rig.store.remove('a:1', by(false)), {
      kind: 'conflict',
      message: `conflict: unable to remove repository reference "a:1" (must force) - container ${'c'.repeat(12)} is using its referenced image ${short(id)}`,
    });
    await assert.rejects(rig.store.remove(id, by(false)), {
      kind: 'conflict',
      message: `conflict: unable to delete ${short(id)} (must be forced) - image is being used by stopped container ${'c'.repeat(12)}`,
    });
    await assert.rejects(rig.store.remove(id, by(true, true)), {
      kind: 'conflict',
      message: `conflict: unable to delete ${short(id)} (cannot be forced) - image is being used by running container ${'c'.repeat(12)}`,
    });
    assert.deepEqual(rig.store.get(id).tags, ['a:1']);
    // By name the tag goes, and what runs keeps its image.
    assert.deepEqual(await rig.store.remove('a:1', by(true, true)), [{ Untagged: 'a:1' }]);
    assert.deepEqual(rig.store.get(id).tags, []);
  });

  it('forced away from a stopped container, an image is gone for everybody but this container', async () => {
    const id = await load('a', ['a:1'], 'x');
    const rootfs = rig.store.rootfs(id);
    assert.deepEqual(await rig.store.remove('a:1', by(false, true)), [{ Untagged: 'a:1' }, { Deleted: id }]);
    assert.deepEqual(rig.store.list(), []);
    assert.throws(() => rig.store.get('a:1'), { kind: 'not-found' });
    await rig.reopen();
    assert.deepEqual(rig.store.list(), []);
    assert.throws(() => rig.store.get(id), { kind: 'not-found' });
    assert.deepEqual(rig.store.rootfs(id), rootfs);
    assert.equal((await rig.store.lookup(id, 'x'))?.size, 1);
    // With the next removal after its container is gone, it goes for good.
    const other = await load('b', ['b:1'], 'y');
    await rig.store.remove(other, unused);
    assert.deepEqual(await stored(), { blobs: 0, layers: 0, staging: 0 });
  });

  it('loaded again, a hidden image is there again', async () => {
    const id = await load('a', ['a:1'], 'x');
    await rig.store.remove('a:1', by(false, true));
    assert.equal(await load('a', ['a:1'], 'x'), id);
    assert.deepEqual(
      rig.store.list().map(({ tags }) => tags),
      [['a:1']],
    );
  });

  it('what is not there is said', async () => {
    await assert.rejects(rig.store.remove('nothing', unused), {
      kind: 'not-found',
      message: 'No such image: nothing:latest',
    });
    await assert.rejects(rig.store.remove('No', unused), { kind: 'invalid' });
  });
});
