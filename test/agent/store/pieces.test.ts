import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { ImageIntake } from '../../../src/agent/store/pieces.ts';
import { requires } from '../../support/tools.ts';
import { directory, dockerArchive, file, inPieces, Rig, sha256, tarOf } from './rig.ts';

const docker = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
};
const oci = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
};
const nobody = { force: false, usedBy: () => [] };

/** An image as a registry has it: compressed layers, config, manifest. */
class Remote {
  readonly blobs = new Map<string, Buffer>();
  readonly diffIds: string[] = [];
  readonly layers: { mediaType: string; digest: string; size: number }[] = [];
  readonly config: { mediaType: string; digest: string; size: number };
  readonly manifest: { readonly mediaType: string; readonly data: Buffer };

  constructor(tars: readonly Buffer[], types = oci) {
    for (const tar of tars) {
      this.diffIds.push(`sha256:${sha256(tar)}`);
      this.layers.push(this.#add(types.layer, gzipSync(tar)));
    }
    const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: this.diffIds } };
    this.config = this.#add(types.config, Buffer.from(JSON.stringify(config)));
    const manifest = { schemaVersion: 2, mediaType: types.manifest, config: this.config, layers: this.layers };
    // Not as we would write it: its digest must survive.
    this.manifest = { mediaType: types.manifest, data: Buffer.from(`${JSON.stringify(manifest, undefined, 3)}\n`) };
  }

  async *open(digest: string, from = 0, to?: number): AsyncGenerator<Buffer> {
    yield* inPieces(this.blobs.get(digest)?.subarray(from, to) ?? Buffer.alloc(0), 1_000);
  }

  async pull(intake: ImageIntake, references: readonly string[]): Promise<string> {
    for (const blob of [this.config, ...this.layers]) await intake.put(blob, (from) => this.open(blob.digest, from));
    await this.unpack(intake);
    return (await intake.finish({ manifest: this.manifest, references })).id;
  }

  async unpack(intake: ImageIntake): Promise<void> {
    let parent: string | undefined;
    for (const [position, { digest }] of this.layers.entries()) {
      const diffId = this.diffIds[position] ?? '';
      parent = await intake.unpack({ digest, diffId, ...(parent !== undefined && { parent }) });
    }
  }

  #add(mediaType: string, data: Buffer): { mediaType: string; digest: string; size: number } {
    const digest = `sha256:${sha256(data)}`;
    this.blobs.set(digest, data);
    return { mediaType, digest, size: data.length };
  }
}

