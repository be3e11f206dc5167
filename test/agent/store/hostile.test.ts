import assert from 'node:assert/strict';
import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { Executor } from '../../../src/agent/shim/contract.ts';
import { LayerWriter } from '../../../src/agent/store/layer-writer.ts';
import { readTar } from '../../../src/agent/store/tar.ts';
import { largestLayer, unpack } from '../../../src/agent/store/unpack.ts';
import { requires } from '../../support/tools.ts';
import { assertRefused, type Refusal } from './refusal.ts';
import { directory, dockerArchive, file, hardlink, type Item, inPieces, Rig, sha256, symlink, tarOf } from './rig.ts';

describe('hostile and broken archives', function () {
  const rig = Rig.forEach(this);
  let files: string[];
  beforeEach(async () => {
    await rig.load(await dockerArchive([{ layers: [await tarOf([file('kept', 'k')])], tags: ['kept:1'] }]));
    files = await rig.files();
    await writeFile(join(rig.directory, 'canary'), 'untouched');
  });

  const refused = (archive: Buffer, expected: Refusal) => assertRefused(rig, archive, expected);

  const layered = async (...items: Item[]): Promise<Buffer> =>
    await dockerArchive([{ layers: [await tarOf([file('first', 'f')]), await tarOf(items)], tags: ['bad:1'] }]);

  const layers: [what: string, items: Item[], message: RegExp][] = [
    ['a name that climbs out', [file('../../../canary', 'x')], /'\.\.\/\.\.\/\.\.\/canary' leads out of its directory/],
    ['a name that climbs in the middle', [directory('a'), file('a/../../canary', 'x')], /leads out of its directory/],
    ['a hard link to what is outside', [hardlink('x', '../../../canary')], /leads out of its directory/],
    [
      'a hard link to an absolute path',
      [hardlink('x', '/etc/passwd')],
      /hard link to '\/etc\/passwd', which is no file of the same layer/,
    ],
    ['a hard link to a file of a lower layer', [hardlink('x', 'first')], /which is no file of the same layer/],
    ['a hard link to a directory', [directory('d'), hardlink('x', 'd')], /which is no file of the same layer/],
    [
      'a hard link through a symbolic link out',
      [symlink('l', '/etc'), hardlink('x', 'l/passwd')],
      /which is no file of the same layer/,
    ],
    ['a whiteout of nothing', [file('.wh.')], /is no whiteout of a name/],
    ['a whiteout of the parent', [file('a/.wh...')], /is no whiteout of a name/],
    ['a whiteout of the directory itself', [file('a/.wh..')], /is no whiteout of a name/],
    ['a whiteout with a directory in its name', [file('.wh.a/../b')], /leads out of its directory/],
    ['a file below a whiteout', [file('.wh.a/b')], /lies below a whiteout/],
    // Half a megabyte of nested names in a few bytes of archive: work that grows with its square is none of ours.
    [
      'a name of many more directories than a path holds',
      [file('x', '', { pax: { path: 'd/'.repeat(500_000) } })],
      /longer than 4095 bytes/,
    ],
    ['a link of many more directories', [symlink('l', '../'.repeat(300_000)), file('l/x')], /longer than 4095 bytes/],
    [
      'a link that adds up to more than a path holds',
      [symlink('l', 'd/'.repeat(2000)), directory(`l/${'e/'.repeat(100)}f`)],
      /longer than 4095 bytes/,
    ],
    ['a file below a file', [file('a', 'x'), file('a/b', 'x')], /lies below 'a', which is no directory/],
    ['a loop of links', [symlink('a', 'b'), symlink('b', 'a'), file('a/c', 'x')], /loop of symbolic links/],
    [
      'a root that is a file',
      [file('./', 'x', { type: 'symlink', linkname: '/etc' })],
      /the root directory is a symlink/,
    ],
    ['a component that is too long', [file('n'.repeat(300), 'x')], /ENAMETOOLONG/],
    ['a path that is too long', [file(`${'n'.repeat(200)}/`.repeat(21), 'x', { pax: {} })], /longer than 4095 bytes/],
    ['a name with a NUL', [file('x', 'x', { pax: { path: 'a\0b' } })], /NUL byte/],
    [
      'a huge hole',
      [file('x', '', { pax: { 'GNU.sparse.size': '9000000000000000', 'GNU.sparse.map': '0,0' } })],
      /with 'x' its files have holes of more than 68719476736 bytes/,
    ],
    [
      'a sparse map that overlaps',
      [file('x', 'abcd', { pax: { 'GNU.sparse.size': '100', 'GNU.sparse.map': '10,2,5,2' } })],
      /sparse file map contradicts itself/,
    ],
    [
      'a sparse map that lies',
      [file('x', 'abcd', { pax: { 'GNU.sparse.size': '100', 'GNU.sparse.map': '0,2' } })],
      /does not match its data/,
    ],
    ['an owner out of range', [file('x', '', { pax: { uid: '4294967295' } })], /owner 4294967295 is out of range/],
  ];
  for (const [what, items, message] of layers) {
    it(`${what} is refused`, async () => {
      await refused(await layered(...items), { kind: 'invalid', message });
    });
  }

  it('absolute names and links through /etc stay inside', async () => {
    const outside = join(rig.directory, 'outside');
    await mkdir(outside);
    const id = await rig.image([
      file(`${outside}/absolute`, 'x'),
      symlink('out', outside),
      file('out/through', 'x'),
      symlink('up', '../../../../../../../../..'),
      file(`up${outside}/climbed`, 'x'),
      symlink('final', join(rig.directory, 'canary')),
      file('final', 'replaced, not written through'),
    ]);
    assert.deepEqual(await readdir(outside), []);
    assert.equal(await readFile(join(rig.directory, 'canary'), 'utf8'), 'untouched');
    const paths = (await rig.index(id, 0)).entries.map(({ path }) => path);
    for (const name of ['absolute', 'through', 'climbed'])
      assert.ok(paths.includes(`${outside.slice(1)}/${name}`), name);
    assert.ok((await lstat(join(rig.content(id, 0), 'final'))).isFile());
  });

  it('state of overlayfs in attributes and devices is not taken over', async () => {
    const id = await rig.image(
      [directory('d'), file('d/a', 'a'), file('b', 'b')],
      [
        directory('d', {
          pax: { 'SCHILY.xattr.trusted.overlay.opaque': 'y', 'SCHILY.xattr.trusted.overlay.redirect': '/etc' },
        }),
        { name: 'b', type: 'character-device', devmajor: 0, devminor: 0 },
      ],
    );
    const index = await rig.index(id, 1);
    assert.deepEqual(
      index.entries.map(({ path, xattrs }) => [path, xattrs]),
      [
        ['', undefined],
        ['d', undefined],
      ],
    );
    assert.deepEqual(index.whiteouts, ['b']);
    assert.equal((await rig.store.lookup(id, 'd/a'))?.size, 1);
  });

  // Only the counts matter here: nothing is sent to a kernel.
  const executor: Executor = {
    run: async () => [],
    ask: async () => [],
    send: async () => undefined,
    close: async () => undefined,
    abort: () => undefined,
  };
  const into = {
    writer: new LayerWriter(executor, { rootless: false }),
    lower: { lookup: async () => undefined, names: async () => [] },
    sink: { add: async () => undefined, addWhiteout: async () => undefined },
    spill: '/nowhere',
  };

  it('a layer with too many entries is refused while it is read, even under one name', async () => {
    const tar = await tarOf(Array.from({ length: 101 }, (): Item => ({ name: 'same', type: 'fifo' })));
    const read = (mostEntries: number) => unpack(Readable.from(inPieces(tar)), { ...into, mostEntries });
    await assert.rejects(read(100), { kind: 'invalid', message: 'invalid archive: it has more than 100 entries' });
    assert.equal((await read(101)).entries, 2);
    // Directories that names only imply count, too.
    const deep = await tarOf([file(`${'d/'.repeat(101)}f`)]);
    await assert.rejects(unpack(Readable.from(inPieces(deep)), { ...into, mostEntries: 100 }), {
      kind: 'invalid',
      message: 'invalid archive: it has more than 100 entries',
    });
    assert.equal(largestLayer, 1_000_000);
  });

  it('names, links and attributes that would fill the memory are refused while they are read', async () => {
    const attribute = { pax: { 'SCHILY.xattr.user.a': 'v'.repeat(500) } };
    const tar = await tarOf(Array.from({ length: 100 }, (_, at) => file(`f${at}`, '', attribute)));
    const read = (mostTexts: number) => unpack(Readable.from(inPieces(tar)), { ...into, mostTexts });
    await assert.rejects(read(50_000), { kind: 'invalid', message: /too long together/ });
    assert.equal((await read(60_000)).entries, 101);
  });

  for (const flag of ['x', 'g']) {
    it(`extended headers (${flag}) that come one after the other are refused when they add up`, async () => {
      const header = async (key: string): Promise<Buffer> => {
        const tar = await tarOf([file('f', '', { pax: { [key]: 'v'.repeat(400_000) } })]);
        const block = Buffer.from(tar.subarray(0, tar.length - 3 * 512));
        block.write(flag, 156, 'latin1');
        block.fill(' ', 148, 156);
        const sum = block.subarray(0, 512).reduce((all, byte) => all + byte, 0);
        block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
        return block;
      };
      const [one, two, three] = [await header('a'), await header('b'), await header('c')];
      const plain = await tarOf([file('f')]);
      const names = async (...parts: Buffer[]): Promise<string[]> => {
        const found: string[] = [];
        for await (const entry of readTar(Readable.from(parts))) found.push(entry.name);
        return found;
      };
      assert.deepEqual(await names(one, two, plain), ['f']);
      await assert.rejects(names(one, two, three, plain), { kind: 'invalid', message: /too long together/ });
    });
  }

  it('a deep tree is unpacked and removed again', async () => {
    const deep = 'd/'.repeat(2_000);
    const id = await rig.image([directory('d', { pax: { path: deep } })]);
    assert.equal((await rig.merged(id)).length, 2_001);
    await rig.store.remove(id, { force: false, usedBy: () => [] });
    assert.deepEqual(await rig.files(), files);
  });

  it('a cut anywhere, compressed or not, leaves nothing', async () => {
    const archive = await layered(file('big', Buffer.alloc(50_000, 'x')), directory('d'));
    for (const part of [10, 600, 3_000, archive.length - 4_000, archive.length - 1_500]) {
      await refused(archive.subarray(0, part), { kind: 'invalid', message: /^invalid archive: / });
    }
    const small = gzipSync(archive);
    await refused(small.subarray(0, small.length >> 1), { kind: 'invalid', message: /its compressed data is damaged/ });
    const flipped = Buffer.from(small);
    flipped.writeUInt8((flipped.readUInt8(small.length - 6) + 1) & 0xff, small.length - 6);
    await refused(flipped, { kind: 'invalid', message: /its compressed data is damaged/ });
  });

  it('digests that lie are refused', async () => {
    const [one, two] = [await tarOf([file('a', 'a')]), await tarOf([file('b', 'b')])];
    const wrong = [`sha256:${sha256(one)}`, `sha256:${sha256('else')}`];
    await refused(await dockerArchive([{ layers: [one, two], diffIds: wrong }]), {
      kind: 'invalid',
      message: /has the digest sha256:[0-9a-f]{64}, but its image says/,
    });
    await refused(await dockerArchive([{ layers: [one], diffIds: wrong }]), {
      kind: 'invalid',
      message: 'invalid archive: layers length mismatch: expected 2, got 1',
    });
    // The second image is good; it does not come without the first.
    await refused(
      await dockerArchive([
        { layers: [two], tags: ['good:1'] },
        { layers: [one, two], diffIds: wrong },
      ]),
      { kind: 'invalid', message: /has the digest/ },
    );
  });

  const documents: [what: string, items: Item[], message: RegExp][] = [
    ['no image at all', [file('hello', 'x')], /neither manifest.json nor index.json/],
    ['an empty list', [file('manifest.json', '[]')], /it holds no image/],
    ['no JSON', [file('manifest.json', '{')], /manifest.json is not JSON/],
    ['another JSON', [file('manifest.json', '{"a":1}')], /manifest.json: it: Invalid type/],
    ['a missing config', [file('manifest.json', '[{"Config":"c.json"}]')], /it has no file 'c.json'/],
    ['a config that climbs', [file('manifest.json', '[{"Config":"../../canary"}]')], /it has no file '..\/..\/canary'/],
    [
      'a config without rootfs',
      [file('manifest.json', '[{"Config":"c"}]'), file('c', '{"os":"linux","architecture":"amd64"}')],
      /c: rootfs: /,
    ],
    [
      'a history that made more layers than there are',
      [
        file('manifest.json', '[{"Config":"c"}]'),
        file('c', '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers"},"history":[{"created_by":"x"}]}'),
      ],
      /c: too many non-empty layers in History section/,
    ],
    [
      'a bad tag',
      [
        file('manifest.json', '[{"Config":"c","RepoTags":["A:1"]}]'),
        file('c', '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers"}}'),
      ],
      /names an image 'A:1': .*lowercase/,
    ],
    [
      'a link loop',
      [file('manifest.json', '[{"Config":"c"}]'), symlink('c', 'd'), symlink('d', 'c')],
      /it has no file 'c'/,
    ],
    [
      'an old archive whose layers go round',
      [
        file('repositories', `{"a":{"1":"${'1'.repeat(64)}"}}`),
        file(`${'1'.repeat(64)}/json`, `{"parent":"${'2'.repeat(64)}"}`),
        file(`${'2'.repeat(64)}/json`, `{"parent":"${'1'.repeat(64)}"}`),
      ],
      /layer 1{64} lies on itself/,
    ],
    [
      'an old archive with a layer that is a path',
      [file('repositories', '{"a":{"1":"../../canary"}}')],
      /'\.\.\/\.\.\/canary' is no id of a layer/,
    ],
    [
      'an old archive without its layers',
      [file('repositories', `{"a":{"1":"${'1'.repeat(64)}"}}`)],
      /it has no file '1{64}\/json'/,
    ],
    [
      'an index with a lying size',
      [
        file(
          'index.json',
          `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:${sha256('{}')}","size":3}]}`,
        ),
        file(`blobs/sha256/${sha256('{}')}`, '{}'),
      ],
      /has 2 bytes, but its descriptor says 3/,
    ],
    [
      'an index with a lying digest',
      [
        file(
          'index.json',
          `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:${'0'.repeat(64)}","size":2}]}`,
        ),
        file(`blobs/sha256/${'0'.repeat(64)}`, '{}'),
      ],
      /has the digest/,
    ],
    [
      'a digest that is a path',
      [
        file(
          'index.json',
          '{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha256:../../canary","size":2}]}',
        ),
      ],
      /is not a sha256 digest/,
    ],
  ];
  it('an image for another operating system is refused', async () => {
    const config = '{"os":"windows","architecture":"amd64","rootfs":{"type":"layers"}}';
    await refused(await tarOf([file('manifest.json', '[{"Config":"c"}]'), file('c', config)]), {
      kind: 'unsupported',
      message: 'cannot load windows image on linux',
    });
  });

  for (const [what, items, message] of documents) {
    it(`${what} is refused`, async () => {
      await refused(await tarOf(items), { kind: 'invalid', message });
    });
  }

  it('what the programs for bzip2, xz and zstd refuse is told in their words', async function () {
    requires(this, { programs: ['bzip2', 'xz', 'zstd'] });
    // A newer Node has a zstd of its own.
    await refused(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xff, 1, 2, 3, 4, 5, 6, 7, 8]), {
      kind: 'invalid',
      message: /^invalid archive: (zstd: |its compressed data is damaged)/,
    });
    await refused(Buffer.from('BZh91AY&SY'), { kind: 'invalid', message: /^invalid archive: bzip2: / });
    const xz = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4]);
    await refused(xz, { kind: 'invalid', message: /^invalid archive: .*xz: / });
  });
});
