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

/** Whatever a tree of files can have, made by the shell: no code of ours decides what it is. */
const worstCase = `
  mkdir -p a/b/c empty/inner sticky 'with space' plain/deep
  echo one > a/one; ln a/one a/b/c/hard; ln a/one zero; ln -s ../one a/b/relative; ln -s /etc/passwd absolute; ln -s nowhere dangling
  ln -s "$(printf 'x%.0s' $(seq 300))/target" long-link
  echo s > suid; chown 12:34 suid; chmod 6755 suid; chmod 1777 sticky; chmod 0 empty/inner; chmod 2750 a/b; chown 5:6 a/b
  mknod null c 1 3; mknod loop b 7 0; mknod big c 300 70000; mkfifo pipe; chown 3:4 pipe
  echo ids > ids; chown 3000000:4000000000 ids; chown -h 3000000:7 dangling
  mkdir unicode; touch 'unicode/é' 'unicode/日本' 'unicode/😀' "$(printf 'unicode/new\\nline')" 'unicode/back\\slash' 'unicode/ leading'
  touch 'unicode/.whole' 'unicode/..double'
  name=$(printf 'n%.0s' $(seq 255)); touch "$name"
  ( for i in $(seq 15); do mkdir "$name"d 2>/dev/null || :; d=$(printf 'd%.0s' $(seq 250)); mkdir "$d"; cd "$d"; done; echo deep > file )
  cp a/one capable; setcap cap_net_raw,cap_net_admin+ep capable; cp a/one attributed; mkdir attributed-dir
  truncate -s 3M hole; printf x | dd of=hole bs=1 seek=2000000 conv=notrunc status=none
  touch -h -d '1969-12-31 12:00:00 UTC' dangling; touch -d '1901-01-01 00:00:00 UTC' a/one; touch -d '2150-01-01 00:00:00 UTC' ids
  touch -d '2001-02-03 04:05:06.123456789' suid; touch -d @99 empty/inner empty sticky; touch -d @5 a .
`;

/** An attribute of every kind, binary values too. */
const attributes = `
import os
os.setxattr('attributed', 'user.plain', b'text')
os.setxattr('attributed', 'user.binary', bytes(range(256)))
os.setxattr('attributed', 'trusted.secret', b'\\x00=\\n')
os.setxattr('attributed-dir', 'user.on-a-directory', b'')
os.utime('attributed', ns=(10**18 + 5, 10**18 + 5))
os.utime('attributed-dir', (7, 7))
`;

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
    execFileSync('bash', ['-ec', worstCase], { cwd: source });
    execFileSync('python3', ['-c', attributes], { cwd: source });
    execFileSync('touch', ['-d', '@5', source]);
    const tar = execFileSync(
      'tar',
      [...(sparse ? ['-S'] : []), '--format=posix', '--xattrs', '--xattrs-include=*', '-C', source, '-cf', '-', '.'],
      { maxBuffer: 1 << 28 },
    );
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

/** umoci leaves attributes of the name trusted.* to the kernel, and one that is empty is none to a reader in Go. */
function asUmoci(tree: ReadonlyMap<string, LayerEntry>): Map<string, LayerEntry> {
  return new Map(
    [...tree].map(([path, { xattrs = {}, ...entry }]) => {
      const kept = Object.entries(xattrs).filter(([name, value]) => !name.startsWith('trusted.') && value !== '');
      return [path, kept.length > 0 ? { ...entry, xattrs: Object.fromEntries(kept) } : entry];
    }),
  );
}
