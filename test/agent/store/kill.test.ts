import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Random } from '../../fuzz/random.ts';
import { directory, dockerArchive, file, hardlink, plain, Rig, sha256, symlink, tarOf, treeOf } from './rig.ts';

const seed = Number(process.env['PORTHOLE_SEED'] ?? Date.now() % 1_000_000);
const rounds = Number(process.env['PORTHOLE_ROUNDS'] ?? 3);

/** PORTHOLE_ROUNDS=200 for a long run. */
describe(`a store that is killed at any moment (PORTHOLE_SEED=${seed})`, function () {
  const rig = Rig.forEach(this);
  this.timeout(900_000);

  async function prepare(): Promise<string> {
    const at = join(rig.directory, 'archives');
    await mkdir(at);
    const layer = await tarOf([directory('opt', { mode: 0o711 }), file('opt/committed', 'c'.repeat(30_000))]);
    await writeFile(join(at, 'layer.tar'), layer);
    const rootfs = { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] };
    await writeFile(join(at, 'config.json'), JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs }));
    const shared = await tarOf([directory('d'), file('d/shared', 's'.repeat(200_000)), symlink('l', 'd')]);
    for (let number = 0; number < 4; number++) {
      const many = Array.from({ length: 60 }, (_, n) => file(`d/f${n}`, `${number} ${n} `.repeat(500)));
      const own = await tarOf([...many, hardlink('again', 'd/f1'), file(`.wh.${number % 2 ? 'l' : 'x'}`)]);
      const archive = await dockerArchive([
        {
          layers: number === 3 ? [shared] : [shared, own],
          tags: [`loaded:${number % 3}`, `${'n'.repeat(number + 1)}:1`],
        },
      ]);
      await writeFile(join(at, `image-${number}.tar`), archive);
    }
    return at;
  }

  /** Nothing is missing and nothing is too much, as the files themselves say. */
  async function check(): Promise<number> {
    const needed = new Set<string>();
    const index = JSON.parse(
      await readFile(join(rig.root, 'image/index.json'), 'utf8').catch(() => '{"manifests":[]}'),
    );
    const blob = async (digest: string): Promise<Buffer> => {
      const data = await readFile(join(rig.root, 'image/blobs', digest.replace(':', '/')));
      assert.equal(`sha256:${sha256(data)}`, digest);
      needed.add(digest.slice('sha256:'.length));
      return data;
    };
    for (const { digest } of index.manifests) {
      const manifest = JSON.parse((await blob(digest)).toString());
      for (const part of [manifest.config, ...manifest.layers]) await blob(part.digest);
    }
    assert.deepEqual((await readdir(join(rig.root, 'image/blobs/sha256'))).sort(), [...needed].sort());
    assert.deepEqual(await readdir(join(rig.root, 'staging')), []);
    const layers = new Set(['empty']);
    for (const { id } of rig.store.list()) {
      for (const { position, chainId } of rig.store.layers(id)) {
        const name = chainId.slice('sha256:'.length, 'sha256:'.length + 16);
        if (layers.has(name)) continue;
        layers.add(name);
        const { entries, whiteouts } = await rig.index(id, position);
        const tree = await treeOf(rig.content(id, position));
        // The kernel's whiteouts are devices there.
        for (const path of whiteouts) assert.ok(tree.delete(path), path);
        assert.deepEqual(plain(entries), tree);
      }
    }
    assert.deepEqual((await readdir(join(rig.root, 'layers'))).sort(), [...layers].sort());
    return rig.store.list().length;
  }

  it(`comes back ${rounds} times with everything that it had said and nothing else`, async () => {
    const random = new Random(seed);
    const archives = await prepare();
    const program = fileURLToPath(new URL('./store-to-kill.ts', import.meta.url));
    for (let round = 0; round < rounds; round++) {
      const args = ['--import', 'tsx', program, rig.root, archives, `${seed + round}`];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const goal = 1 + random.below(8);
      for (let done = 0; done < goal; ) done += String((await once(child.stdout, 'data'))[0]).length;
      await setTimeout(random.below(50));
      child.kill('SIGKILL');
      await once(child, 'exit');
      await rig.reopen();
      await check();
    }
    // And it is as good as new.
    for (const { id } of rig.store.list()) await rig.store.remove(id, { force: true, usedBy: () => [] }).catch(() => 0);
    while (rig.store.list().length > 0) await rig.store.prune({ all: true, usedBy: () => [], chosen: () => true });
    assert.equal(await check(), 0);
    assert.ok((await stat(rig.root)).isDirectory());
  });
});
