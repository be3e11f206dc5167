import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { walkMerged } from '../../../src/agent/layers/merged.ts';
import { countWaste } from '../../../src/agent/layers/waste.ts';
import { bytesOf } from '../../../src/agent/sys/names.ts';
import type { LayerEntry, MergedEntry } from '../../../src/protocol/layers.ts';
import { Random } from '../../fuzz/random.ts';
import { requires } from '../../support/tools.ts';
import { dockerArchive, plain, Rig, treeOf } from '../store/rig.ts';
import { listed } from './questions.ts';
import { stacks } from './stacks.ts';

const signal = new AbortController().signal;

/**
 * Layers made by a shell and GNU tar, and unpacked one upon the other by umoci: what it has on the disk after each layer is
 * what that layer changed, and from when on a file is not there any more.
 */
describe('layers counted with umoci', function () {
  const rig = Rig.forEach(this);
  this.timeout(300_000);
  const seed = Number(process.env['PORTHOLE_SEED'] ?? 1);
  before(function () {
    requires(this, { root: true, programs: ['umoci', 'python3', 'setcap'] });
  });

  async function tarMadeBy(script: string, layer: number): Promise<Buffer> {
    const source = join(rig.directory, 'source');
    await mkdir(source);
    try {
      execFileSync('bash', ['-ec', script], { cwd: source, env: { ...process.env, LAYER: String(layer) } });
      // A time of each layer: files of the same bytes are told apart.
      execFileSync('find', ['.', '-exec', 'touch', '-h', '-d', `@${1_000_000_000 + layer}`, '{}', '+'], {
        cwd: source,
      });
      const how = ['-S', '--format=posix', '--sort=name', '--xattrs', '--xattrs-include=*', '--numeric-owner'];
      return execFileSync('tar', [...how, '-C', source, '-cf', '-', '.'], { maxBuffer: 1 << 28 });
    } finally {
      await rm(source, { recursive: true, force: true });
    }
  }

  async function unpacked(layers: readonly Buffer[], name: string): Promise<Unpacked> {
    await rig.load(await dockerArchive([{ layers, tags: [`${name}:1`] }]));
    const bundle = join(rig.directory, name);
    execFileSync('umoci', ['unpack', '--image', `${join(rig.root, 'image')}:${name}:1`, bundle], { stdio: 'pipe' });
    const root = join(bundle, 'rootfs');
    const tree = await treeOf(root);
    return { tree, inodes: new Map([...tree.keys()].map((path) => [path, lstatSync(onDisk(root, path)).ino])) };
  }

  async function check(scripts: readonly string[]): Promise<void> {
    const tars: Buffer[] = [];
    for (const [layer, script] of scripts.entries()) tars.push(await tarMadeBy(script, layer));
    const id = await rig.image(...tars);
    const image = rig.store.layered(id);
    const stages: Unpacked[] = [];
    for (const [layer] of tars.entries()) {
      const after = await unpacked(tars.slice(0, layer + 1), `upto-${layer}`);
      await checkTree(id, layer, after);
      if (layer > 0) await checkChanges(id, layer, stages[layer - 1]?.tree ?? new Map(), after.tree);
      stages.push(after);
    }
    const alone: Unpacked[] = [];
    for (const [layer, tar] of tars.entries()) alone.push(await unpacked([tar], `alone-${layer}`));
    const waste = await countWaste(image, { signal }, { limit: 10_000 });
    const expected = wasteOf(alone, stages, await holesOf(id, tars.length));
    assert.deepEqual(
      { stored: waste.stored, visible: waste.visible, wasted: waste.wasted },
      { stored: expected.stored, visible: expected.visible, wasted: expected.stored - expected.visible },
    );
    const told = new Map<string, number>();
    for (const { storedBy, hiddenBy, bytes } of waste.largest) {
      told.set(`${storedBy} ${hiddenBy}`, (told.get(`${storedBy} ${hiddenBy}`) ?? 0) + bytes);
    }
    assert.deepEqual(sorted(told), sorted(expected.pairs));
  }

  async function checkTree(id: string, layer: number, { tree, inodes }: Unpacked): Promise<void> {
    assert.deepEqual(asUmoci(plain(await rig.merged(id, layer))), asUmoci(tree), `the tree of layer ${layer}`);
    const merged = await listed<MergedEntry>((list) =>
      walkMerged(rig.store.layered(id), { position: layer, signal }, (entry) => list.entry(entry)),
    );
    const files = merged.filter(({ type }) => type === 'file');
    const ours = groups(files.map((entry) => [entry.path, `${entry.layer} ${entry.hardlink ?? entry.path}`]));
    const theirs = groups(files.map(({ path }) => [path, String(inodes.get(path))]));
    assert.deepEqual(ours, theirs, `names of one file at layer ${layer}`);
  }

  async function checkChanges(id: string, layer: number, before: Tree, after: Tree): Promise<void> {
    const expected = new Map<string, string>();
    for (const path of before.keys()) if (!after.has(path)) expected.set(path, 'deleted');
    for (const [path, entry] of after) {
      const old = before.get(path);
      if (!old) expected.set(path, 'added');
      else if (differs(old, entry).length > 0) expected.set(path, `modified ${differs(old, entry).join(' ')}`);
    }
    const changes = await rig.changes(id, layer);
    const ours = changes
      // What is stored once more and is the same, or a directory that differs in its time alone.
      .filter(({ kind, differs }) => kind !== 'modified' || (differs?.length ?? 0) > 0)
      .map(({ path, kind, differs }) => [
        path,
        kind === 'modified' ? `modified ${[...(differs ?? [])].sort().join(' ')}` : kind,
      ]);
    assert.deepEqual(
      sorted(new Map(ours.map(([path = '', what = '']) => [path, what]))),
      sorted(expected),
      `layer ${layer}`,
    );
  }

  /** Bytes of holes of files by layer and path: neither umoci nor a file system is bound to keep them as they came. */
  async function holesOf(id: string, layers: number): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (let layer = 0; layer < layers; layer++) {
      for (const { path, holes = 0 } of (await rig.index(id, layer)).entries) found.set(`${layer} ${path}`, holes);
    }
    return found;
  }

  for (const [name, scripts] of Object.entries(stacks)) it(name, () => check(scripts));

  for (let number = 0; number < 20; number++) {
    it(`random scripts ${number} (PORTHOLE_SEED=${seed})`, () => {
      const random = Random.of(seed, number);
      return check(Array.from({ length: 2 + random.below(3) }, () => randomScript(random)));
    });
  }
});

