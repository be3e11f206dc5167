import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { LayerEntry } from '../../../src/protocol/layers.ts';
import { type Dockerd, startDockerd } from '../../support/dockerd.ts';
import { requires } from '../../support/tools.ts';
import { dockerArchive, Rig, streamOf, treeOf } from './rig.ts';
import { asUmoci, makeWorstCase, packed } from './worst-case.ts';

/** What is in an archive's layer keeps every mode, owner, time, link, attribute and device, whoever carries it. */
describe('round trips', function () {
  const rig = Rig.forEach(this);
  this.timeout(300_000);
  let dockerd: Dockerd;
  before(async function () {
    requires(this, { programs: ['skopeo', 'umoci', 'buildah', 'dockerd', 'docker'] });
    dockerd = await startDockerd();
  });
  after(() => dockerd?.stop());

  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });

  async function worst({
    sparse,
  }: {
    sparse: boolean;
  }): Promise<{ tree: Map<string, LayerEntry>; tar: Buffer; id: string }> {
    const source = await mkdtemp(join(rig.directory, 'source-'));
    makeWorstCase(source);
    const tar = packed(source, { sparse });
    const [loaded] = await rig.load(await dockerArchive([{ layers: [tar], tags: ['worst:1'] }]));
    return { tree: await treeOf(source), tar, id: loaded?.id ?? '' };
  }

  const same = async (id: string, tree: ReadonlyMap<string, LayerEntry>): Promise<void> =>
    assert.deepEqual(await treeOf(rig.content(id, 0)), tree);

  async function save(name: string, path: string): Promise<void> {
    await pipeline((await rig.store.save([name])).stream, createWriteStream(path));
  }

  /** Into a store that has nothing of it. */
  async function again(path: string, tree: ReadonlyMap<string, LayerEntry>): Promise<string> {
    const other = new Rig();
    await other.open();
    try {
      const [loaded] = await other.load(path);
      assert.deepEqual(await treeOf(other.content(loaded?.id ?? '', 0)), tree);
      return loaded?.id ?? '';
    } finally {
      await other.close();
    }
  }

  const at = (name: string) => join(rig.directory, name);

  it('a worst case comes through save and load, import, skopeo both ways and umoci', async () => {
    const { tree, tar, id } = await worst({ sparse: true });
    await same(id, tree);
    await save('worst:1', at('saved.tar'));
    assert.equal(await again(at('saved.tar'), tree), id);
    const signal = new AbortController().signal;
    await same((await rig.store.importTar(streamOf(tar), { signal })).id, tree);
    const layout = `oci:${join(rig.root, 'image')}:worst:1`;
    for (const [to, file] of [
      [`docker-archive:${at('skopeo.tar')}:worst:1`, 'skopeo.tar'],
      [`oci-archive:${at('oci.tar')}:worst:1`, 'oci.tar'],
    ] as const) {
      run('skopeo', 'copy', layout, to);
      assert.equal(await again(at(file), tree), id);
    }
    run('skopeo', 'copy', `docker-archive:${at('saved.tar')}`, `oci:${at('layout')}:worst:1`);
    run('umoci', 'unpack', '--image', `${at('layout')}:worst:1`, at('bundle'));
    assert.deepEqual(asUmoci(await treeOf(at('bundle/rootfs'))), asUmoci(tree));
  });

  it('a worst case comes through dockerd and through buildah', async () => {
    // dockerd cannot give back a layer whose archive has sparse files: it says that somebody has modified them.
    const { tree, id } = await worst({ sparse: false });
    await save('worst:1', at('saved.tar'));
    const docker = (...args: string[]): string => run('docker', '-H', dockerd.host, ...args);
    docker('load', '-i', at('saved.tar'));
    assert.equal(docker('image', 'inspect', '-f', '{{.Id}}', 'worst:1').trim(), id);
    docker('save', '-o', at('docker.tar'), 'worst:1');
    docker('rmi', 'worst:1');
    assert.equal(await again(at('docker.tar'), tree), id);
    const storage = ['--root', at('containers'), '--runroot', at('run'), '--storage-driver', 'vfs'];
    const buildah = (...args: string[]): string => run('buildah', ...storage, ...args).trim();
    buildah('pull', `docker-archive:${at('saved.tar')}`);
    buildah('push', 'worst:1', `oci-archive:${at('buildah.tar')}:worst:1`);
    await again(at('buildah.tar'), tree);
  });
});