describe('images in pieces', function () {
  const rig = Rig.forEach(this);
  const signal = new AbortController().signal;
  const begin = () => rig.store.intake({ doing: 'pull the image', signal });
  const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, at) => (at * 7919) % 251));
  const twoLayers = async (types = oci): Promise<Remote> =>
    new Remote([await tarOf([directory('d'), file('d/a', bytes)]), await tarOf([file('b', 'b')])], types);
  const downloads = () => readdir(join(rig.root, 'downloads'));

  for (const [words, types] of Object.entries({ oci, docker })) {
    it(`come blob by blob and go out the same (${words} words)`, async function () {
      requires(this, { programs: ['skopeo', 'umoci'] });
      const remote = await twoLayers(types);
      const digest = `sha256:${sha256(remote.manifest.data)}`;
      const intake = await begin();
      const id = await remote.pull(intake, ['demo:1', `demo@${digest}`]);
      await intake.close();
      assert.equal(id, remote.config.digest);
      await rig.reopen();
      assert.deepEqual([rig.store.get('demo:1').tags, rig.store.get(id).digests], [['demo:1'], [`demo@${digest}`]]);
      assert.equal((await rig.store.lookup(id, 'd/a'))?.size, bytes.length);
      const content = await rig.store.content(`demo@${digest}`);
      try {
        await rig.store.remove(id, nobody);
        assert.deepEqual(
          [content.manifest, content.data],
          [{ mediaType: types.manifest, digest, size: remote.manifest.data.length }, remote.manifest.data],
        );
        // Removed meanwhile, they are still sent whole, and from any byte on.
        for (const [blob, data] of remote.blobs) {
          assert.ok((await buffer(content.open(blob))).equals(data));
          assert.ok((await buffer(content.open(blob, 20))).equals(data.subarray(20)));
        }
      } finally {
        await content.close();
      }
      assert.deepEqual(await readdir(join(rig.root, 'image/blobs/sha256')), []);
      const again = await begin();
      await remote.pull(again, ['demo:1']);
      await again.close();
      const layout = join(rig.root, 'image');
      const inspect = execFileSync('skopeo', ['inspect', `oci:${layout}:demo:1`], { encoding: 'utf8' });
      assert.equal(JSON.parse(inspect).Layers.length, 2);
      execFileSync('umoci', ['unpack', '--image', `${layout}:demo:1`, join(rig.directory, 'bundle')]);
      assert.ok((await readFile(join(rig.directory, 'bundle/rootfs/d/a'))).equals(bytes));
    });
  }

  it('a blob that breaks off goes on where it was, also in the next agent', async () => {
    const remote = await twoLayers();
    const [blob] = remote.layers;
    assert.ok(blob);
    const intake = await begin();
    await assert.rejects(
      intake.put(blob, () => remote.open(blob.digest, 0, 150)),
      { kind: 'unavailable', message: `blob ${blob.digest} ended after 150 of ${blob.size} bytes` },
    );
    const broken = new Error('connection reset');
    await assert.rejects(
      intake.put(blob, async function* (from) {
        yield* remote.open(blob.digest, from, 200);
        throw broken;
      }),
      broken,
    );
    // As after a crash: nobody closes the intake.
    await rig.reopen();
    const begins: number[] = [];
    const next = await begin();
    await next.put(blob, (from) => {
      begins.push(from);
      return remote.open(blob.digest, from);
    });
    assert.deepEqual(begins, [200]);
    await remote.pull(next, ['demo:1']);
    await next.close();
    assert.deepEqual(await downloads(), []);
    assert.equal((await rig.store.lookup('demo:1', 'd/a'))?.size, bytes.length);
  });

  it('a part that nobody asked for within a day is gone at the next start', async () => {
    const remote = await twoLayers();
    const [blob] = remote.layers;
    assert.ok(blob);
    const intake = await begin();
    await assert.rejects(intake.put(blob, () => remote.open(blob.digest, 0, 150)));
    await rig.reopen();
    const [name = ''] = await downloads();
    await utimes(join(rig.root, 'downloads', name), 0, Date.now() / 1_000 - 90_000);
    await rig.reopen();
    assert.deepEqual(await downloads(), []);
  });

  it('content that is not what its digest says is no beginning of the right one', async () => {
    const remote = await twoLayers();
    const [blob] = remote.layers;
    assert.ok(blob);
    const intake = await begin();
    const lie = async function* (length: number) {
      yield Buffer.alloc(length, 'x');
    };
    await assert.rejects(
      intake.put(blob, () => lie(blob.size)),
      { kind: 'invalid', message: new RegExp(`^blob ${blob.digest} has the digest sha256:`) },
    );
    assert.deepEqual(await downloads(), []);
    await assert.rejects(
      intake.put(blob, () => lie(blob.size + 1)),
      { kind: 'invalid', message: `blob ${blob.digest} has more than the ${blob.size} bytes it should have` },
    );
    assert.deepEqual(await downloads(), []);
    await remote.pull(intake, ['demo:1']);
    await intake.close();
  });

  it('two that want the same blobs and layers share them, and one that gives up takes nothing away', async () => {
    const remote = await twoLayers();
    const opened: string[] = [];
    const [one, two, three] = [await begin(), await begin(), await begin()];
    const put = async (intake: ImageIntake): Promise<void> => {
      for (const blob of [remote.config, ...remote.layers]) {
        await intake.put(blob, (from) => {
          opened.push(blob.digest);
          return remote.open(blob.digest, from);
        });
      }
      await remote.unpack(intake);
    };
    await Promise.all([one, two, three].map(put));
    assert.equal(opened.length, 3);
    await three.close();
    await one.finish({ manifest: remote.manifest, references: ['one:1'] });
    await one.close();
    // Not even its removal: the second intake holds what it has put.
    await rig.store.remove('one:1', nobody);
    await two.finish({ manifest: remote.manifest, references: ['two:1'] });
    await two.close();
    assert.equal((await rig.store.lookup('two:1', 'd/a'))?.size, bytes.length);
    await rig.store.remove('two:1', nobody);
    assert.deepEqual(await readdir(join(rig.root, 'layers')), ['empty']);
    assert.deepEqual(await readdir(join(rig.root, 'image/blobs/sha256')), []);
  });

  it('nothing is seen before the end, and what is given up leaves nothing but parts', async () => {
    await rig.store.remove(await rig.image([file('other', 'o')]), nobody);
    const before = await rig.files();
    const remote = await twoLayers();
    const intake = await begin();
    await remote.pull(intake, []).then(({ length }) => assert.ok(length > 0));
    await rig.store.remove(remote.config.digest, nobody);
    await intake.close();
    assert.deepEqual(await rig.files(), before);
    const other = await begin();
    for (const blob of [remote.config, ...remote.layers]) {
      await other.put(blob, (from) => remote.open(blob.digest, from));
    }
    await remote.unpack(other);
    assert.deepEqual(rig.store.list(), []);
    await other.close();
    const left = (await rig.files()).filter((name) => !before.includes(name));
    assert.ok(left.every((name) => name.startsWith('downloads/')));
  });

  it('documents that contradict each other, or what is here, name no image', async () => {
    const remote = await twoLayers();
    const intake = await begin();
    const finish = (change: object): Promise<unknown> => {
      const document = { ...JSON.parse(remote.manifest.data.toString()), ...change };
      const manifest = { mediaType: oci.manifest, data: Buffer.from(JSON.stringify(document)) };
      return intake.finish({ manifest, references: ['demo:1'] });
    };
    await assert.rejects(finish({}), { kind: 'not-found', message: `blob ${remote.config.digest} is not here` });
    for (const blob of [remote.config, ...remote.layers]) {
      await intake.put(blob, (from) => remote.open(blob.digest, from));
    }
    await assert.rejects(finish({}), {
      kind: 'invalid',
      message: /^invalid image: layer sha256:\w+ was not unpacked$/,
    });
    await remote.unpack(intake);
    await assert.rejects(finish({ layers: remote.layers.slice(1) }), {
      kind: 'invalid',
      message: 'invalid image: its config has 2 layers, but its manifest has 1',
    });
    await assert.rejects(finish({ layers: remote.layers.map((layer) => ({ ...layer, size: 5 })) }), {
      kind: 'invalid',
      message: /^invalid image: blob sha256:\w+ has \d+ bytes, but its manifest says 5$/,
    });
    await assert.rejects(finish({ schemaVersion: 1 }), { kind: 'invalid', message: /^invalid image: its manifest: / });
    const [first, second] = remote.layers;
    assert.ok(first && second);
    await assert.rejects(intake.unpack({ digest: second.digest, diffId: remote.diffIds[0] ?? '' }), {
      kind: 'invalid',
      message: /^invalid image: a layer's content has the digest/,
    });
    await assert.rejects(
      intake.put({ digest: 'sha256:../../x', size: 1 }, () => remote.open('')),
      { kind: 'invalid' },
    );
    await finish({});
    await intake.close();
    assert.deepEqual(rig.store.get('demo:1').tags, ['demo:1']);
  });

  it('an image that is only here as it was loaded takes the manifest of the registry', async () => {
    const tar = await tarOf([file('a', 'a')]);
    const config = Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(tar)}`] },
      }),
    );
    await rig.load(
      await tarOf([
        file('manifest.json', JSON.stringify([{ Config: 'c', RepoTags: ['a:1'], Layers: ['l'] }])),
        file('c', config),
        file('l', tar),
      ]),
    );
    const remote = new Remote([tar]);
    assert.equal(remote.config.digest, `sha256:${sha256(config)}`);
    const intake = await begin();
    await remote.pull(intake, ['b:1']);
    await intake.close();
    const { data, close } = await rig.store.content('a:1');
    await close();
    assert.ok(data.equals(remote.manifest.data));
    assert.deepEqual(rig.store.get('a:1').tags, ['a:1', 'b:1']);
    assert.equal((await readdir(join(rig.root, 'image/blobs/sha256'))).length, 3);
  });

  it('images of none and of each other, and steps that change no file', async () => {
    const common = { author: '', comment: '', config: { Env: ['A=1'] }, signal };
    const first = await rig.store.commit(undefined, {
      ...common,
      createdBy: 'COPY',
      layer: (async function* () {
        yield await tarOf([file('a', 'a')]);
      })(),
    });
    const second = await rig.store.commit(first.id, { ...common, createdBy: 'ENV A=1' });
    assert.deepEqual(
      [first.config.architecture, first.parent, second.parent, second.config.history?.map((one) => one.empty_layer)],
      ['amd64', undefined, first.id, [undefined, true]],
    );
    assert.deepEqual(
      [rig.store.children(undefined), rig.store.children(first.id)].map((all) => all.map(({ id }) => id)),
      [[first.id], [second.id]],
    );
    assert.equal((await rig.store.lookup(second.id, 'a'))?.size, 1);
  });

  it('an image is held for a container in the making', async () => {
    const [loaded] = await rig.load(await dockerArchive([{ layers: [await tarOf([file('a', 'a')])], tags: ['a:1'] }]));
    const id = loaded?.id ?? '';
    const letGo = rig.store.hold(id, 'c'.repeat(64));
    await assert.rejects(rig.store.remove('a:1', nobody), { kind: 'conflict' });
    await rig.store.remove('a:1', { ...nobody, force: true });
    assert.equal(rig.store.rootfs(id).lowers.length, 1);
    assert.equal((await rig.store.lookup(id, 'a'))?.size, 1);
    letGo();
    await rig.store.remove(await rig.image([file('b', 'b')]), nobody);
    assert.deepEqual(await readdir(join(rig.root, 'layers')), ['empty']);
  });
});
