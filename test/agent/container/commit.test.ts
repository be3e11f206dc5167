import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { CommitRequest } from '../../../src/agent/container/contract.ts';
import { indexAt } from '../layers/questions.ts';
import { file, tarOf } from '../store/rig.ts';
import { never, openRig, type Rig } from './rig.ts';

describe('containers: commit', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  const commit = (id: string, more: Partial<CommitRequest> = {}): Promise<string> =>
    rig.containers.commit(id, { author: '', comment: '', changes: [], pause: true, signal: never, ...more });
  async function finished(script: string): Promise<string> {
    const { id, exitCode, stderr } = await rig.output(['sh', '-c', script]);
    assert.equal(exitCode, 0, stderr);
    return id;
  }
  /** What a container of an image says. */
  const said = async (image: string, script: string): Promise<string> =>
    (await rig.output(['sh', '-c', script], { config: { Image: image } })).stdout;

  it('added, changed and deleted files, links, devices, owners and modes are in the new layer, and nothing else', async () => {
    const id = await finished(
      'echo new >> /etc/passwd; rm /data/a; rm -r /data/sub; mkdir /data/sub; echo z > /data/sub/z; mkdir -p /n/m; echo o > /n/m/o; ln /n/m/o /n/h; ln -s o /n/m/l; chmod 4711 /n/m/o; mkfifo /n/p; chmod 1777 /n/m; rm /bin/yes',
    );
    const image = await commit(id);
    const top = rig.images.layers(image).length - 1;
    assert.equal(top, 1);
    const { entries, whiteouts } = await indexAt(rig.images.layered(image), top);
    assert.deepEqual(
      entries.map(({ path, type, mode, opaque, hardlink }) =>
        [path, type, mode.toString(8), ...(opaque ? ['opaque'] : []), ...(hardlink ? [`= ${hardlink}`] : [])].join(' '),
      ),
      [
        ' directory 755',
        'bin directory 755',
        'data directory 755',
        'data/sub directory 755 opaque',
        'data/sub/z file 644',
        'etc directory 755',
        'etc/passwd file 644',
        'n directory 755',
        'n/h file 4711',
        'n/m directory 1777',
        'n/m/l symlink 777',
        'n/m/o file 4711 = n/h',
        'n/p fifo 644',
      ],
    );
    assert.deepEqual([...whiteouts].sort(), ['bin/yes', 'data/a']);
    assert.equal(
      await said(
        image,
        'tail -n1 /etc/passwd; ls /data /data/sub; cat /n/m/l; stat -c "%a %h" /n/h; ls /bin/yes 2>/dev/null',
      ),
      'new\n/data:\nsub\n\n/data/sub:\nz\no\n4711 2\n',
    );
    assert.deepEqual(await rig.containers.changes(await rig.create(['true'], { config: { Image: image } })), []);
  });

  it('attributes of files come along, capabilities and those of users', async () => {
    const id = await rig.create(['true']);
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
    const pax = { 'SCHILY.xattr.user.kept': 'value' };
    const archive = await tarOf([file('capable', 'x', { pax: { ...pax } })]);
    await rig.containers.writeArchive(id, {
      path: '/',
      archive: Readable.from([archive]),
      keepKinds: false,
      ownUser: false,
      signal: never,
    });
    // tar-stream cannot hold binary attributes: set where the layer is.
    const upper = join(rig.containers.upper(id), 'capable');
    const executor = rig.shims.execute();
    await executor.run({
      operations: [{ op: 'setxattr', path: upper, name: 'security.capability', value: capability, why: 'test' }],
    });
    await executor.close();
    const entry = await rig.images.lookup(await commit(id), 'capable');
    assert.deepEqual(entry?.xattrs, {
      'security.capability': capability.toString('base64'),
      'user.kept': Buffer.from('value').toString('base64'),
    });
  });

  it('of a container that changed nothing there is no layer', async () => {
    const id = await finished('true');
    const image = rig.images.get(await commit(id, { comment: 'nothing' }));
    assert.equal(rig.images.layers(image.id).length, 1);
    const { history = [], rootfs } = image.config;
    assert.equal(rootfs.diff_ids.length, 1);
    assert.deepEqual([history.at(-1)?.empty_layer, history.at(-1)?.comment], [true, 'nothing']);
  });

  it('config, history, author and name; the image knows what it was made of', async () => {
    const id = await rig.create(['sh', '-c', 'true'], {
      config: { Env: ['A=1', 'B=2'], Labels: { kept: 'yes' }, WorkingDir: '/data', User: 'fred' },
    });
    const changes = [
      'ENV A=9 C=3',
      'LABEL more=too',
      'WORKDIR sub',
      'ENTRYPOINT ["/bin/e"]',
      'EXPOSE 80/udp',
      'VOLUME /v',
    ];
    const image = rig.images.get(
      await commit(id, { author: 'An Author', comment: 'words', changes, reference: 'made:1' }),
    );
    assert.deepEqual(image.tags, ['made:1']);
    assert.equal(image.parent, rig.containers.get(id).imageId);
    assert.deepEqual(image.config.config, {
      Env: ['A=9', 'B=2', 'C=3'],
      // Another entrypoint takes the command of before away.
      Entrypoint: ['/bin/e'],
      ExposedPorts: { '80/udp': {} },
      Volumes: { '/v': {} },
      Labels: { kept: 'yes', more: 'too' },
      WorkingDir: '/data/sub',
      User: 'fred',
    });
    const last = image.config.history?.at(-1);
    assert.deepEqual(
      [image.config.author, last?.author, last?.comment, last?.created_by, image.config.history?.length],
      ['An Author', 'An Author', 'words', 'sh -c true', 2],
    );
    await assert.rejects(commit(id, { changes: ['RUN x'] }), {
      kind: 'invalid',
      message: 'run is not a valid change command',
    });
    await assert.rejects(commit(id, { reference: 'Bad' }), { kind: 'invalid' });
  });

  it('a container that runs is paused meanwhile, unless told not to', async () => {
    const id = await rig.run(['sh', '-c', 'while :; do echo x >> /log; done']);
    await commit(id);
    assert.deepEqual(rig.eventsOf(id).slice(-3), ['pause', 'commit', 'unpause']);
    assert.equal(rig.containers.get(id).state.status, 'running');
    await commit(id, { pause: false });
    assert.equal(rig.eventsOf(id).at(-1), 'commit');
    await rig.containers.pause(id);
    await commit(id);
    assert.equal(rig.containers.get(id).state.status, 'paused');
  });

  it('what is saved is loaded by skopeo, and by ourselves with the same id', async () => {
    const directory = mkdtempSync('/tmp/porthole-save-');
    try {
      const id = await commit(await finished('echo saved > /saved'), { reference: 'saved:1' });
      await rig.images.tag(id, 'saved:2');
      const archive = join(directory, 'archive.tar');
      const { ids, stream } = await rig.images.save(['saved']);
      assert.deepEqual(ids, [id]);
      const { createWriteStream } = await import('node:fs');
      const { pipeline } = await import('node:stream/promises');
      await pipeline(stream, createWriteStream(archive));
      const { createReadStream } = await import('node:fs');
      for (const name of ['saved:1', 'saved:2']) await rig.images.remove(name, { force: true, usedBy: () => [] });
      assert.throws(() => rig.images.get('saved:1'), { kind: 'not-found' });
      assert.deepEqual(await rig.images.load(createReadStream(archive), { signal: never }), [
        { id, tags: ['saved:1', 'saved:2'], moved: [] },
      ]);
      assert.equal(await said('saved:2', 'cat /saved'), 'saved\n');
      for (const source of [`docker-archive:${archive}:saved:2`, `oci-archive:${archive}:1`]) {
        const inspected = execFileSync('skopeo', ['inspect', '--config', source]).toString();
        assert.equal(JSON.parse(inspected).rootfs.diff_ids.length, 2, source);
        execFileSync('skopeo', ['copy', source, `dir:${join(directory, 'copy')}`]);
        rmSync(join(directory, 'copy'), { recursive: true });
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('an image goes only after those that were made from it; what nobody names and uses is pruned', async () => {
    const id = await finished('echo one > /one');
    const parent = await commit(id, { reference: 'parent:1' });
    const child = await commit(await rig.create(['true'], { config: { Image: 'parent:1' } }), { reference: 'child:1' });
    const usedBy = (imageId: string) =>
      rig.containers
        .list()
        .filter((record) => record.imageId === imageId)
        .map((record) => ({ id: record.id, running: false }));
    await assert.rejects(rig.images.remove(parent, { force: true, usedBy }), {
      kind: 'conflict',
      message: /\(cannot be forced\) - image has dependent child images$/,
    });
    for (const record of rig.containers.list()) await rig.containers.remove(record.id, { force: true, volumes: true });
    assert.deepEqual(await rig.images.remove('parent:1', { force: false, usedBy }), [{ Untagged: 'parent:1' }]);
    const removed = await rig.images.remove('child:1', { force: false, usedBy });
    // With its last child an image that has no name goes, too.
    assert.deepEqual(removed.map((one) => ('Deleted' in one ? one.Deleted : one.Untagged)).slice(0, 3), [
      'child:1',
      child,
      parent,
    ]);
    const dangling = await commit(await finished('echo two > /two'));
    const kept = await commit(await finished('echo three > /three'), { changes: ['LABEL keep=me'] });
    for (const record of rig.containers.list()) await rig.containers.remove(record.id, { force: true, volumes: true });
    const chosen = (image: { config: { config?: { Labels?: unknown } } }): boolean => !image.config.config?.Labels;
    const pruned = await rig.images.prune({ all: false, usedBy, chosen });
    assert.equal(
      pruned.removed.some((one) => 'Deleted' in one && one.Deleted === dangling),
      true,
    );
    assert.equal(pruned.bytes >= 4, true);
    assert.equal(rig.images.get(kept).id, kept);
    assert.equal(
      rig.images.list().some(({ tags }) => tags.includes('bb:latest')),
      true,
    );
  });
});
