import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readdir, readFile, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createShims } from '../../../src/agent/shim/client.ts';
import { openImageStore } from '../../../src/agent/store/disk-store.ts';
import { requires } from '../../support/tools.ts';
import { freshShim } from '../shim/rig.ts';
import { dockerArchive, file, Rig, tarOf } from './rig.ts';

const nobody = { force: false, usedBy: () => [] };

describe('other programs on the layout of the store', function () {
  const rig = Rig.forEach(this);
  before(function () {
    requires(this, { programs: ['skopeo', 'umoci', 'buildah'] });
  });
  const layout = () => join(rig.root, 'image');
  const archive = async (name: string, content: string): Promise<string> => {
    const path = join(rig.directory, `${content}.tar`);
    await writeFile(path, await dockerArchive([{ layers: [await tarOf([file(content, content)])], tags: [name] }]));
    return path;
  };
  const skopeo = (...args: string[]): string =>
    execFileSync('skopeo', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const tags = (): string[] => rig.store.list().flatMap((image) => image.tags);

  it('what skopeo copies there while the store is open is an image at the next look', async () => {
    await rig.load(await archive('own:1', 'a'));
    skopeo('copy', `docker-archive:${await archive('x:1', 'b')}`, `oci:${layout()}:theirs:2`);
    skopeo('copy', `docker-archive:${await archive('x:1', 'c')}`, `oci:${layout()}:plain`);
    await rig.store.refresh();
    assert.deepEqual(tags().sort(), ['own:1', 'plain:latest', 'theirs:2']);
    assert.equal((await rig.store.lookup('theirs:2', 'b'))?.size, 1);
    await rig.reopen();
    assert.deepEqual(tags().sort(), ['own:1', 'plain:latest', 'theirs:2']);
    for (const name of tags()) skopeo('inspect', `oci:${layout()}:${name}`);
  });

  it('and at the next change, without any look', async () => {
    await rig.load(await archive('own:1', 'a'));
    skopeo('copy', `docker-archive:${await archive('x:1', 'b')}`, `oci:${layout()}:theirs:2`);
    await rig.store.tag('own:1', 'own:2');
    assert.deepEqual(tags().sort(), ['own:1', 'own:2', 'theirs:2']);
    // A name that another program moves has moved.
    skopeo('copy', `docker-archive:${await archive('x:1', 'c')}`, `oci:${layout()}:own:1`);
    await rig.store.remove('own:2', nobody);
    assert.ok(await rig.store.lookup('own:1', 'c'));
    // And what it brought goes as everything else does.
    for (const name of ['own:1', 'theirs:2']) await rig.store.remove(name, nobody);
    for (const { id } of rig.store.list()) await rig.store.remove(id, nobody);
    assert.deepEqual(await readdir(join(rig.root, 'layers')), ['empty']);
  });

  it('copies while the store itself changes all the time lose no blob', async () => {
    await rig.load(await archive('own:1', 'a'));
    const path = await archive('x:1', 'b'.repeat(100));
    let isDone = false;
    const copying = promisify(execFile)('skopeo', ['copy', `docker-archive:${path}`, `oci:${layout()}-other:x:1`]);
    const changing = (async () => {
      while (!isDone) {
        await rig.load(await archive('other:1', 'o'));
        await rig.store.remove('other:1', nobody);
      }
    })();
    await copying;
    // Blobs that no index names yet, as in the middle of a copy.
    const blobs = await readdir(`${layout()}-other/blobs/sha256`);
    for (const name of blobs) {
      await writeFile(join(layout(), 'blobs/sha256', name), await readFile(`${layout()}-other/blobs/sha256/${name}`));
    }
    isDone = true;
    await changing;
    await rig.load(await archive('other:1', 'o'));
    await rig.store.remove('other:1', nobody);
    const here = await readdir(join(layout(), 'blobs/sha256'));
    assert.deepEqual(
      blobs.filter((name) => !here.includes(name)),
      [],
    );
  });

  it('what is no image stays in the index, and is told of once', async () => {
    await rig.load(await archive('own:1', 'a'));
    const problems: string[] = [];
    const store = await openImageStore({
      root: rig.root,
      shims: createShims({ path: freshShim() }),
      platform: { os: 'linux', architecture: 'amd64' },
      report: (problem) => problems.push(problem),
    });
    const path = join(layout(), 'index.json');
    const index = JSON.parse(await readFile(path, 'utf8'));
    const odd = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: `sha256:${'0'.repeat(64)}`,
      size: 5,
    };
    await writeFile(path, JSON.stringify({ ...index, manifests: [...index.manifests, odd] }));
    for (const name of ['b', 'c']) await store.tag('own:1', name);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /^image sha256:0+, which another program put here, is none of ours: /);
    const after: { manifests: { digest: string }[] } = JSON.parse(await readFile(path, 'utf8'));
    assert.deepEqual(
      after.manifests.filter(({ digest }) => digest === odd.digest),
      [odd],
    );
    // While it is half written nothing of it counts.
    await writeFile(path, '{"schemaVersion":2,');
    await store.refresh();
    await store.tag('own:1', 'd');
    assert.deepEqual(store.get('own:1').tags, ['b:latest', 'c:latest', 'd:latest', 'own:1']);
  });

  it('buildah takes an image from it', async () => {
    await rig.load(await archive('own:1', 'a'));
    const storage = ['--root', join(rig.directory, 'containers'), '--runroot', join(rig.directory, 'run')];
    const buildah = (...args: string[]): string =>
      execFileSync('buildah', [...storage, '--storage-driver', 'vfs', ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }).trim();
    // It makes a name of the path, and names have no capital letters.
    const path = `${rig.directory.toLowerCase()}-${process.pid}`;
    await symlink(layout(), path);
    let name = '';
    try {
      name = buildah('from', `oci:${path}:own:1`);
      const at = buildah('mount', name);
      assert.equal(await readFile(join(at, 'a'), 'utf8'), 'a');
      buildah('umount', name);
    } finally {
      if (name !== '') buildah('rm', name);
      await unlink(path);
    }
  });
});
