import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayerChange } from '../../../src/protocol/layers.ts';
import { directory, file, hardlink, type Item, overlayTree, plain, Rig, symlink, treeOf } from './rig.ts';

describe('unpacked layers', function () {
  const rig = Rig.forEach(this);

  /** Paths with what happened to them, for short. */
  const brief = (changes: readonly LayerChange[]): string[] =>
    changes.map(({ path, kind, differs }) => `${kind} ${path}${differs ? ` (${differs.join(' ')})` : ''}`);

  /** The index, the merged tree and the kernel's overlay agree. */
  async function checkAgainstKernel(id: string): Promise<void> {
    const merged = plain(await rig.merged(id));
    assert.deepEqual(merged, await overlayTree(rig, id));
    for (const [path, entry] of merged) {
      const found = await rig.store.lookup(id, path);
      const { hardlink: _hardlink, opaque: _opaque, holes: _holes, ...looked } = found ?? { path: 'nothing' };
      assert.deepEqual(looked, entry);
    }
  }

  it('hold what GNU tar unpacks: owners, modes, times, devices, capabilities, links, sparse files', async () => {
    const source = await mkdtemp(join(rig.directory, 'source-'));
    const script = `
      mkdir -p a/b "a/with space" empty sticky
      echo one > a/one; echo two > a/b/two; printf '' > a/empty; head -c 300000 /dev/urandom > a/random
      ln -s ../one a/b/relative; ln -s /etc/passwd absolute; ln -s nowhere dangling
      ln a/one a/b/hard; ln a/one zero
      mknod null c 1 3; mknod loop b 7 0; mkfifo pipe; mknod big c 300 70000
      chown 1000:2000 a/one a/b; chown -h 1:2 absolute; chmod 4755 a/b/two; chmod 2711 a/b; chmod 1777 sticky; chmod 0 a/empty
      touch -h -d '1969-12-31 12:00:00.25 UTC' dangling; touch -d '2001-02-03 04:05:06.123456789' a/one; touch -d @99 empty sticky
      cp a/one ping; setcap cap_net_raw+ep ping; truncate -s 5M hole; printf x | dd of=hole bs=1 seek=2000000 conv=notrunc status=none
      touch "$(printf 'new\\nline')" "é…" 'back\\slash'; touch -d @5 a .
    `;
    execFileSync('sh', ['-ec', script], { cwd: source });
    const tar = execFileSync(
      'tar',
      ['--format=posix', '--xattrs', '--xattrs-include=*', '-S', '-C', source, '-cf', '-', '.'],
      { maxBuffer: 1 << 28 },
    );
    const reference = await mkdtemp(join(rig.directory, 'reference-'));
    execFileSync('tar', ['--xattrs', '--xattrs-include=*', '-C', reference, '-xpf', '-'], {
      input: tar,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const id = await rig.image(tar);
    const expected = await treeOf(reference);
    assert.deepEqual(await treeOf(rig.content(id, 0)), expected);
    assert.deepEqual(plain((await rig.index(id, 0)).entries), expected);
    await checkAgainstKernel(id);
    // The hole is one: 5 MB in a few blocks.
    assert.ok(Number(execFileSync('stat', ['-c', '%b', join(rig.content(id, 0), 'hole')], { encoding: 'utf8' })) < 100);
    const links = (await rig.index(id, 0)).entries.filter(({ hardlink: first }) => first !== undefined);
    assert.deepEqual(
      links.map(({ path, hardlink: first }) => [path, first]),
      [
        ['a/one', 'a/b/hard'],
        ['zero', 'a/b/hard'],
      ],
    );
  });

  const base: Item[] = [
    directory('etc', { mode: 0o750, uid: 7 }),
    file('etc/motd', 'one\n'),
    file('etc/old', 'old'),
    directory('data'),
    directory('data/deep'),
    file('data/deep/file', 'x'),
    file('data/other', 'y'),
    directory('data-x'),
    file('data-x/kept', 'k'),
    directory('opq'),
    file('opq/hidden', 'h'),
    file('opq/again', 'h'),
    file('becomes-dir', 'f'),
    directory('becomes-file'),
    file('becomes-file/inner', 'i'),
    symlink('lib', 'usr/lib'),
    directory('usr/lib'),
    file('usr/lib/x', 'x'),
    file('pair-a', 'pair'),
    hardlink('pair-b', 'pair-a'),
  ];

  it('whiteouts, opaque directories, replaced types, implied directories', async () => {
    const id = await rig.image(base, [
      file('etc/motd', 'two\n'),
      file('etc/.wh.old'),
      file('.wh.data'),
      directory('opq'),
      file('opq/.wh..wh..opq'),
      file('opq/again', 'h'),
      file('opq/new', 'n'),
      directory('becomes-dir'),
      file('becomes-dir/inner', 'i'),
      file('becomes-file', 'now a file'),
      symlink('lib', 'usr/lib64'),
      file('pair-b', 'alone'),
      file('.wh..wh.plnk', 'aufs'),
      file('.wh.never-there'),
    ]);
    await checkAgainstKernel(id);
    assert.deepEqual(brief(await rig.changes(id, 1)), [
      'modified becomes-dir (type mode)',
      'added becomes-dir/inner',
      'modified becomes-file (type mode)',
      'deleted becomes-file/inner',
      'deleted data',
      'deleted data/deep',
      'deleted data/deep/file',
      'deleted data/other',
      'modified etc/motd (content)',
      'deleted etc/old',
      'modified lib (link)',
      'deleted opq/hidden',
      'added opq/new',
      'modified pair-b (content)',
    ]);
    // The directory that the second tar only implies is still that of the first.
    const etc = await rig.store.lookup(id, 'etc');
    assert.deepEqual([etc?.mode, etc?.uid], [0o750, 7]);
    assert.deepEqual((await rig.index(id, 1)).whiteouts, ['data', 'etc/old']);
    assert.equal(await rig.store.lookup(id, 'data/deep/file'), undefined);
    assert.equal((await rig.store.lookup(id, 'data/deep/file', 0))?.size, 1);
    assert.equal(await rig.store.lookup(id, 'opq/hidden'), undefined);
    assert.equal(await rig.store.lookup(id, 'becomes-file/inner'), undefined);
  });

  it('a whiteout beside a directory of the same name makes it opaque, in either order', async () => {
    for (const order of [0, 1]) {
      const items = [file('.wh.data'), file('data/new', 'n')];
      const id = await rig.image(base, order ? items.reverse() : items);
      await checkAgainstKernel(id);
      assert.deepEqual(await rig.store.lookup(id, 'data/other'), undefined);
      assert.equal((await rig.store.lookup(id, 'data/new'))?.size, 1);
    }
  });

  it('an opaque root hides everything', async () => {
    const id = await rig.image(base, [file('.wh..wh..opq'), file('only', 'o')]);
    assert.deepEqual([...plain(await rig.merged(id)).keys()], ['', 'only']);
    assert.ok((await rig.changes(id, 1)).filter(({ kind }) => kind === 'deleted').length > 15);
    await checkAgainstKernel(id);
  });

  it('what differs is named', async () => {
    const xattr = { 'SCHILY.xattr.user.note': 'n' };
    const id = await rig.image(
      [
        file('a', 'a'),
        file('b', 'b'),
        file('c', 'c'),
        file('d', 'd'),
        file('e', 'e'),
        directory('dir'),
        { name: 'dev', type: 'character-device', devmajor: 1, devminor: 3 },
      ],
      [
        file('a', 'a', { mode: 0o600 }),
        file('b', 'b', { uid: 5 }),
        file('c', 'c', { pax: xattr }),
        file('d', 'd', { mtime: new Date(0) }),
        file('e', 'e'),
        directory('dir', { mtime: new Date(0) }),
        { name: 'dev', type: 'character-device', devmajor: 1, devminor: 5 },
      ],
    );
    assert.deepEqual(brief(await rig.changes(id, 1)), [
      'modified a (mode)',
      'modified b (owner)',
      'modified c (xattrs)',
      'modified d (time)',
      'modified dev (device)',
    ]);
  });

  it('the last of several entries with one name counts', async () => {
    const id = await rig.image([
      file('a', 'first'),
      file('a', 'second'),
      directory('b'),
      file('b/inner', 'i'),
      file('b', 'now a file'),
      symlink('c', 'a'),
      directory('c'),
      file('c/inner', 'i'),
      directory('d', { mode: 0o700 }),
      file('d/kept', 'k'),
      directory('d', { mode: 0o711 }),
      file('e', 'e'),
      hardlink('f', 'e'),
      file('e', 'other'),
    ]);
    const tree = plain((await rig.index(id, 0)).entries);
    assert.deepEqual([...tree.keys()], ['', 'a', 'b', 'c', 'c/inner', 'd', 'd/kept', 'e', 'f']);
    assert.equal(tree.get('d')?.mode, 0o711);
    await checkAgainstKernel(id);
    const opened = await rig.openFile(id, { position: 0, path: 'f', from: 'layer' });
    assert.equal((await opened.stream().toArray()).join(''), 'e');
  });

  it('an entry below a symbolic link lands where the link points, inside', async () => {
    const id = await rig.image([
      directory('usr'),
      directory('usr/lib'),
      symlink('lib', '/usr/lib'),
      file('lib/x', 'x'),
      symlink('up', '../../..'),
      file('up/y', 'y'),
      symlink('ahead', 'not/yet'),
      file('ahead/z', 'z'),
    ]);
    const paths = [...plain((await rig.index(id, 0)).entries).keys()];
    assert.deepEqual(paths, [
      '',
      'ahead',
      'lib',
      'not',
      'not/yet',
      'not/yet/z',
      'up',
      'usr',
      'usr/lib',
      'usr/lib/x',
      'y',
    ]);
    await checkAgainstKernel(id);
  });

  it('files are read as the layer stores them and as the layers together show them', async () => {
    const id = await rig.image(base, [file('etc/motd', 'two\n'), file('new', '0123456789'), symlink('s', 'new')]);
    const read = async (
      position: number,
      path: string,
      from: 'layer' | 'merged',
      range?: { start: number; end: number },
    ) => {
      const opened = await rig.openFile(id, { position, path, from });
      return Buffer.concat(await opened.stream(range).toArray()).toString();
    };
    assert.equal(await read(0, 'etc/motd', 'layer'), 'one\n');
    assert.equal(await read(1, 'etc/motd', 'merged'), 'two\n');
    assert.equal(await read(0, 'etc/motd', 'merged'), 'one\n');
    assert.equal(await read(1, 'data/other', 'merged'), 'y');
    assert.equal(await read(1, 'new', 'layer', { start: 2, end: 4 }), '234');
    await assert.rejects(read(1, 'data/other', 'layer'), { kind: 'not-found' });
    await assert.rejects(read(1, '../../../etc/passwd', 'layer'), { kind: 'not-found' });
    await assert.rejects(read(1, 's', 'layer'), { kind: 'invalid', message: '/s is not a regular file but a symlink' });
    await assert.rejects(read(7, 'new', 'layer'), { kind: 'not-found' });
  });

  it('trees, changes and indexes are sorted by component', async () => {
    const id = await rig.image([file('a-b'), file('a.b'), file('a/b'), file('a!'), file('a0'), file('Ünï')]);
    const paths = (await rig.merged(id)).map(({ path }) => path);
    assert.deepEqual(paths, ['', 'a', 'a/b', 'a!', 'a-b', 'a.b', 'a0', 'Ünï']);
  });

  it('random stacks of layers look as overlayfs shows them', async () => {
    const random = generator(42);
    const pick = <T>(from: readonly T[]): T => {
      const found = from[Math.floor(random() * from.length)];
      if (found === undefined) throw new Error('nothing to pick from');
      return found;
    };
    const names = ['a', 'b', 'c', 'a-a'];
    const path = (): string => Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(names)).join('/');
    for (let round = 0; round < 25; round++) {
      const layers = Array.from({ length: 4 }, (_, position) => {
        const taken = new Map<string, Item>();
        for (let count = 0; count < 8; count++) {
          const name = path();
          const parent = name.includes('/') ? name.slice(0, name.lastIndexOf('/') + 1) : '';
          const kind = random();
          // A layer's own names do not contradict each other, as in a real changeset: only directories have content.
          const clash = [...taken.keys()].some(
            (other) =>
              other.startsWith(`${name}/`) || (name.startsWith(`${other}/`) && taken.get(other)?.type !== 'directory'),
          );
          if (clash || taken.has(name)) continue;
          if (kind < 0.35) taken.set(name, file(name, `${position} ${name}`));
          else if (kind < 0.5) taken.set(name, symlink(name, 'target'));
          else if (kind < 0.75) taken.set(name, directory(name, { mode: 0o700 + position }));
          else if (position > 0 && kind < 0.9) taken.set(name, file(`${parent}.wh.${name.slice(parent.length)}`));
          else if (position > 0) {
            taken.set(name, directory(name));
            taken.set(`${name}/.wh..wh..opq`, file(`${name}/.wh..wh..opq`));
          }
        }
        return [...taken.values()];
      });
      const id = await rig.image(...layers);
      await checkAgainstKernel(id);
    }
  });

  it('an image without layers has an empty root', async () => {
    const id = await rig.image();
    assert.deepEqual(await rig.merged(id), []);
    const { base: at, lowers } = rig.store.rootfs(id);
    assert.equal(lowers.length, 1);
    await mkdir(join(at, lowers[0] ?? ''), { recursive: true });
    assert.deepEqual([...(await treeOf(join(at, lowers[0] ?? ''))).keys()], ['']);
  });
});

/** Numbers that are the same in every run (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
