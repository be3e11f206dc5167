import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { assertRefused } from './refusal.ts';
import { directory, dockerArchive, file, hardlink, type Item, Rig, sha256, symlink, tarOf } from './rig.ts';

const blockSize = 512;
const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
} as const;

/** Archives that try to be more, or something else, than they say. */
describe('hostile archives: bombs, tricks and loops', function () {
  const rig = Rig.forEach(this);
  this.timeout(300_000);
  const invalid = (message: RegExp | string) => ({ kind: 'invalid', message });
  const refusedLayer = async (layer: Buffer, message: RegExp): Promise<void> =>
    assertRefused(rig, await dockerArchive([{ layers: [layer], tags: ['bad:1'] }]), invalid(message));

  describe('bombs', () => {
    const zeros = Buffer.alloc(80 << 20);

    it('gzip: zeros without end behind the end of an archive', async () => {
      const archive = await dockerArchive([{ layers: [await tarOf([file('f', 'x')])], tags: ['bad:1'] }]);
      const bomb = gzipSync(Buffer.concat([archive, zeros]));
      assert.ok(bomb.length < 1 << 20);
      await assertRefused(rig, bomb, invalid(/more than 67108864 bytes come behind its end/));
    });

    it('gzip: zeros without end behind the end of a layer', async () => {
      await refusedLayer(gzipSync(Buffer.concat([await tarOf([file('f', 'x')]), zeros])), /come behind its end/);
    });

    it('gzip: a document that is huge', async () => {
      const manifest = Buffer.alloc(17 << 20, ' ');
      await assertRefused(
        rig,
        gzipSync(await tarOf([file('manifest.json', manifest)])),
        invalid(/'manifest.json' is too large/),
      );
    });

    it('gzip in gzip: what is inside is no archive', async () => {
      const inner = gzipSync(await dockerArchive([{ layers: [await tarOf([file('f', 'x')])] }]));
      await assertRefused(rig, gzipSync(inner), invalid(/^invalid archive: /));
    });

    it('zstd: zeros without end', async () => {
      // 128 KiB of zeros in four bytes: a run-length block of RFC 8878.
      const run = Buffer.from([0x02, 0x00, 0x10, 0x00]);
      const frame = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]), ...Array.from({ length: 2000 }, () => run)];
      const bomb = Buffer.concat([...frame, Buffer.from([0x01, 0x00, 0x00])]);
      // Zeros alone are an archive of nothing, which ends at once.
      await assert.rejects(rig.load(bomb), (failure: Error) => {
        assert.match(failure.message, /come behind its end|neither Node 22.15 nor a program zstd/);
        return true;
      });
      assert.deepEqual(rig.store.list(), []);
    });
  });

  describe('names and links', () => {
    it('a whiteout that climbs out', async () => {
      await refusedLayer(await tarOf([file('../../../.wh.canary')]), /leads out of its directory/);
    });

    it('a link to a link to a link that leads out stays inside', async () => {
      const outside = join(rig.directory, 'outside');
      await mkdir(outside);
      const id = await rig.image([
        symlink('one', 'two'),
        symlink('two', '/three'),
        symlink('three', `../../../../../..${outside}`),
        file('one/written', 'x'),
      ]);
      assert.deepEqual(await readdir(outside), []);
      assert.ok((await rig.merged(id)).some(({ path }) => path === `${outside.slice(1)}/written`));
    });

    it('a hard link to a hard link to what is not there', async () => {
      await refusedLayer(await tarOf([hardlink('a', 'b'), hardlink('b', 'a')]), /which is no file of the same layer/);
    });

    it('a name many times, each time of another kind: the last one counts, and nothing is followed', async () => {
      const outside = join(rig.directory, 'outside');
      await mkdir(outside);
      const id = await rig.image([
        ...[directory('n'), file('n/in', 'x'), symlink('n', outside), file('n', 'file'), directory('n')],
        ...[symlink('n', outside), directory('n'), file('n/last', 'x')],
      ]);
      assert.deepEqual(await readdir(outside), []);
      const paths = (await rig.merged(id)).map(({ path }) => path);
      assert.deepEqual(paths, ['', 'n', 'n/last']);
    });

    it('a device whose number no kernel has', async () => {
      const big: Item = { name: 'd', type: 'block-device', devmajor: 0o7777777, devminor: 1 };
      await refusedLayer(await tarOf([big]), /the device 262143:1, whose number is out of range/);
    });
  });

  describe('tricks of pax and GNU', () => {
    const changed = async (items: readonly Item[], change: (header: Buffer) => void): Promise<Buffer> => {
      const tar = await tarOf(items);
      const header = tar.subarray(0, blockSize);
      change(header);
      header.fill(' ', 148, 156);
      const sum = header.reduce((all, byte) => all + byte, 0);
      header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
      return tar;
    };
    const tricks: readonly (readonly [what: string, change: (header: Buffer) => void, message: RegExp])[] = [
      ['a size below nothing', (header) => header.fill(0xff, 124, 136), /negative size/],
      [
        'a size of 2^70',
        (header) => Buffer.from([0x80, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0]).copy(header, 124),
        /number that is too large/,
      ],
      ['a size in letters', (header) => header.write('zzzzzzzzzzz', 124), /number that is not octal/],
      ['a type that nobody knows', (header) => header.write('Z', 156), /unknown tar type 'Z'/],
      [
        'a long name without the file that it is for',
        (header) => header.write('L', 156),
        /ends after an extended header/,
      ],
      [
        'a long link without the file that it is for',
        (header) => header.write('K', 156),
        /ends after an extended header/,
      ],
      ['records of pax that are none', (header) => header.write('x', 156), /malformed record/],
      ['records of pax for all that are none', (header) => header.write('g', 156), /malformed record/],
      ['a sparse map in a block that is not there', (header) => header.write('S', 156), /^invalid archive: /],
    ];
    for (const [what, change, message] of tricks) {
      it(`${what}`, async () => {
        const layer = await changed([file('f', 'not a record at all')], change);
        const archive = await dockerArchive([{ layers: [layer], tags: ['bad:1'] }]);
        const kind = /unknown tar type/.test(message.source) ? 'unsupported' : 'invalid';
        await assertRefused(rig, archive, { kind, message });
      });
    }

    it('a size of pax that is not the one of the header', async () => {
      await refusedLayer(await tarOf([file('f', 'abc', { pax: { size: '9000' } })]), /ends in the middle of 'f'/);
      await refusedLayer(await tarOf([file('f', 'abc', { pax: { size: '-5' } })]), /^invalid archive: /);
    });

    it('a link of pax that climbs out behind one of the header that does not', async () => {
      const item: Item = { name: 'l', type: 'link', linkname: 'ok', pax: { linkpath: '../../../canary' } };
      await refusedLayer(await tarOf([file('ok', 'x'), item]), /leads out of its directory/);
    });

    it('a name of pax that climbs out behind one of the header that does not', async () => {
      await refusedLayer(await tarOf([file('f', 'x', { pax: { path: '../../../canary' } })]), /leads out/);
    });
  });

  describe('documents', () => {
    const blob = (data: string): Item => file(`blobs/sha256/${sha256(data)}`, data);
    const described = (mediaType: string, data: string) => ({
      ...{ mediaType, digest: `sha256:${sha256(data)}`, size: Buffer.byteLength(data) },
    });
    const indexOf = (...manifests: object[]) => JSON.stringify({ schemaVersion: 2, manifests });

    it('indexes in indexes', async () => {
      let inner = indexOf();
      const items: Item[] = [blob(inner)];
      for (let depth = 0; depth < 10; depth++) {
        inner = indexOf(described(mediaTypes.index, inner));
        items.push(blob(inner));
      }
      const top = file('index.json', indexOf(described(mediaTypes.index, inner)));
      await assertRefused(rig, await tarOf([...items, top]), invalid(/indexes are nested too deeply/));
    });

    it('an index that names itself', async () => {
      const digest = `sha256:${sha256('itself')}`;
      const own = indexOf({ mediaType: mediaTypes.index, digest, size: 1 });
      const items = [file('index.json', own), file(`blobs/sha256/${sha256('itself')}`, own)];
      await assertRefused(rig, await tarOf(items), invalid(/has the digest sha256:/));
    });

    it('an index that is huge', async () => {
      const many = Array.from({ length: 200_000 }, () => described(mediaTypes.manifest, '{}'));
      await assertRefused(
        rig,
        await tarOf([file('index.json', JSON.stringify({ schemaVersion: 2, manifests: many }))]),
        invalid(/is too large/),
      );
    });

    it('JSON that is nothing but brackets', async () => {
      const deep = '['.repeat(2_000_000);
      await assertRefused(rig, await tarOf([file('index.json', deep)]), invalid(/^invalid archive: index.json/));
      await assertRefused(rig, await tarOf([file('manifest.json', deep)]), invalid(/manifest.json is not JSON/));
      const whole = `${deep}${']'.repeat(2_000_000)}`;
      await assertRefused(rig, await tarOf([file('manifest.json', whole)]), invalid(/^invalid archive: manifest.json/));
      await assertRefused(rig, await tarOf([file('index.json', whole)]), invalid(/^invalid archive: index.json/));
    });

    it('a manifest of the wrong shape', async () => {
      const manifest = '{"schemaVersion":2,"config":{"digest":5},"layers":{}}';
      const items = [blob(manifest), file('index.json', indexOf(described(mediaTypes.manifest, manifest)))];
      await assertRefused(rig, await tarOf(items), invalid(/^invalid archive: blobs\/sha256/));
    });

    it('more layers than there may be', async () => {
      const layers = await Promise.all(Array.from({ length: 128 }, (_, at) => tarOf([file(`f${at}`)])));
      await assertRefused(rig, await dockerArchive([{ layers }]), invalid(/more than 127 layers/));
    });

    it('more files than an archive of images has', async () => {
      const items = Array.from({ length: 20_001 }, (_, at): Item => ({ name: `${at}`, type: 'directory' }));
      await assertRefused(rig, await tarOf(items), invalid(/more than 20000 files/));
    });
  });
});
