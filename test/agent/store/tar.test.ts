import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { readTar, type TarEntry } from '../../../src/agent/store/tar.ts';
import { directory, file, inPieces, tarOf } from './rig.ts';

interface Read {
  readonly entry: TarEntry;
  readonly content: Buffer;
}

async function read(tar: Buffer, piece?: number): Promise<Map<string, Read>> {
  const found = new Map<string, Read>();
  for await (const entry of readTar(Readable.from(inPieces(tar, piece)))) {
    const content = await buffer(
      Readable.from(
        (async function* () {
          for await (const part of entry.body()) yield 'hole' in part ? Buffer.alloc(part.hole) : part;
        })(),
      ),
    );
    found.set(entry.name, { entry, content });
  }
  return found;
}

describe('reading tar archives', () => {
  let at = '';
  beforeEach(async () => {
    at = await mkdtemp('/tmp/porthole-tar-');
  });
  afterEach(() => rm(at, { recursive: true }));

  const gnuTar = (...args: string[]): Buffer =>
    execFileSync('tar', ['-C', at, '-cf', '-', ...args], { maxBuffer: 1 << 28 });

  const long = `${'d'.repeat(120)}/${'e'.repeat(120)}/${'f'.repeat(120)}`;
  for (const format of ['gnu', 'oldgnu', 'posix', 'ustar', 'v7']) {
    it(`${format}: names, types, owners, times`, async () => {
      await writeFile(join(at, 'plain'), 'hello');
      await symlink('plain', join(at, 'link'));
      execFileSync(
        'sh',
        ['-c', 'mkdir dir; chmod 1751 dir; touch -d @1234567890.5 plain; chown 1000:2000 plain; ln plain hard'],
        { cwd: at },
      );
      if (format !== 'v7' && format !== 'ustar')
        execFileSync('sh', ['-c', `mkdir -p $(dirname ${long}); echo deep > ${long}; ln -s ${long} far`], { cwd: at });
      const found = await read(gnuTar(`--format=${format}`, '--sort=name', '.'), 700);
      const plain = found.get('./hard');
      assert.equal(plain?.content.toString(), 'hello');
      assert.deepEqual([plain.entry.uid, plain.entry.gid], [1000, 2000]);
      assert.equal(plain.entry.mtime.seconds, 1_234_567_890);
      assert.equal(plain.entry.mtime.nanoseconds, format === 'posix' ? 500_000_000 : 0);
      assert.deepEqual([found.get('./plain')?.entry.type, found.get('./plain')?.entry.link], ['link', './hard']);
      assert.deepEqual([found.get('./link')?.entry.type, found.get('./link')?.entry.link], ['symlink', 'plain']);
      assert.deepEqual([found.get('./dir/')?.entry.type, found.get('./dir/')?.entry.mode], ['directory', 0o1751]);
      if (format === 'v7' || format === 'ustar') return;
      assert.equal(found.get(`./${long}`)?.content.toString(), 'deep\n');
      assert.equal(found.get('./far')?.entry.link, long);
    });
  }

  for (const version of ['oldgnu', '0.1', '1.0']) {
    it(`sparse files, ${version}`, async () => {
      const path = join(at, 'sparse');
      await writeFile(path, 'begin');
      await truncate(path, 3_000_000);
      execFileSync(
        'sh',
        [
          '-c',
          'for i in 1 2 3 4 5 6 7; do printf part$i | dd of=sparse bs=1 seek=$((i*400000)) conv=notrunc status=none; done',
        ],
        { cwd: at },
      );
      const args = version === 'oldgnu' ? ['--format=gnu'] : ['--format=posix', `--sparse-version=${version}`];
      const tar = gnuTar(...args, '--sparse', 'sparse');
      assert.ok(tar.length < 1_000_000, 'GNU tar stored it as sparse');
      const found = await read(tar, 1_000);
      assert.deepEqual([...found.keys()], ['sparse']);
      assert.equal(found.get('sparse')?.entry.size, 3_000_000);
      assert.ok(found.get('sparse')?.content.equals(await readFile(path)));
    });
  }

  it('busybox tar', async () => {
    await writeFile(join(at, 'one'), 'x'.repeat(1_000));
    const tar = execFileSync('busybox', ['tar', '-C', at, '-cf', '-', 'one']);
    assert.equal((await read(tar)).get('one')?.content.length, 1_000);
  });

  it('binary extended attributes', async () => {
    await writeFile(join(at, 'ping'), '');
    execFileSync('setcap', ['cap_net_raw+ep', join(at, 'ping')]);
    const found = await read(gnuTar('--format=posix', '--xattrs', '--xattrs-include=*', 'ping'));
    const value = found.get('ping')?.entry.xattrs.get('security.capability');
    assert.equal(value?.toString('hex'), '0100000200200000000000000000000000000000');
  });

  it('names that are not ASCII, negative and fractional times', async () => {
    const found = await read(await tarOf([file('Főtanúsítvány', 'é', { pax: { mtime: '-1.25' } })]));
    const read1 = found.get('Főtanúsítvány');
    assert.deepEqual(read1?.entry.mtime, { seconds: -2, nanoseconds: 750_000_000 });
  });

  it('what is not read of a body is passed over', async () => {
    const tar = await tarOf([file('a', 'x'.repeat(200_000)), file('b', 'y'), directory('c')]);
    const names: string[] = [];
    for await (const { name } of readTar(Readable.from(inPieces(tar, 1_000)))) names.push(name);
    assert.deepEqual(names, ['a', 'b', 'c']);
  });

  it('a cut at any place is noticed, except behind the content of an entry', async () => {
    const tar = await tarOf([file('a', 'x'.repeat(700), { pax: { comment: 'long' } }), file('b', 'y')]);
    // An extended header, a header and 700 bytes; what fills up their block may be missing.
    const firstEnds = 3 * 512 + 700;
    const secondEnds = 6 * 512 + 1;
    const isBehind = (length: number) => (length >= firstEnds && length <= 5 * 512) || length >= secondEnds;
    for (let length = 1; length < tar.length - 1_024; length += 100) {
      const outcome = await read(tar.subarray(0, length)).then(
        () => 'read',
        (failure: unknown) => (failure instanceof Error ? failure.message : ''),
      );
      if (isBehind(length)) assert.equal(outcome, 'read', `${length} bytes`);
      else assert.match(outcome, /invalid archive: it ends /, `${length} bytes`);
    }
  });

  const damaged: [what: string, change: (tar: Buffer) => void, message: RegExp][] = [
    ['a header with a wrong checksum', (tar) => tar.write('zzz', 0), /a tar header is damaged/],
    ['a size that is not octal', (tar) => resum(tar, () => tar.write('99999999999', 124)), /not octal/],
    [
      'a size beyond all numbers',
      (tar) => resum(tar, () => tar.fill(0x7f, 125, 136).fill(0x80, 124, 125)),
      /too large/,
    ],
    ['a negative size', (tar) => resum(tar, () => tar.fill(0xff, 124, 136)), /negative size/],
    ['an unknown type', (tar) => resum(tar, () => tar.write('Z', 156)), /unknown tar type 'Z'/],
  ];
  for (const [what, change, message] of damaged) {
    it(`${what} is refused`, async () => {
      const tar = await tarOf([file('a', 'content')]);
      change(tar);
      await assert.rejects(read(tar), { message });
    });
  }
});

/** Changes a header and makes its checksum right again. */
function resum(tar: Buffer, change: () => void): void {
  change();
  tar.fill(0x20, 148, 156);
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}
