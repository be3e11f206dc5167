import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ChangeCollector } from '../../../src/agent/layers/change-directory.ts';
import { walkChanges, walkDifferences } from '../../../src/agent/layers/changes.ts';
import { keyOf } from '../../../src/agent/layers/keys.ts';
import { versionsOf } from '../../../src/agent/layers/versions.ts';
import { countWaste } from '../../../src/agent/layers/waste.ts';
import type { LayerChange, LayerEntry } from '../../../src/protocol/layers.ts';
import { Random } from '../../fuzz/random.ts';
import { directory, file, hardlink, type Item, Rig, symlink, tarOf } from '../store/rig.ts';
import { listed } from './questions.ts';

const signal = new AbortController().signal;

/**
 * Layers unpacked by GNU tar, each into a directory of its own, whiteouts as the files that archives have for them; then
 * counted by what lstat(2) says of them.
 */
describe('layers counted independently', function () {
  const rig = Rig.forEach(this);
  const seed = Number(process.env['PORTHOLE_SEED'] ?? 1);

  async function unpacked(layers: readonly Buffer[], name: string): Promise<string[]> {
    const directories: string[] = [];
    for (const [position, tar] of layers.entries()) {
      const at = join(rig.directory, `${name}-${position}`);
      await mkdir(at);
      execFileSync('tar', ['-C', at, '-xpf', '-'], { input: tar, stdio: ['pipe', 'ignore', 'inherit'] });
      directories.push(at);
    }
    return directories;
  }

  /** Paths of a directory, a directory before what is in it. */
  function* paths(root: string, below = ''): Generator<[path: string, status: Stats]> {
    for (const name of readdirSync(join(root, below))) {
      const path = below === '' ? name : `${below}/${name}`;
      const status = lstatSync(join(root, path));
      yield [path, status];
      if (status.isDirectory()) yield* paths(root, path);
    }
  }

  interface Count {
    readonly visible: Map<string, { readonly layer: number; readonly status: Stats }>;
    readonly added: Set<string>;
    readonly deleted: Set<string>;
    readonly before: Count['visible'];
  }

  function apply(before: Count['visible'], root: string, layer: number): Count {
    const visible = new Map(before);
    const own = [...paths(root)];
    const hide = (path: string, { itself }: { itself: boolean }) => {
      for (const name of visible.keys())
        if ((itself && name === path) || name.startsWith(`${path}/`)) visible.delete(name);
    };
    for (const [path] of own) {
      const base = path.slice(path.lastIndexOf('/') + 1);
      const parent = path.slice(0, Math.max(0, path.length - base.length - 1));
      if (base === '.wh..wh..opq') hide(parent, { itself: false });
      else if (base.startsWith('.wh.'))
        hide(parent === '' ? base.slice(4) : `${parent}/${base.slice(4)}`, { itself: true });
    }
    for (const [path, status] of own) {
      if (path.slice(path.lastIndexOf('/') + 1).startsWith('.wh.')) continue;
      if (!status.isDirectory()) hide(path, { itself: false });
      visible.set(path, { layer, status });
    }
    const added = new Set([...visible.keys()].filter((path) => !before.has(path)));
    const deleted = new Set([...before.keys()].filter((path) => !visible.has(path)));
    return { visible, added, deleted, before };
  }

  function bytesOf(root: string): Map<number, number> {
    const inodes = new Map<number, number>();
    for (const [path, status] of paths(root)) {
      if (status.isFile() && !path.slice(path.lastIndexOf('/') + 1).startsWith('.wh.'))
        inodes.set(status.ino, status.size);
    }
    return inodes;
  }

  async function check(layers: readonly (readonly Item[])[], name: string): Promise<void> {
    const tars = await Promise.all(layers.map(tarOf));
    const roots = await unpacked(tars, name);
    const image = rig.store.layered(await rig.image(...tars));
    let visible: Count['visible'] = new Map();
    for (const [position, root] of roots.entries()) {
      const count = apply(visible, root, position);
      visible = count.visible;
      const changes = await rig.changes(image.id, position);
      const of = (kind: string) => changes.filter((change) => change.kind === kind).map(({ path }) => path);
      assert.deepEqual(new Set(of('added')), count.added, `${name}: added by ${position}`);
      assert.deepEqual(new Set(of('deleted')), count.deleted, `${name}: deleted by ${position}`);
      const merged = (await rig.merged(image.id, position)).map(({ path }) => path);
      assert.deepEqual(new Set(merged), new Set(['', ...visible.keys()]), `${name}: visible at ${position}`);
      const rows = new ChangeCollector(keyOf(''), { after: keyOf(''), limit: 1000 });
      await walkChanges(image, { position, signal }, (change) => rows.add(change));
      const { totals } = rows.finish();
      const notRoot = changes.filter(({ path }) => path !== '');
      assert.equal(totals.added + totals.modified + totals.deleted, notRoot.length);
      for (const path of [...count.added, ...count.deleted].slice(0, 5)) {
        const version = (await versionsOf(image, { path, signal })).find((one) => one.position === position);
        assert.equal(version?.kind, count.added.has(path) ? 'added' : 'deleted', `${name}: ${path}`);
      }
    }
    let stored = 0;
    let seen = 0;
    for (const [layer, root] of roots.entries()) {
      const shown = new Set([...visible.values()].filter((one) => one.layer === layer).map(({ status }) => status.ino));
      for (const [inode, size] of bytesOf(root)) {
        stored += size;
        if (shown.has(inode)) seen += size;
      }
    }
    const waste = await countWaste(image, { signal }, { limit: 1000 });
    assert.deepEqual(
      { stored: waste.stored, visible: waste.visible, wasted: waste.wasted },
      { stored, visible: seen, wasted: stored - seen },
      name,
    );
    assert.equal(
      waste.pairs.reduce((sum, { bytes }) => sum + bytes, 0),
      waste.wasted,
    );
  }

  const base: readonly Item[] = [
    directory('d'),
    directory('d/e'),
    file('d/e/f', 'six by'),
    file('d/g', '12345'),
    symlink('l', 'd'),
    file('one', 'linked'),
    hardlink('two', 'one'),
  ];

  const told: readonly (readonly [string, readonly Item[], readonly string[]])[] = [
    ['a directory deleted at once', [file('.wh.d')], ['6 0>1 deleted', '5 0>1 deleted']],
    [
      'an opaque directory',
      [directory('d'), file('d/.wh..wh..opq'), file('d/g', 'new')],
      ['6 0>1 opaque', '5 0>1 content'],
    ],
    ['a directory that became a link', [symlink('d', 'one')], ['6 0>1 type', '5 0>1 type']],
    ['a link that points elsewhere', [symlink('l', 'd/e')], []],
    ['one of two names deleted', [file('.wh.one')], []],
    ['both names deleted', [file('.wh.one'), file('.wh.two')], ['6 0>1 deleted']],
    ['a name of two replaced', [file('two', 'linked')], []],
    ['another owner', [file('d/g', '12345', { uid: 7 })], ['5 0>1 metadata']],
    ['the same once more', [file('d/g', '12345')], ['5 0>1 same']],
  ];
  for (const [what, layer, expected] of told) {
    it(`${what}: who stored and who hid it`, async () => {
      await check([base, layer], 'told');
      const image = rig.store.layered(await rig.image(base, layer));
      const { largest } = await countWaste(image, { signal }, { limit: 10 });
      const words = largest.map(
        ({ bytes, storedBy, hiddenBy, reason }) => `${bytes} ${storedBy}>${hiddenBy} ${reason}`,
      );
      assert.deepEqual(words.sort(), [...expected].sort());
    });
  }

  it('two images are compared as their merged trees are', async () => {
    const random = new Random(seed);
    for (let number = 0; number < 5; number++) {
      const [one, other] = [await rig.image(base, randomLayer(random)), await rig.image(randomLayer(random))];
      const [left, right] = [await rig.merged(one), await rig.merged(other)];
      const trees = { left: { image: rig.store.layered(one) }, right: { image: rig.store.layered(other) } };
      const found = await listed<LayerChange>((list) =>
        walkDifferences(trees, { signal }, (change) => list.change(change)),
      );
      const of = (kind: string) => found.filter((change) => change.kind === kind).map(({ path }) => path);
      const paths = (entries: readonly LayerEntry[]) => new Set(entries.map(({ path }) => path));
      const [before, after] = [paths(left), paths(right)];
      assert.deepEqual(
        of('added'),
        [...after].filter((path) => !before.has(path)),
      );
      assert.deepEqual(
        of('deleted'),
        [...before].filter((path) => !after.has(path)),
      );
      const digests = new Map(left.map(({ path, digest, type }) => [path, `${type} ${digest}`]));
      const changed = right.filter(
        ({ path, digest, type }) => before.has(path) && digests.get(path) !== `${type} ${digest}`,
      );
      for (const { path } of changed) assert.ok(of('modified').includes(path), path);
    }
  });

  it(`33 random images (PORTHOLE_SEED=${seed})`, async () => {
    const random = new Random(seed);
    for (let number = 0; number < 33; number++) {
      const layers = Array.from({ length: 2 + random.below(4) }, () => randomLayer(random));
      await check(layers, `random-${number}`);
    }
  });
});

/** Few names, so that layers meet; each name once, a directory before what is in it. */
function randomLayer(random: Random): Item[] {
  const items: Item[] = [];
  const fill = (prefix: string, depth: number): void => {
    const files: string[] = [];
    for (const name of ['a', 'b', 'c-', 'd']) {
      const path = `${prefix}${name}`;
      const choice = random.below(10);
      if (choice < 2 && depth < 3) {
        items.push(directory(path));
        if (random.chance(0.2)) items.push(file(`${path}/.wh..wh..opq`));
        fill(`${path}/`, depth + 1);
      } else if (choice < 4) {
        items.push(file(path, 'x'.repeat(random.below(50)), { uid: random.below(2) }));
        files.push(path);
      } else if (choice === 4) items.push(symlink(path, random.pick(['a', '../b', '/c-'])));
      else if (choice === 5) items.push(file(`${prefix}.wh.${name}`));
      else if (choice === 6 && files.length > 0) items.push(hardlink(path, random.pick(files)));
    }
  };
  fill('', 0);
  return items;
}
