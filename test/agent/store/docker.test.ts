import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Dockerd, startDockerd } from '../../support/dockerd.ts';
import { requires } from '../../support/tools.ts';
import { directory, dockerArchive, file, Rig, symlink, tarOf, treeOf } from './rig.ts';

/** The store beside a real dockerd: the same archive in, the same words and trees out. */
describe('images beside dockerd', function () {
  const rig = Rig.forEach(this);
  let dockerd: Dockerd;
  before(async function () {
    requires(this, { programs: ['dockerd', 'docker'] });
    dockerd = await startDockerd();
  });
  after(() => dockerd?.stop());

  const docker = (...args: string[]): string =>
    execFileSync('docker', ['-H', dockerd.host, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  /** What docker says when it fails. */
  const complaint = (...args: string[]): string => {
    try {
      return docker(...args);
    } catch (failure) {
      return failure instanceof Error && 'stderr' in failure ? String(failure.stderr).trim() : String(failure);
    }
  };

  it('an image that dockerd built and saved: same id, same tree, same lines of rmi', async () => {
    const context = join(rig.directory, 'context');
    await mkdir(context);
    await writeFile(
      join(context, 'root.tar'),
      await tarOf([
        directory('d', { mode: 0o750, uid: 4 }),
        file('d/a', 'a'),
        file('d/b', 'b', { mode: 0o4755 }),
        symlink('s', 'd/a'),
        file('gone', 'g'),
      ]),
    );
    await writeFile(join(context, 'more'), 'more');
    await writeFile(
      join(context, 'Dockerfile'),
      'FROM scratch\nADD root.tar /\nCOPY more /d/more\nCOPY more /d/a\nCMD ["/x"]\nLABEL a=b\n',
    );
    docker('build', '-q', '-t', 'built:1', context);
    docker('save', '-o', join(rig.directory, 'saved.tar'), 'built:1');
    const id = docker('image', 'inspect', '-f', '{{.Id}}', 'built:1').trim();
    const [loaded] = await rig.load(join(rig.directory, 'saved.tar'));
    assert.deepEqual(loaded, { id, tags: ['built:1'], moved: [] });
    const size = Number(docker('image', 'inspect', '-f', '{{.Size}}', 'built:1'));
    assert.equal(rig.store.get('built:1').size, size);
    assert.deepEqual(
      rig.store.layers('built:1').map(({ diffId }) => diffId),
      docker('image', 'inspect', '-f', '{{join .RootFS.Layers " "}}', 'built:1').trim().split(' '),
    );
    // The tree of a container of it; dockerd adds its own mount points to the root and its time with them.
    const container = docker('create', 'built:1').trim();
    const exported = join(rig.directory, 'exported');
    await mkdir(exported);
    const tar = execFileSync('docker', ['-H', dockerd.host, 'export', container], { maxBuffer: 1 << 28 });
    execFileSync('tar', ['-C', exported, '-xpf', '-'], { input: tar });
    const theirs = await treeOf(exported);
    for (const { mtimeNs: _ns, ...entry } of await rig.merged('built:1')) {
      if (entry.path === '') continue;
      const { mtimeNs: _theirNs, ...other } = theirs.get(entry.path) ?? { path: 'nothing' };
      assert.deepEqual(entry, other);
    }
    // The words of a removal that a container prevents.
    const usedBy = () => [{ id: container, running: false }];
    for (const name of ['built:1', id]) {
      const said = complaint('rmi', name);
      await assert.rejects(rig.store.remove(name, { force: false, usedBy }), (failure: Error) => {
        assert.equal(said.replace(/^Error response from daemon: /, ''), failure.message);
        return true;
      });
    }
    docker('rm', container);
    const lines = docker('rmi', 'built:1').trim().split('\n');
    const removed = await rig.store.remove('built:1', { force: false, usedBy: () => [] });
    // The classic builder made an image per step, which dockerd deletes between the layers.
    const ours = removed.flatMap((item) => Object.entries(item).map(([what, name]) => `${what}: ${name}`));
    assert.deepEqual(
      ours.filter((line) => !lines.includes(line)),
      [],
    );
    assert.deepEqual(lines.slice(0, 2), ours.slice(0, 2));
  });

  it('an archive of before 2015 (`repositories` alone): the same image as dockerd makes of it', async () => {
    const context = join(rig.directory, 'old');
    await mkdir(context);
    await writeFile(join(context, 'a'), 'a');
    await writeFile(
      join(context, 'Dockerfile'),
      'FROM scratch\nCOPY a /a\nCOPY a /b\nLABEL odd="<&>"\nCMD ["/a", "&&", "x"]\n',
    );
    docker('build', '-q', '-t', 'old:1', '-t', 'old:2', context);
    docker('save', '-o', join(rig.directory, 'new.tar'), 'old:1', 'old:2');
    const at = join(rig.directory, 'unpacked');
    await mkdir(at);
    execFileSync('tar', ['-C', at, '-xf', join(rig.directory, 'new.tar')]);
    const names = (await readdir(at)).filter((name) => name !== 'manifest.json' && !name.endsWith('.json'));
    assert.ok(names.includes('repositories'));
    const old = join(rig.directory, 'old.tar');
    execFileSync('tar', ['-C', at, '-cf', old, ...names]);
    docker('rmi', 'old:1', 'old:2');
    docker('load', '-i', old);
    const id = docker('image', 'inspect', '-f', '{{.Id}}', 'old:1').trim();
    const loaded = await rig.load(old);
    assert.deepEqual(loaded, [{ id, tags: ['old:1', 'old:2'], moved: [] }]);
    assert.deepEqual(rig.store.get(id).config.config?.Cmd, ['/a', '&&', 'x']);
    assert.equal((await rig.store.lookup(id, 'b'))?.size, 1);
    docker('rmi', 'old:1', 'old:2');
  });

  it('what dockerd refuses is refused here', async () => {
    // Names with '..' are not in the list: dockerd puts them into the root, we refuse them.
    const bad = [
      await dockerArchive([
        { layers: [await tarOf([file('x', 'x')])], tags: ['bad:1'], diffIds: [`sha256:${'0'.repeat(64)}`] },
      ]),
      await dockerArchive([{ layers: [await tarOf([file('x', 'x')])], tags: ['bad:1'], diffIds: [] }]),
      (await dockerArchive([{ layers: [await tarOf([file('x', 'x'.repeat(100_000))])], tags: ['bad:1'] }])).subarray(
        0,
        60_000,
      ),
    ];
    for (const archive of bad) {
      const path = join(rig.directory, 'bad.tar');
      await writeFile(path, archive);
      complaint('load', '-i', path);
      assert.match(complaint('image', 'inspect', 'bad:1'), /No such image: bad:1/);
      await assert.rejects(rig.load(archive), { kind: 'invalid' });
    }
  });
});
