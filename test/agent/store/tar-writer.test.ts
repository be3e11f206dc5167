import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { readTar } from '../../../src/agent/store/tar.ts';
import { type TarItem, writeTar } from '../../../src/agent/store/tar-writer.ts';

const base = {
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 1_700_000_000, nanoseconds: 0 },
  link: '',
  major: 0,
  minor: 0,
  xattrs: new Map<string, Buffer>(),
} as const;

async function* each(items: readonly TarItem[]) {
  yield* items;
}
const written = (...items: TarItem[]): Promise<Buffer> => buffer(Readable.from(writeTar(each(items))));
const listed = (tar: Buffer): string[] =>
  execFileSync('tar', ['-tv', '--numeric-owner', '--full-time', '--quoting-style=literal'], {
    input: tar,
    env: { TZ: 'UTC', LC_ALL: 'C' },
  })
    .toString('latin1')
    .trimEnd()
    .split('\n');
const content = (text: string) => ({
  size: text.length,
  body: async function* () {
    yield Buffer.from(text);
  },
});

describe('writing tar archives', () => {
  it('every kind of entry is read by GNU tar as it was meant', async () => {
    const tar = await written(
      { ...base, name: 'd', type: 'directory', mode: 0o1777, uid: 5, gid: 6 },
      { ...base, name: 'd/f', mode: 0o4755, ...content('content') },
      { ...base, name: 'd/h', type: 'link', link: 'd/f' },
      { ...base, name: 'd/l', type: 'symlink', mode: 0o777, link: '/x y' },
      { ...base, name: 'd/c', type: 'char', major: 1, minor: 300 },
      { ...base, name: 'd/b', type: 'block', major: 254, minor: 3 },
      { ...base, name: 'd/p', type: 'fifo' },
    );
    assert.equal(tar.length % 512, 0);
    assert.deepEqual(
      listed(tar).map((line) => line.replace(/ +/g, ' ').replace(' 2023-11-14 22:13:20', '')),
      [
        'drwxrwxrwt 5/6 0 d/',
        '-rwsr-xr-x 0/0 7 d/f',
        'hrw-r--r-- 0/0 0 d/h link to d/f',
        'lrwxrwxrwx 0/0 0 d/l -> /x y',
        'crw-r--r-- 0/0 1,300 d/c',
        'brw-r--r-- 0/0 254,3 d/b',
        'prw-r--r-- 0/0 0 d/p',
      ],
    );
  });

  it('names of any length and bytes, large numbers and old times come through', async () => {
    const names = [
      'a'.repeat(100),
      'a'.repeat(101),
      `${'p'.repeat(155)}/${'n'.repeat(100)}`,
      `${'p'.repeat(156)}/${'n'.repeat(100)}`,
      `${'deep/'.repeat(300)}end`,
      'ü',
      'bytes-\udcff\udc80',
    ];
    const items = names.map((name): TarItem => ({ ...base, name, uid: 0xff_ff_ff_fe, gid: 2 ** 21 }));
    items.push({ ...base, name: 'old', mtime: { seconds: -86_400, nanoseconds: 0 } });
    items.push({ ...base, name: 'link', type: 'symlink', link: 'ß'.repeat(80) });
    const tar = await written(...items);
    assert.equal(listed(tar).length, items.length);
    const found = [];
    for await (const entry of readTar(Readable.from([tar]))) found.push(entry);
    assert.deepEqual(
      found.map(({ name }) => name),
      items.map(({ name }) => name),
    );
    assert.ok(found.slice(0, names.length).every(({ uid, gid }) => uid === 0xff_ff_ff_fe && gid === 2 ** 21));
    assert.equal(found.at(-2)?.mtime.seconds, -86_400);
    assert.match(listed(tar).at(-2) ?? '', /1969-12-31 00:00:00 old$/);
    assert.equal(found.at(-1)?.link, 'ß'.repeat(80));
  });

  it('attributes are bytes', async () => {
    const value = Buffer.from([1, 0, 255, 10, 61]);
    const tar = await written({ ...base, name: 'f', xattrs: new Map([['security.capability', value]]) });
    for await (const entry of readTar(Readable.from([tar]))) {
      assert.deepEqual([...entry.xattrs], [['security.capability', value]]);
    }
  });

  it('attributes come out of GNU tar as they went in', async () => {
    const directory = mkdtempSync('/tmp/porthole-tar-');
    try {
      const value = Buffer.from('v\n=');
      const tar = await written({ ...base, name: 'f', xattrs: new Map([['user.key', value]]) });
      const options = ['--format=posix', '--xattrs', '--xattrs-include=*', '-C', directory];
      execFileSync('tar', [...options, '-x'], { input: tar });
      const again = execFileSync('tar', [...options, '-c', 'f']);
      for await (const entry of readTar(Readable.from([again]))) {
        assert.deepEqual([...entry.xattrs], [['user.key', value]]);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('a file that grew or shrank while it was read keeps the archive whole, holes are zeros', async () => {
    const tar = await written(
      { ...base, name: 'shrank', ...content('abc'), size: 1000 },
      { ...base, name: 'grew', ...content('abcdef'), size: 3 },
      {
        ...base,
        name: 'sparse',
        size: 200_005,
        body: async function* () {
          yield { hole: 200_000 };
          yield Buffer.from('tail!');
        },
      },
      { ...base, name: 'last', ...content('z') },
    );
    const contents = new Map<string, Buffer>();
    for await (const entry of readTar(Readable.from([tar]))) {
      const parts: Buffer[] = [];
      for await (const piece of entry.body()) if (Buffer.isBuffer(piece)) parts.push(piece);
      contents.set(entry.name, Buffer.concat(parts));
    }
    assert.deepEqual(contents.get('shrank'), Buffer.concat([Buffer.from('abc'), Buffer.alloc(997)]));
    assert.equal(contents.get('grew')?.toString(), 'abc');
    assert.equal(contents.get('sparse')?.equals(Buffer.concat([Buffer.alloc(200_000), Buffer.from('tail!')])), true);
    assert.equal(contents.get('last')?.toString(), 'z');
    assert.equal(listed(tar).length, 4);
  });
});
