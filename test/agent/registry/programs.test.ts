import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { LayerEntry } from '../../../src/protocol/layers.ts';
import { type Dockerd, startDockerd } from '../../support/dockerd.ts';
import { type RunningRegistry, startRegistry } from '../../support/registry.ts';
import { dockerArchive, streamOf, treeOf } from '../store/rig.ts';
import { asUmoci, makeWorstCase, packed } from '../store/worst-case.ts';
import { RegistryRig, type Side, signal } from './rig.ts';

const programs = ['docker-registry', 'skopeo', 'umoci', 'buildah', 'dockerd', 'docker', 'zstd', 'setcap'];

/** What one program sends to a registry, another one gets from there, with everything that a file can have. */
describe('registry: images of other programs', function () {
  const rig = RegistryRig.for(this, programs);
  this.timeout(300_000);
  let registry: RunningRegistry;
  let dockerd: Dockerd;
  let directory = '';

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'porthole-programs-'));
    registry = await startRegistry();
    dockerd = await startDockerd();
  });
  after(async () => {
    await dockerd?.stop();
    await registry?.stop();
    if (directory !== '') await rm(directory, { recursive: true, force: true });
  });

  const at = (name: string): string => join(directory, name);
  const nameOf = (repository: string): string => `${registry.host}/${repository}:1`;
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 }).trim();
  const docker = (...args: string[]): string => run('docker', '-H', dockerd.host, ...args);
  const buildah = (...args: string[]): string =>
    run('buildah', '--root', at('containers'), '--runroot', at('run'), '--storage-driver', 'vfs', ...args);

  /** An image that nobody has seen before: skopeo remembers what lies where, and in which form. */
  async function fresh(): Promise<{
    readonly side: Side;
    readonly id: string;
    readonly tree: Map<string, LayerEntry>;
  }> {
    const source = await mkdtemp(join(directory, 'source-'));
    makeWorstCase(source);
    const archive = await dockerArchive([{ layers: [packed(source, { sparse: false })], tags: [nameOf('ours')] }]);
    const side = await rig.side();
    const [image] = await side.images.load(streamOf(archive), { signal });
    await pipeline((await side.images.save([nameOf('ours')])).stream, createWriteStream(at('saved.tar')));
    return { side, id: image?.id ?? '', tree: await treeOf(source) };
  }

  /** Into a store that has nothing yet. */
  async function pulled(repository: string, tree: ReadonlyMap<string, LayerEntry>): Promise<Side & { id: string }> {
    const side = await rig.side();
    const { id } = await side.registry.pull(nameOf(repository), { signal });
    const { base, lowers } = side.images.rootfs(id);
    assert.deepEqual(await treeOf(join(base, lowers[0] ?? '')), tree);
    return { ...side, id };
  }

  it('what we push is inspected, copied, unpacked and taken by skopeo, umoci, buildah and dockerd', async () => {
    const { side, id, tree } = await fresh();
    await side.registry.push(nameOf('ours'), { signal });
    assert.equal((await pulled('ours', tree)).id, id);
    const remote = `docker://${nameOf('ours')}`;
    assert.equal(JSON.parse(run('skopeo', 'inspect', '--tls-verify=false', remote)).Layers.length, 1);
    run('skopeo', 'copy', '--src-tls-verify=false', remote, `oci:${at('layout')}:ours`);
    run('umoci', 'unpack', '--image', `${at('layout')}:ours`, at('bundle'));
    assert.deepEqual(asUmoci(await treeOf(at('bundle/rootfs'))), asUmoci(tree));
    docker('pull', '-q', nameOf('ours'));
    assert.equal(docker('image', 'inspect', '-f', '{{.Id}}', nameOf('ours')), id);
    docker('rmi', nameOf('ours'));
    const container = buildah('from', '--tls-verify=false', remote);
    try {
      const shown = await treeOf(buildah('mount', container));
      assert.deepEqual(asBuildah(shown), asBuildah(tree));
      buildah('umount', container);
    } finally {
      buildah('rm', container);
    }
  });

  for (const [format, options] of [
    ['gzip', []],
    ['zstd', ['--format', 'oci', '--dest-compress-format', 'zstd']],
  ] as const) {
    it(`what skopeo pushes with ${format} we pull, send on and save`, async () => {
      const { tree } = await fresh();
      const target = `docker://${nameOf(format)}`;
      run('skopeo', 'copy', '--dest-tls-verify=false', ...options, `docker-archive:${at('saved.tar')}`, target);
      const manifest = JSON.parse(run('skopeo', 'inspect', '--raw', '--tls-verify=false', target));
      assert.match(manifest.layers[0].mediaType, new RegExp(`[.+]${format}$`));
      const { images, registry: client, id } = await pulled(format, tree);
      assert.equal(id, manifest.config.digest);
      await images.tag(id, nameOf(`${format}-again`));
      await client.push(nameOf(`${format}-again`), { signal });
      assert.equal((await pulled(`${format}-again`, tree)).id, id);
      // An archive for docker load holds plain layers, whatever the registry had.
      await pipeline((await images.save([nameOf(format)])).stream, createWriteStream(at('again.tar')));
      docker('load', '-q', '-i', at('again.tar'));
      assert.equal(docker('image', 'inspect', '-f', '{{.Id}}', nameOf(format)), id);
      docker('rmi', nameOf(format));
    });
  }

  it('what buildah and dockerd push we pull', async () => {
    const { id, tree } = await fresh();
    buildah('pull', '-q', `docker-archive:${at('saved.tar')}`);
    buildah('push', '-q', '--tls-verify=false', nameOf('ours'), `docker://${nameOf('buildah')}`);
    await pulled('buildah', tree);
    docker('load', '-q', '-i', at('saved.tar'));
    docker('tag', id, nameOf('dockerd'));
    docker('push', '-q', nameOf('dockerd'));
    assert.equal((await pulled('dockerd', tree)).id, id);
    docker('rmi', '-f', id);
  });
});

/** The root is the container's own, and buildah's storage has no time before 1970. */
function asBuildah(tree: ReadonlyMap<string, LayerEntry>): Map<string, LayerEntry> {
  const entries = [...asUmoci(tree)].filter(([path]) => path !== '');
  return new Map(entries.map(([path, entry]) => [path, { ...entry, mtime: Math.max(0, entry.mtime) }]));
}
