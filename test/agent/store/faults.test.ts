import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { dockerArchive, file, openAt, Rig, sha256, streamOf, tarOf } from './rig.ts';

describe('the image store when things go wrong', function () {
  const rig = Rig.forEach(this);

  const signal = new AbortController().signal;
  const numbered = (from: number, size: number): Buffer => Buffer.alloc(size, `${from} `);

  it('a full disk is said, and leaves nothing', async () => {
    const root = join(rig.directory, 'small');
    await mkdir(root);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', root]);
    try {
      const store = await openAt(root);
      const small = await dockerArchive([{ layers: [await tarOf([file('kept', 'k')])], tags: ['kept:1'] }]);
      await store.load(streamOf(small), { signal });
      const before = (await readdir(root, { recursive: true })).sort();
      // The first fits as an archive and not unpacked; the second does not fit at all.
      for (const size of [3_500_000, 9_000_000]) {
        const archive = await dockerArchive([
          { layers: [await tarOf([file('big', numbered(size, size))])], tags: ['big:1'] },
        ]);
        await assert.rejects(store.load(streamOf(archive), { signal }), {
          kind: 'unavailable',
          message: 'cannot load the image: no space left on device',
        });
        await assert.rejects(store.importTar(streamOf(await tarOf([file('big', numbered(size, size))])), { signal }), {
          kind: 'unavailable',
          message: 'cannot import the image: no space left on device',
        });
        assert.deepEqual((await readdir(root, { recursive: true })).sort(), before);
      }
      assert.deepEqual(
        store.list().map(({ tags }) => tags),
        [['kept:1']],
      );
      await store.load(
        streamOf(await dockerArchive([{ layers: [await tarOf([file('fits', 'f')])], tags: ['fits:1'] }])),
        { signal },
      );
    } finally {
      execFileSync('umount', [root]);
    }
  });

  it('a canceled load is canceled while it waits for data, and leaves nothing', async () => {
    const files = await rig.files();
    const archive = await dockerArchive([{ layers: [await tarOf([file('a', numbered(1, 300_000))])] }]);
    const control = new AbortController();
    const stalled = new Readable({ read: () => undefined });
    stalled.push(archive.subarray(0, 200_000));
    const loading = rig.store.load(stalled, { signal: control.signal });
    setImmediate(() => control.abort());
    await assert.rejects(loading, { kind: 'canceled', message: 'the request to load the image was canceled' });
    await assert.rejects(rig.load(archive, AbortSignal.abort()), { kind: 'canceled' });
    assert.deepEqual(await rig.files(), files);
  });

  it('a stream that breaks off is told as it is', async () => {
    const files = await rig.files();
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(100);
        throw new Error('connection lost');
      })(),
    );
    await assert.rejects(rig.store.load(broken, { signal }), { message: 'connection lost' });
    assert.deepEqual(await rig.files(), files);
  });

  it('a refused archive leaves its stream to the caller', async () => {
    const stream = streamOf(Buffer.concat([Buffer.from('BZh9'), Buffer.alloc(20_000_000)]));
    await assert.rejects(rig.store.load(stream, { signal }), { kind: 'invalid' });
    // An HTTP request would lose its answer with its stream.
    assert.equal(stream.destroyed, false);
    stream.destroy();
  });

  it('loads of the same layers at the same time', async () => {
    const layers = await Promise.all([1, 2, 3].map((n) => tarOf([file(`f${n}`, numbered(n, 200_000))])));
    const archives = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        dockerArchive([{ layers, tags: [`same:${n}`], config: { author: `${n % 2}` } }]),
      ),
    );
    await Promise.all(archives.map((archive) => rig.load(archive)));
    assert.deepEqual(
      rig.store
        .list()
        .flatMap(({ tags }) => tags)
        .sort(),
      [0, 1, 2, 3, 4, 5].map((n) => `same:${n}`),
    );
    assert.equal((await readdir(join(rig.root, 'layers'))).length, 4);
    assert.deepEqual(await readdir(join(rig.root, 'staging')), []);
    await rig.reopen();
    assert.equal(rig.store.list().length, 2);
  });

  it('one of two loads of a layer fails and the other does not', async () => {
    const shared = await tarOf([file('shared', numbered(1, 500_000))]);
    const lie = `sha256:${sha256('lie')}`;
    const bad = await dockerArchive([
      { layers: [shared, await tarOf([file('x', 'x')])], diffIds: [`sha256:${sha256(shared)}`, lie] },
    ]);
    const good = await dockerArchive([{ layers: [shared], tags: ['good:1'] }]);
    for (let round = 0; round < 5; round++) {
      const [failed, loaded] = await Promise.allSettled([rig.load(bad), rig.load(good)]);
      assert.equal(failed.status, 'rejected');
      assert.equal(loaded.status, 'fulfilled');
      assert.equal((await rig.store.lookup('good:1', 'shared'))?.size, 500_000);
      assert.equal((await readdir(join(rig.root, 'layers'))).length, 2);
      await rig.store.remove('good:1', { force: false, usedBy: () => [] });
    }
  });

  it('what a crash left is gone after the next start', async () => {
    const id = await rig.image([file('kept', 'k')]);
    const files = await rig.files();
    await mkdir(join(rig.root, 'staging/layer-abc/fs/deep/er'), { recursive: true });
    await writeFile(join(rig.root, 'staging/layer-abc/fs/deep/er/file'), 'x');
    await mkdir(join(rig.root, 'layers/0123456789abcdef/fs'), { recursive: true });
    await writeFile(join(rig.root, 'layers/0123456789abcdef/layer.json'), '{"version":1');
    await writeFile(join(rig.root, 'image/blobs/sha256', '0'.repeat(64)), 'garbage');
    await writeFile(join(rig.root, 'image/.tmp-index.json.0123'), 'half');
    // A whole layer that no image names: its load died before the last step.
    execFileSync('cp', ['-a', join(rig.content(id, 0), '..'), join(rig.root, 'layers/fedcba9876543210')]);
    await rig.reopen();
    assert.deepEqual(await rig.files(), files);
    assert.equal(rig.store.list().length, 1);
  });

  it('a damaged index.json stops the start, and nothing is collected', async () => {
    await rig.image([file('kept', 'k')]);
    await writeFile(join(rig.root, 'image/index.json'), '{"schemaVersion":2,');
    const files = await rig.files();
    await assert.rejects(rig.reopen(), { kind: 'internal' });
    assert.deepEqual(await rig.files(), files);
  });
});