type Tree = ReadonlyMap<string, LayerEntry>;

interface Unpacked {
  readonly tree: Tree;
  /** Inode numbers by path. */
  readonly inodes: ReadonlyMap<string, number>;
}

const onDisk = (root: string, path: string): Buffer => Buffer.concat([Buffer.from(`${root}/`), bytesOf(path)]);

/** umoci leaves attributes of the name trusted.* to the kernel. */
function asUmoci(tree: Tree): Map<string, LayerEntry> {
  return new Map(
    [...tree].map(([path, { xattrs = {}, ...entry }]) => {
      const kept = Object.entries(xattrs).filter(([name]) => !name.startsWith('trusted.'));
      return [path, kept.length > 0 ? { ...entry, xattrs: Object.fromEntries(kept) } : entry];
    }),
  );
}

function differs(before: LayerEntry, after: LayerEntry): string[] {
  const found: string[] = [];
  const isFile = before.type === 'file' && after.type === 'file';
  if (before.type !== after.type) found.push('type');
  if (isFile && before.digest !== after.digest) found.push('content');
  if (before.mode !== after.mode) found.push('mode');
  if (before.uid !== after.uid || before.gid !== after.gid) found.push('owner');
  if (before.link !== after.link) found.push('link');
  if (JSON.stringify(sorted(before.xattrs)) !== JSON.stringify(sorted(after.xattrs))) found.push('xattrs');
  if (JSON.stringify(before.device) !== JSON.stringify(after.device)) found.push('device');
  if (before.mtime !== after.mtime && (found.length > 0 || after.type !== 'directory')) found.push('time');
  return found.sort();
}

/** The bytes of every file that one layer stores, by the layer on which none of its names shows it any more. */
function wasteOf(alone: readonly Unpacked[], stages: readonly Unpacked[], holes: ReadonlyMap<string, number>) {
  const pairs = new Map<string, number>();
  const total = { stored: 0, visible: 0 };
  for (const [layer, { tree, inodes }] of alone.entries()) {
    const files = [...tree].filter(([, { type }]) => type === 'file');
    for (const names of groups(files.map(([path]) => [path, String(inodes.get(path))]))) {
      const [first = ''] = names;
      const entry = tree.get(first);
      if (!entry) continue;
      const bytes = entry.size - Math.max(...names.map((name) => holes.get(`${layer} ${name}`) ?? 0));
      total.stored += bytes;
      const isThere = ({ tree: at }: Unpacked): boolean =>
        names.some((name) => at.get(name)?.mtime === entry.mtime && at.get(name)?.digest === entry.digest);
      const hiddenBy = stages.findIndex((stage, at) => at > layer && !isThere(stage));
      if (hiddenBy < 0) total.visible += bytes;
      else if (bytes > 0) pairs.set(`${layer} ${hiddenBy}`, (pairs.get(`${layer} ${hiddenBy}`) ?? 0) + bytes);
    }
  }
  return { ...total, pairs };
}

/** Names of the same file together. */
function groups(files: readonly (readonly [path: string, file: string])[]): string[][] {
  const found = new Map<string, string[]>();
  for (const [path, file] of files) found.set(file, [...(found.get(file) ?? []), path].sort());
  return [...found.values()].sort(([one = ''], [other = '']) => (one < other ? -1 : 1));
}

function sorted<T>(of: ReadonlyMap<string, T> | Readonly<Record<string, T>> = {}): [string, T][] {
  return (of instanceof Map ? [...of] : Object.entries(of)).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Few names, so that layers meet; a layer makes each once. */
function randomScript(random: Random): string {
  const lines = [':'];
  const fill = (below: string, depth: number): void => {
    const files: string[] = [];
    for (const name of ['a', 'b', 'c-', 'd']) {
      const path = `${below}${name}`;
      const owner = `chown -h ${random.below(2)}:0 ${path}`;
      const kind = random.below(11);
      if (kind < 3 && depth < 2) {
        lines.push(`mkdir ${path}`);
        if (random.chance(0.3)) lines.push(`touch ${path}/.wh..wh..opq`);
        fill(`${path}/`, depth + 1);
      } else if (kind < 5) {
        lines.push(`head -c ${random.below(60)} /dev/zero | tr '\\0' x > ${path}`, owner);
        files.push(path);
      } else if (kind === 5) lines.push(`ln -s ${random.pick(['a', '../b', '/c-'])} ${path}`, owner);
      else if (kind === 6) lines.push(`touch ${below}.wh.${name}`);
      else if (kind === 7 && files.length > 0) lines.push(`ln ${random.pick(files)} ${path}`);
      else if (kind === 8) lines.push(`mknod ${path} c 1 ${3 + random.below(2)}`, owner);
      else if (kind === 9) lines.push(`mkfifo ${path}`);
    }
  };
  fill('', 0);
  return lines.join('\n');
}
