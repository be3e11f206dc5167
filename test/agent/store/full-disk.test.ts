import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ImageStore } from '../../../src/agent/store/contract.ts';
import { isKind, messageOf } from '../../../src/base/errors.ts';
import { dockerArchive, file, openAt, Rig, sha256, streamOf, tarOf } from './rig.ts';

const nobody = { force: true, usedBy: () => [] };

/** A disk of 8 MB with any room from none to enough: what does not fit says so and changes nothing, and removing always works. */
describe('a full disk', function () {
  const rig = Rig.forEach(this);
  this.timeout(300_000);
  const signal = new AbortController().signal;
  const common = { author: '', comment: '', createdBy: '', config: {}, signal };

  it('at every stage of everything that adds to the store', async () => {
    const disk = join(rig.directory, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
    try {
      const root = join(disk, 'root');
      const store = await openAt(root);
      const numbers = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 251));
      const files = Array.from({ length: 30 }, (_, n) =>
        file(`d/f${n}`, numbers.subarray(n * 10_000, (n + 1) * 10_000)),
      );
      const layer = await tarOf(files);
      const archive = await dockerArchive([{ layers: [layer], tags: ['new:1'] }]);
      const [kept] = await store.load(
        streamOf(await dockerArchive([{ layers: [await tarOf([file('kept', 'k')])], tags: ['kept:1'] }])),
        { signal },
      );
      const keptId = kept?.id ?? '';
      const adding: Readonly<Record<string, () => Promise<unknown>>> = {
        load: () => store.load(streamOf(archive), { signal }),
        import: () => store.importTar(streamOf(layer), { reference: 'new:1', signal }),
        commit: () =>
          store.commit(keptId, {
            ...{ ...common, reference: 'new:1' },
            layer: (async function* () {
              yield layer;
            })(),
          }),
        pull: () => pull(store, layer),
        tag: () => store.tag('kept:1', 'new:1'),
      };
      const before = await contents(root);
      const outcomes = new Map<string, number>();
      for (const room of [0, 8, 40, 150, 330, 500, 700, 1_000, 1_400]) {
        for (const [what, add] of Object.entries(adding)) {
          await fill(disk, room);
          try {
            await add();
            outcomes.set('done', (outcomes.get('done') ?? 0) + 1);
          } catch (failure) {
            const told = `${what} with ${room} KiB: ${messageOf(failure)}`;
            assert.ok(isKind(failure, 'unavailable'), told);
            assert.match(told, /no space left/);
            assert.deepEqual(
              store.list().flatMap(({ tags }) => tags),
              ['kept:1'],
            );
            outcomes.set('full', (outcomes.get('full') ?? 0) + 1);
          }
          // The disk is still as full as it was.
          for (const { id, tags } of store.list()) {
            if (id === keptId && tags.includes('new:1')) await store.remove('new:1', nobody);
            else if (id !== keptId) await store.remove(id, nobody);
          }
          await rm(join(disk, 'ballast'), { force: true });
          await store.prune({ all: false, usedBy: () => [], chosen: () => true });
          assert.deepEqual(await contents(root), before, `${what} with ${room} KiB`);
        }
      }
      assert.ok((outcomes.get('full') ?? 0) > 5 && (outcomes.get('done') ?? 0) > 5, JSON.stringify([...outcomes]));
      const reopened = await openAt(root);
      assert.equal((await reopened.lookup('kept:1', 'kept'))?.size, 1);
      // With no room at all what is there can be removed.
      await fill(disk, 0);
      await reopened.remove('kept:1', nobody);
      assert.deepEqual(reopened.list(), []);
      assert.deepEqual(await readdir(join(root, 'layers')), ['empty']);
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  const contents = async (root: string): Promise<string[]> => (await readdir(root, { recursive: true })).sort();

  /** Leaves that many KiB. */
  async function fill(disk: string, room: number): Promise<void> {
    await rm(join(disk, 'ballast'), { force: true });
    const { bavail, bsize } = await statfs(disk);
    await writeFile(join(disk, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - room * 1024)));
  }

  async function pull(store: ImageStore, tar: Buffer): Promise<void> {
    const blob = gzipSync(tar);
    const diffId = `sha256:${sha256(tar)}`;
    const config = Buffer.from(
      JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [diffId] } }),
    );
    const of = (data: Buffer, mediaType: string) => ({
      mediaType,
      digest: `sha256:${sha256(data)}`,
      size: data.length,
    });
    const layer = of(blob, 'application/vnd.oci.image.layer.v1.tar+gzip');
    const described = of(config, 'application/vnd.oci.image.config.v1+json');
    const data = Buffer.from(JSON.stringify({ schemaVersion: 2, config: described, layers: [layer] }));
    const intake = await store.intake({ doing: 'pull the image', signal });
    try {
      await intake.put(described, () => streamOf(config));
      await intake.put(layer, (from) => streamOf(blob.subarray(from)));
      await intake.unpack({ digest: layer.digest, diffId });
      const mediaType = 'application/vnd.oci.image.manifest.v1+json';
      await intake.finish({ manifest: { mediaType, data }, references: ['new:1'] });
    } finally {
      await intake.close();
    }
  }
});
