import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { makeStarterImage, starterImage } from '../../../scripts/starter-image.ts';
import { requires } from '../../support/tools.ts';
import { directory, dockerArchive, file, moment, Rig, sha256, streamOf, symlink, tarOf, treeOf } from './rig.ts';

describe('images', function () {
  const rig = Rig.forEach(this);

  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, {
      encoding: 'utf8',
      cwd: rig.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
    });

  it('a docker-archive: record, layers, history, and the same after a new start', async () => {
    const [one, two] = [await tarOf([file('a', 'aaa')]), await tarOf([file('b', 'bb'), file('.wh.a')])];
    const history = [
      { created: '2024-01-01T00:00:00Z', created_by: 'COPY a /' },
      { created_by: 'ENV X=1', empty_layer: true },
      { created_by: 'RUN rm a', comment: 'second' },
    ];
    const archive = await dockerArchive([
      { layers: [one, two], tags: ['demo:1', 'localhost:5000/demo:2'], config: { history } },
      { layers: [one], tags: null },
    ]);
    const [first, second] = await rig.load(archive);
    assert.deepEqual(first?.tags, ['demo:1', 'localhost:5000/demo:2']);
    assert.deepEqual(second?.tags, []);
    const look = () => ({
      list: rig.store.list(),
      record: rig.store.get('demo:1'),
      layers: rig.store.layers('demo:1'),
      rootfs: rig.store.rootfs(first?.id ?? ''),
    });
    const before = look();
    assert.equal(before.list.length, 2);
    assert.deepEqual(before.record.tags, ['demo:1', 'localhost:5000/demo:2']);
    assert.equal(before.record.size, 5);
    assert.equal(before.record.created, moment.toISOString());
    assert.deepEqual(before.record.config.config, { Cmd: ['sh'] });
    assert.deepEqual(
      before.layers.map(({ instruction, size, blobSize, counts, sharedBy, comment }) => ({
        instruction,
        size,
        blobSize,
        counts,
        sharedBy,
        comment,
      })),
      [
        {
          instruction: 'COPY a /',
          size: 3,
          blobSize: one.length,
          counts: { entries: 2, whiteouts: 0 },
          sharedBy: [second?.id],
          comment: undefined,
        },
        {
          instruction: 'RUN rm a',
          size: 2,
          blobSize: two.length,
          counts: { entries: 2, whiteouts: 1 },
          sharedBy: [],
          comment: 'second',
        },
      ],
    );
    await rig.reopen();
    assert.deepEqual(look(), before);
    assert.deepEqual((await rig.index('demo:1', 1)).whiteouts, ['a']);
  });

  it('finds images by name, id and prefix', async () => {
    const [loaded] = await rig.load(await dockerArchive([{ layers: [], tags: ['demo:1', 'library/other'] }]));
    const id = loaded?.id ?? '';
    const hex = id.slice('sha256:'.length);
    for (const name of [
      'demo:1',
      'docker.io/library/demo:1',
      'other',
      'other:latest',
      id,
      hex,
      hex.slice(0, 12),
      id.slice(0, 15),
    ]) {
      assert.equal(rig.store.get(name).id, id, name);
    }
    assert.throws(() => rig.store.get('demo'), { kind: 'not-found', message: 'No such image: demo:latest' });
    assert.throws(() => rig.store.get('a/b:c'), { kind: 'not-found', message: 'No such image: a/b:c' });
    const absent = `sha256:${'0'.repeat(64)}`;
    assert.throws(() => rig.store.get(absent), { kind: 'not-found', message: `No such image: ${absent}` });
    assert.throws(() => rig.store.get('Demo'), { kind: 'invalid' });
    assert.throws(() => rig.store.get(''), { kind: 'invalid', message: 'invalid reference format' });
  });

  it('a prefix of two ids is ambiguous', async () => {
    for (let count = 0; count < 20; count++)
      await rig.load(await dockerArchive([{ layers: [], config: { author: `${count}` } }]));
    const firsts = rig.store.list().map(({ id }) => id.charAt('sha256:'.length));
    const twice = firsts.find((digit, position) => firsts.indexOf(digit) !== position) ?? '';
    assert.throws(() => rig.store.get(twice), { kind: 'invalid', message: `ambiguous image id prefix: ${twice}` });
  });

  it('a tag moves to the image that gets it last', async () => {
    const [a] = await rig.load(await dockerArchive([{ layers: [], tags: ['demo'], config: { author: 'a' } }]));
    const [b] = await rig.load(await dockerArchive([{ layers: [], tags: ['demo'], config: { author: 'b' } }]));
    assert.equal(rig.store.get('demo').id, b?.id);
    assert.deepEqual(rig.store.get(a?.id ?? '').tags, []);
    await rig.store.tag(a?.id ?? '', 'demo');
    await rig.store.tag('demo', 'registry:5000/x/y:z');
    assert.deepEqual(rig.store.get(a?.id ?? '').tags, ['demo:latest', 'registry:5000/x/y:z']);
    await assert.rejects(rig.store.tag('nothing', 'x'), { kind: 'not-found' });
    await assert.rejects(rig.store.tag('demo', 'X'), { kind: 'invalid' });
    await assert.rejects(rig.store.tag('demo', `x@sha256:${'a'.repeat(64)}`), {
      message: 'refusing to create a tag with a digest reference',
    });
  });

  it('gzip inside and outside, entries in any order, linked layers, what Docker ignores', async () => {
    const layer = await tarOf([file('a', 'content')]);
    const config = JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`, `sha256:${sha256(layer)}`] },
    });
    const manifest = JSON.stringify([
      { Config: 'c.json', RepoTags: ['linked:1'], Layers: ['one/layer.tar', 'two/layer.tar'] },
    ]);
    const archive = await tarOf([
      file('manifest.json', manifest),
      directory('two'),
      symlink('two/layer.tar', '../one/layer.tar'),
      file('repositories', 'not even JSON'),
      file('one/VERSION', '1.0'),
      directory('one'),
      file('one/layer.tar', gzipSync(layer)),
      file('c.json', config),
    ]);
    const [loaded] = await rig.load(gzipSync(archive));
    assert.deepEqual(
      rig.store.layers('linked:1').map(({ diffId, blobSize }) => [diffId, blobSize]),
      Array(2).fill([`sha256:${sha256(layer)}`, gzipSync(layer).length]),
    );
    assert.equal(rig.store.get('linked:1').created, '0001-01-01T00:00:00Z', 'as dockerd, which was not told');
    assert.equal(loaded?.id, `sha256:${sha256(config)}`);
  });

  it('skopeo and umoci open the store, and see the same tree', async function () {
    requires(this, { programs: ['skopeo', 'umoci'] });
    await rig.load(
      await dockerArchive([
        {
          layers: [
            await tarOf([
              directory('d', { mode: 0o700 }),
              file('d/a', 'a', { uid: 3 }),
              file('gone', 'g'),
              symlink('s', 'd/a'),
            ]),
            await tarOf([file('.wh.gone'), file('d/b', 'b', { mode: 0o4755 })]),
          ],
          tags: ['demo:1', 'other/name:2'],
        },
      ]),
    );
    const layout = join(rig.root, 'image');
    const inspected: { Layers: string[] } = JSON.parse(run('skopeo', 'inspect', `oci:${layout}:demo:1`));
    assert.equal(inspected.Layers.length, 2);
    run('skopeo', 'inspect', `oci:${layout}:other/name:2`);
    run('umoci', 'unpack', '--image', `${layout}:demo:1`, 'bundle');
    const [umoci, merged] = [await treeOf(join(rig.directory, 'bundle/rootfs')), await rig.merged('demo:1')];
    // umoci gives what no layer describes, the root, the time of now.
    assert.deepEqual(
      merged.filter(({ path }) => path !== '' && path !== 'd'),
      [...umoci.values()].filter(({ path }) => path !== '' && path !== 'd'),
    );
  });

  it('what skopeo makes of an image comes back as the same image', async function () {
    requires(this, { programs: ['skopeo'] });
    await writeFile(join(rig.directory, 'starter.tar'), await makeStarterImage());
    run('skopeo', 'copy', 'docker-archive:starter.tar', 'oci-archive:oci.tar:porthole/starter:oci');
    run('skopeo', 'copy', 'docker-archive:starter.tar', 'docker-archive:again.tar:porthole/starter:again');
    const [direct] = await rig.load(join(rig.directory, 'starter.tar'));
    const [oci] = await rig.load(join(rig.directory, 'oci.tar'));
    await rig.load(join(rig.directory, 'again.tar'));
    assert.deepEqual(oci?.tags, ['porthole/starter:oci']);
    const [first, second] = [rig.store.layers(direct?.id ?? ''), rig.store.layers(oci?.id ?? '')];
    assert.deepEqual(
      first.map(({ chainId }) => chainId),
      second.map(({ chainId }) => chainId),
    );
    const other = new Rig();
    try {
      await other.open();
      // Alone, from the compressed layers of the OCI archive.
      await other.load(join(rig.directory, 'oci.tar'));
      assert.deepEqual(await other.merged('porthole/starter:oci'), await rig.merged(starterImage));
      run('skopeo', 'inspect', `oci:${join(other.root, 'image')}:porthole/starter:oci`);
    } finally {
      await other.close();
    }
  });

  it('an OCI archive with images for several machines: ours is taken, attestations are not', async () => {
    const archive = await ociArchive([
      { platform: { os: 'linux', architecture: 'arm64' }, author: 'arm' },
      { platform: { os: 'linux', architecture: 'amd64' }, author: 'amd' },
      { platform: { os: 'unknown', architecture: 'unknown' }, author: 'attestation' },
    ]);
    const loaded = await rig.load(archive);
    assert.deepEqual(
      loaded.map(({ tags }) => tags),
      [['multi:1']],
    );
    assert.equal(rig.store.get('multi:1').config.author, 'amd');
  });

  it('an OCI archive for other machines only says so', async () => {
    const archive = await ociArchive([{ platform: { os: 'linux', architecture: 's390x' }, author: 'z' }]);
    await assert.rejects(rig.load(archive), {
      kind: 'unsupported',
      message: 'unsupported archive: it has no image for linux/amd64',
    });
  });

  it('import: one layer, with the instructions of --change', async () => {
    const record = await rig.store.importTar(streamOf(gzipSync(await tarOf([file('bin/sh', '#!')]))), {
      reference: 'mine',
      message: 'by hand',
      changes: [
        'CMD ["/bin/sh", "-l"]',
        'ENV A=1 B="two words"',
        'env C rest of it',
        'EXPOSE 80 53/udp',
        'LABEL x=y',
        'USER 1:2',
        'VOLUME /data',
        'WORKDIR /a',
        'WORKDIR b',
        'ENTRYPOINT run me',
      ],
      platform: { os: 'linux', architecture: 'arm64' },
      signal: new AbortController().signal,
    });
    assert.deepEqual(record.tags, ['mine:latest']);
    assert.deepEqual(record.config.config, {
      Cmd: ['/bin/sh', '-l'],
      Env: ['A=1', 'B=two words', 'C=rest of it'],
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      Labels: { x: 'y' },
      User: '1:2',
      Volumes: { '/data': {} },
      WorkingDir: '/a/b',
      Entrypoint: ['/bin/sh', '-c', 'run me'],
    });
    assert.equal(record.config.architecture, 'arm64');
    assert.equal(record.config.history?.[0]?.comment, 'by hand');
    const [layer] = rig.store.layers('mine');
    assert.equal(layer?.size, 2);
    await rig.reopen();
    assert.deepEqual(rig.store.get('mine'), record);
  });

  it('import refuses what is no archive, no name and no instruction, and leaves nothing', async () => {
    const signal = new AbortController().signal;
    const files = await rig.files();
    const tar = await tarOf([file('a', 'x'.repeat(1_000))]);
    await assert.rejects(rig.store.importTar(streamOf(Buffer.alloc(0)), { signal }), {
      kind: 'invalid',
      message: 'invalid archive: it is empty',
    });
    await assert.rejects(rig.store.importTar(streamOf(Buffer.from('hello '.repeat(200))), { signal }), {
      kind: 'invalid',
    });
    await assert.rejects(rig.store.importTar(streamOf(tar.subarray(0, 700)), { signal, reference: 'x' }), {
      kind: 'invalid',
    });
    await assert.rejects(rig.store.importTar(streamOf(tar), { signal, reference: 'X' }), { kind: 'invalid' });
    await assert.rejects(rig.store.importTar(streamOf(tar), { signal, changes: ['RUN ls'] }), {
      kind: 'invalid',
      message: 'run is not a valid change command',
    });
    assert.deepEqual(await rig.files(), files);
  });

  it('the starter image is the same every time and has something to show', async () => {
    const archive = await makeStarterImage();
    assert.ok(archive.equals(await makeStarterImage()));
    await rig.load(archive);
    const kinds = (await rig.changes(starterImage, 1)).map(({ kind, path }) => `${kind} ${path}`);
    assert.deepEqual(kinds, ['deleted etc/draft.conf', 'modified etc/motd', 'added usr/share/porthole/tour.txt']);
  });

  it('an image whose layer directory somebody deleted is unpacked again from its blobs', async () => {
    const id = await rig.image([file('a', 'x')], [file('b', 'y')]);
    const before = await rig.merged(id);
    await rm(join(rig.content(id, 0), '..'), { recursive: true });
    await rig.reopen();
    assert.deepEqual(await rig.merged(id), before);
    assert.equal(await readFile(join(rig.content(id, 0), 'a'), 'utf8'), 'x');
  });

  /** An OCI archive whose index names another index, as `docker buildx` writes it. */
  async function ociArchive(
    images: { platform: { os: string; architecture: string }; author: string }[],
  ): Promise<Buffer> {
    const at = await mkdtemp(join(rig.directory, 'oci-'));
    await mkdir(join(at, 'blobs/sha256'), { recursive: true });
    const blob = async (mediaType: string, data: Buffer | string, more = {}) => {
      await writeFile(join(at, 'blobs/sha256', sha256(data)), data);
      return { mediaType, digest: `sha256:${sha256(data)}`, size: Buffer.byteLength(data), ...more };
    };
    const manifests = [];
    for (const { platform, author } of images) {
      const layer = await tarOf([file('author', author)]);
      const config = await blob(
        'application/vnd.oci.image.config.v1+json',
        JSON.stringify({ ...platform, author, rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] } }),
      );
      const layers = [await blob('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(layer))];
      const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config,
        layers,
      });
      manifests.push(await blob('application/vnd.oci.image.manifest.v1+json', manifest, { platform }));
    }
    const inner = await blob(
      'application/vnd.oci.image.index.v1+json',
      JSON.stringify({ schemaVersion: 2, manifests }),
      {
        annotations: {
          'io.containerd.image.name': 'docker.io/library/multi:1',
          'org.opencontainers.image.ref.name': '1',
        },
      },
    );
    await writeFile(join(at, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [inner] }));
    await writeFile(join(at, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    return execFileSync('tar', ['-C', at, '-cf', '-', '.']);
  }
});
