import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGzip, gzipSync } from 'node:zlib';
import type { ImageStore } from '../../../src/agent/store/contract.ts';
import { UnpackLimits, type UnpackLimitsOptions } from '../../../src/agent/store/unpack-limits.ts';
import { requires } from '../../support/tools.ts';
import { dockerArchive, file, openAt, Rig, sha256, streamOf, tarOf } from './rig.ts';

const mebi = 2 ** 20;

/** Few bytes that become many inside a layer: what fits is an image, what does not is refused before the disk is full. */
describe('bombs inside layers', function () {
  const rig = Rig.forEach(this);
  this.timeout(300_000);
  const signal = new AbortController().signal;
  const layerOfZeros = (size: number): Promise<Buffer> => tarOf([file('zeros', Buffer.alloc(size))]);

  /** A store on a disk of 128 MiB of its own. */
  async function onSmallDisk(
    task: (store: ImageStore, root: string) => Promise<void>,
    limits: Partial<UnpackLimitsOptions> = {},
  ): Promise<void> {
    const disk = join(rig.directory, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'tmpfs', disk]);
    try {
      const root = join(disk, 'root');
      const usual = { directory: disk, unsuspected: 4 * mebi };
      await task(await openAt(root, { limits: new UnpackLimits({ ...usual, ...limits }) }), root);
    } finally {
      execFileSync('umount', [disk]);
    }
  }

  const used = async (root: string): Promise<number> => {
    const { blocks, bfree, bsize } = await statfs(root);
    return (blocks - bfree) * bsize;
  };

  /** It fails with these words, which name the layer, and no byte of it is left. */
  async function assertBomb(store: ImageStore, root: string, task: () => Promise<unknown>, words: RegExp) {
    const before = await used(root);
    await assert.rejects(task, (failure: Error & { kind?: string }) => {
      assert.equal(failure.kind, 'invalid', failure.message);
      assert.match(failure.message, words);
      return true;
    });
    assert.deepEqual(store.list(), []);
    assert.ok((await used(root)) <= before, 'something is left on the disk');
  }

  for (const [name, pack] of [
    ['gzip', (data: Buffer) => gzipSync(data)],
    ['zstd', (data: Buffer) => execFileSync('zstd', ['-q', '-c'], { input: data, maxBuffer: 1 << 28 })],
  ] as const) {
    it(`${name}: a layer that would fill the disk is named with what it became`, async function () {
      if (name === 'zstd') requires(this, { programs: ['zstd'] });
      const plain = await layerOfZeros(160 * mebi);
      const blob = pack(plain);
      assert.ok(blob.length < mebi);
      const archive = await dockerArchive([{ layers: [blob], tags: ['bomb:1'], diffIds: [`sha256:${sha256(plain)}`] }]);
      const words = new RegExp(`layer sha256:${sha256(plain)} looks like a bomb: \\d+ bytes became \\d+`);
      await onSmallDisk((store, root) =>
        assertBomb(store, root, () => store.load(streamOf(archive), { signal }), words),
      );
    });
  }

  it('in an archive of images that is compressed as a whole, and in an import', async () => {
    const plain = await layerOfZeros(160 * mebi);
    const archive = gzipSync(await dockerArchive([{ layers: [plain], tags: ['bomb:1'] }]));
    await onSmallDisk(async (store, root) => {
      const words = /the whole looks like a bomb: \d+ bytes became \d+/;
      await assertBomb(store, root, () => store.load(streamOf(archive), { signal }), words);
      await assertBomb(store, root, () => store.importTar(streamOf(gzipSync(plain)), { signal }), words);
    });
  });

  it('a changeset whose holes would be written as zeros', async () => {
    const plain = await layerOfZeros(160 * mebi);
    const common = { author: '', comment: '', createdBy: '', config: {}, signal };
    await onSmallDisk((store, root) => {
      const commit = () => store.commit(undefined, { ...common, layer: piecesOf(plain) });
      return assertBomb(store, root, commit, /the layer looks like a bomb/);
    });
  });

  it('a layer that a registry sends', async () => {
    const plain = await layerOfZeros(160 * mebi);
    const blob = gzipSync(plain);
    const [digest, diffId] = [`sha256:${sha256(blob)}`, `sha256:${sha256(plain)}`] as const;
    await onSmallDisk(async (store, root) => {
      const pull = async (): Promise<void> => {
        const intake = await store.intake({ doing: 'pull the image', signal });
        try {
          await intake.put({ digest, size: blob.length }, async () => piecesOf(blob));
          await intake.unpack({ digest, diffId });
        } finally {
          await intake.close();
        }
      };
      await assert.rejects(pull, new RegExp(`invalid image: layer ${diffId} looks like a bomb: \\d+ bytes became`));
      await store.prune({ all: false, usedBy: () => [], chosen: () => true });
      assert.ok((await used(root)) < mebi);
    });
  });

  it('the same layer is an image where it fits', async () => {
    const plain = await layerOfZeros(20 * mebi);
    const archive = await dockerArchive([
      { layers: [gzipSync(plain)], tags: ['zeros:1'], diffIds: [`sha256:${sha256(plain)}`] },
    ]);
    await onSmallDisk(async (store) => {
      await store.load(streamOf(archive), { signal });
      assert.equal((await store.lookup('zeros:1', 'zeros'))?.size, 20 * mebi);
    });
  });

  it('what is no bomb may fill the disk, and is told so', async () => {
    const noise = Buffer.from(Array.from({ length: 4 * mebi }, (_, at) => (at * 7919 + (at >> 8) * 31) % 251));
    const plain = await tarOf(Array.from({ length: 40 }, (_, at) => file(`f${at}`, noise)));
    const archive = await dockerArchive([{ layers: [plain], tags: ['large:1'] }]);
    await onSmallDisk(async (store) => {
      await assert.rejects(store.load(streamOf(archive), { signal }), /no space left on device/);
      assert.deepEqual(store.list(), []);
    });
  });

  it('a limit on layers that was asked for counts however much room there is', async () => {
    const plain = await layerOfZeros(8 * mebi);
    const archive = await dockerArchive([
      { layers: [gzipSync(plain)], tags: ['zeros:1'], diffIds: [`sha256:${sha256(plain)}`] },
    ]);
    const limits = { most: 8 * mebi };
    await onSmallDisk(
      (store, root) =>
        assertBomb(
          store,
          root,
          () => store.load(streamOf(archive), { signal }),
          new RegExp(`layer sha256:${sha256(plain)} is too large: it unpacks to more than 8388608 bytes`),
        ),
      limits,
    );
  });

  it('by itself a layer of 300 MB of zeros is legal, in 300 KB of gzip', async () => {
    const size = 300 * mebi;
    const { blob, diffId } = await packedZeros(size);
    const archive = await dockerArchive([{ layers: [blob], tags: ['zeros:1'], diffIds: [diffId] }]);
    await rig.load(archive);
    assert.equal((await rig.store.lookup('zeros:1', 'zeros'))?.size, size);
  });
});

async function* piecesOf(data: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < data.length; at += 1 << 16) yield data.subarray(at, at + (1 << 16));
}

/** A layer with one file of zeros, never whole in memory. */
async function packedZeros(size: number): Promise<{ readonly blob: Buffer; readonly diffId: string }> {
  const hash = createHash('sha256');
  const head = (await tarOf([file('zeros', '', { size: 0 })])).subarray(0, 512);
  head.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  head.fill(' ', 148, 156);
  const sum = head.reduce((all, byte) => all + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  async function* tar(): AsyncGenerator<Buffer> {
    const zeros = Buffer.alloc(mebi);
    yield head;
    for (let at = 0; at < size; at += zeros.length) yield zeros;
    yield zeros.subarray(0, 1024);
  }
  async function* hashed(): AsyncGenerator<Buffer> {
    for await (const piece of tar()) {
      hash.update(piece);
      yield piece;
    }
  }
  const parts: Buffer[] = [];
  for await (const part of Readable.from(hashed()).pipe(createGzip())) parts.push(part);
  return { blob: Buffer.concat(parts), diffId: `sha256:${hash.digest('hex')}` };
}
