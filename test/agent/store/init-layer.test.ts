import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerEntry } from '../../../src/protocol/layers.ts';
import { mergedAt } from '../layers/questions.ts';
import { directory, file, Rig, symlink } from './rig.ts';

describe('image store: the engine’s own layer', function () {
  const rig = Rig.forEach(this);

  const plain = ({ path, type, mode, uid, gid, size, link }: LayerEntry) =>
    [path, type, mode.toString(8), `${uid}:${gid}`, ...(size ? [size] : []), ...(link ? [`-> ${link}`] : [])].join(' ');
  const tree = async (id: string) => (await mergedAt(await rig.store.layeredForContainers(id))).map(plain);
  const stacked = async (id: string) => {
    await rig.store.ensureInit(id);
    return rig.store.containerRootfs(id);
  };
  const layerNames = () => readdirSync(join(rig.root, 'layers')).filter((name) => name !== 'empty');
  const unused = { force: false, usedBy: () => [] };

  const whole = [
    '.dockerenv file 755 0:0',
    'dev directory 755 0:0',
    'dev/console file 755 0:0',
    'dev/pts directory 755 0:0',
    'dev/shm directory 755 0:0',
    'etc directory 755 0:0',
    'etc/hostname file 755 0:0',
    'etc/hosts file 755 0:0',
    'etc/mtab symlink 777 0:0 -> /proc/mounts',
    'etc/resolv.conf file 755 0:0',
    'proc directory 755 0:0',
    'sys directory 755 0:0',
  ];

  it('has everything where an image has nothing', async () => {
    assert.deepEqual((await tree(await rig.image([file('bin')]))).slice(1), [
      ...whole.slice(0, 1),
      'bin file 644 0:0',
      ...whole.slice(1),
    ]);
    const { base, lowers } = await stacked(await rig.image([]));
    assert.deepEqual(readdirSync(join(base, lowers[0] ?? '')).sort(), ['.dockerenv', 'dev', 'etc', 'proc', 'sys']);
  });

  it('leaves directories as they are and takes the place of everything else', async () => {
    const image = await rig.image(
      [
        directory('usr'),
        directory('usr/etc'),
        file('usr/etc/passwd', 'x'),
        symlink('etc', 'usr/etc'),
        file('proc', 'x'),
      ],
      [
        directory('dev', { mode: 0o700, uid: 7, gid: 8 }),
        directory('dev/pts', { mode: 0o1777 }),
        symlink('dev/shm', '/run/shm'),
        directory('sys', { mode: 0o555 }),
        directory('.dockerenv'),
      ],
    );
    assert.deepEqual(
      (await tree(image)).filter((line) => line !== '' && !/^(usr| )/.test(line)),
      [
        '.dockerenv directory 755 0:0',
        'dev directory 700 7:8',
        'dev/console file 755 0:0',
        'dev/pts directory 1777 0:0',
        ...whole.slice(4, 11),
        'sys directory 555 0:0',
      ],
    );
    assert.equal(await rig.store.lookup(image, 'etc/passwd', 'init'), undefined);
    assert.equal((await rig.store.lookup(image, 'etc'))?.type, 'symlink');
  });

  it('is made once, found by the next engine, and goes with the image', async () => {
    const [image, other] = [await rig.image([file('a')]), await rig.image([file('b')])];
    const [one, two] = await Promise.all([stacked(image), stacked(image)]);
    assert.deepEqual(one, two);
    assert.equal(layerNames().length, 3);
    await rig.reopen();
    assert.deepEqual(await stacked(image), one);
    await rig.store.remove(other, unused);
    assert.equal(layerNames().length, 2);
    const [{ chainId } = { chainId: '' }] = rig.store.layers(image);
    // Nobody is told of it, as nobody was when it was made.
    assert.deepEqual(await rig.store.remove(image, unused), [{ Deleted: image }, { Deleted: chainId }]);
    assert.deepEqual(layerNames(), []);
    const again = await stacked(await rig.image([file('a')]));
    assert.equal(readdirSync(join(again.base, again.lowers[0] ?? '')).length, 5);
  });
});
