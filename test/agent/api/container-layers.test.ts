import assert from 'node:assert/strict';
import type {
  ChangeDirectory,
  LayerChange,
  LayerEntry,
  LayerView,
  PathVersion,
  WasteReport,
} from '../../../src/protocol/layers.ts';
import { busyboxTar, docker as command } from '../../conformance/engine.ts';
import { type RunningAgent, startAgent } from '../../support/agent.ts';
import { answerOf, asked } from '../../support/asked.ts';
import { requires } from '../../support/tools.ts';

const dockerfile = `FROM bb
RUN mkdir -p /d/sub /gone /emptied/below && echo stays > /d/stays && echo six666 > /d/content && echo mode > /d/mode \\
 && echo owner > /d/owner && echo f > /gone/f && echo g > /emptied/below/g && ln -s /d /link && echo old > /socket \\
 && echo linked > /d/one && ln /d/one /d/two && echo same > /d/same \\
 && touch -h -d @1700000000 /d/* /link /socket
`;

/** Everything that can happen to a path. The name with an emoji sorts otherwise by its bytes than by its characters. */
const script = `
echo added > /d/added; echo SIX666 > /d/content; chmod 600 /d/mode; chown 12:34 /d/owner; touch -d @1700000001 /d/same
rm -r /gone; rm -r /emptied; mkdir -p /emptied/now; echo h > /emptied/now/h
rm /link; ln -s /d/sub /link; rm /d/stays; mkdir /d/stays; echo in > /d/stays/in
rm /socket; mkfifo /d/fifo; ln /d/added /d/linked
echo more >> /d/two; dd if=/dev/zero of=/d/sparse bs=1 count=1 seek=1048575 2>/dev/null
echo e > "/d/$(printf '\\360\\237\\220\\213')"; echo p > "/d/$(printf '\\357\\274\\241')"; echo b > "/d/$(printf 'x\\377')"
touch /tmp/ready; exec sleep 1000`;

/** A container's changes against its image, and the container as one more layer of it. */
describe('api: layers of a container', function () {
  this.timeout(240_000);
  let agent: RunningAgent;
  const docker = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await command({ name: 'porthole', host: `unix://${agent.socket}` }, args, {
      ...(args.includes('-') && { input: args[0] === 'build' ? dockerfile : await busyboxTar() }),
      timeoutMs: 200_000,
    });
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  before(async function () {
    requires(this, { root: true, programs: ['docker', 'busybox'] });
    agent = await startAgent();
    await docker('import', '-', 'bb:latest');
    await docker('build', '-t', 'base', '-');
    await docker('run', '-d', '--name', 'all', '--network', 'none', 'base', 'sh', '-c', script);
    // What the script does last says that it did everything before.
    await docker('exec', 'all', 'sh', '-c', 'until [ -e /tmp/ready ]; do sleep 0.1; done; rm /tmp/ready');
  });
  after(() => agent?.stop());

  const ask = <T>(path: string): Promise<T> => asked<T>(agent.socket, path);
  const layersOf = (what: string) => ask<LayerView[]>(`/${what}/layers`);
  const topOf = async (what: string): Promise<number> => (await layersOf(what)).length - 1;
  const changesOf = async (what: string): Promise<LayerChange[]> => ask(`/${what}/layers/${await topOf(what)}/changes`);

  /** An archive has whole seconds, and an index that was made while unpacking has digests. */
  const plain = ({ mtimeNs: _, digest: __, ...entry }: LayerEntry): LayerEntry => entry;
  const comparable = ({ before: was, after: is, ...change }: LayerChange) => ({
    ...change,
    ...(was && { before: plain(was) }),
    ...(is && { after: plain(is) }),
  });

  it('tells what an image committed from it tells about its last layer', async () => {
    await docker('commit', 'all', 'committed');
    const own = await changesOf('containers/all');
    const committed = await changesOf('images/committed');
    const holes = (change: LayerChange) => change.path !== 'd/sparse';
    assert.deepEqual(own.filter(holes).map(comparable), committed.filter(holes).map(comparable));
    const differs = new Map(own.map((change) => [change.path, change.differs ?? change.kind]));
    for (const [path, expected] of [
      ['d/added', 'added'],
      ['d/mode', ['mode']],
      ['d/owner', ['owner']],
      ['d/same', ['time']],
      ['gone/f', 'deleted'],
      ['emptied/below/g', 'deleted'],
      ['emptied/now/h', 'added'],
      ['link', ['link', 'time']],
      ['d/stays/in', 'added'],
    ] as const) {
      assert.deepEqual(differs.get(path), expected, path);
    }
    const sparse = own.find(({ path }) => path === 'd/sparse')?.after;
    assert.ok(sparse?.size === 1048576 && (sparse.holes ?? 0) > 0, JSON.stringify(sparse));
    const names = own.map(({ path }) => path);
    assert.ok(names.indexOf('d/\uFF21') < names.indexOf('d/\u{1F40B}') && names.includes('d/x\uDCFF'), names.join());
  });

  it('has the paths of docker diff', async () => {
    const diff = (await docker('diff', 'all')).split('\n').map((line) => line.slice(2));
    const changes = await changesOf('containers/all');
    const isThere = new Set(diff);
    // docker diff names a deleted directory only, and a directory for what changed in it.
    const beyond = changes.filter(({ kind, path }) => kind !== 'deleted' && !isThere.has(`/${path}`));
    assert.deepEqual(
      beyond.map(({ path }) => path).filter((path) => !/[^ -~]/.test(path)),
      [],
    );
  });

  it('is one more layer: directories with totals, the merged tree, versions, waste, files', async () => {
    const layers = await layersOf('containers/all');
    const image = await layersOf('images/base');
    assert.deepEqual(layers.slice(0, image.length), image);
    const own = layers.at(-1);
    assert.ok(own?.container && own.container.from <= own.container.to, JSON.stringify(own));
    assert.equal(own.container.id, await docker('inspect', '-f', '{{.Id}}', 'all'));
    const top = layers.length - 1;
    const rows = await ask<ChangeDirectory>(`/containers/all/layers/${top}/changes/directory?path=d`);
    const inside = (await changesOf('containers/all')).filter(({ path }) => path.startsWith('d/'));
    assert.equal(rows.totals.added + rows.totals.modified + rows.totals.deleted, inside.length);
    const tree = await ask<LayerEntry[]>('/containers/all/merged?path=emptied');
    assert.deepEqual(
      tree.map(({ path }) => path),
      ['emptied/now'],
    );
    const versions = await ask<PathVersion[]>('/containers/all/versions?path=d/content');
    assert.deepEqual(
      versions.map(({ position, kind, differs }) => ({ position, kind, differs })),
      [
        { position: 1, kind: 'added', differs: undefined },
        { position: top, kind: 'modified', differs: ['content', 'time'] },
      ],
    );
    const waste = await ask<WasteReport>('/containers/all/waste');
    assert.equal(waste.stored, waste.visible + waste.wasted);
    const hidden = waste.pairs.filter(({ hiddenBy }) => hiddenBy === top);
    assert.deepEqual(
      new Set(hidden.map(({ reason }) => reason)),
      new Set(['content', 'metadata', 'deleted', 'opaque', 'type']),
    );
    const file = await answerOf(agent.socket, '/containers/all/merged/file?path=d/content');
    assert.equal(file.body.toString(), 'SIX666\n');
    const [from, to] = String(file.headers['porthole-read']).split('/');
    assert.ok(from && to && Date.parse(from) <= Date.parse(to), String(file.headers['porthole-read']));
    const before = await answerOf(agent.socket, '/containers/all/layers/1/file?path=d/content', { Range: 'bytes=1-3' });
    assert.equal(before.body.toString(), 'ix6');
    const part = await answerOf(agent.socket, `/containers/all/layers/${top}/file?path=d/sparse`, {
      Range: 'bytes=1048574-',
    });
    assert.deepEqual([...part.body], [0, 0]);
  });

  it('is compared with images and with other containers', async () => {
    await docker('run', '-d', '--name', 'other', '--network', 'none', 'base', 'sleep', '1000');
    const own = (await changesOf('containers/all')).map(comparable);
    const against = (await ask<LayerChange[]>('/compare?leftContainer=other&rightContainer=all')).map(comparable);
    assert.deepEqual(against, own);
    const committed = await ask<LayerChange[]>('/compare?left=committed&rightContainer=all&path=d');
    const notOnlyTimes = committed.filter(({ differs }) => differs?.join() !== 'time');
    assert.deepEqual(notOnlyTimes, []);
    for (const [query, words] of [
      ['left=base', 'the parameter right is missing: it names an image, or rightContainer a container'],
      ['left=base&leftContainer=all&right=base', 'left and leftContainer exclude each other'],
    ]) {
      const { status, body } = await answerOf(agent.socket, `/compare?${query}`);
      assert.deepEqual([status, JSON.parse(body.toString())], [400, { message: words }]);
    }
    assert.equal((await answerOf(agent.socket, '/compare?left=base&rightContainer=none')).status, 404);
  });

  it('answers while the container changes its files all the time, and the same once it is stopped', async () => {
    const busy =
      'mkdir /b; while :; do for i in 1 2 3 4 5; do echo $i > /b/$i; mkdir -p /b/d$i/e; mv /b/$i /b/d$i/e/f; rm -r /b/d$i; done; done';
    await docker('run', '-d', '--name', 'busy', '--network', 'none', 'base', 'sh', '-c', busy);
    for (let round = 0; round < 20; round++) {
      const changes = await changesOf('containers/busy');
      assert.deepEqual(
        changes.filter(({ path }) => !/^b(\/|$)/.test(path)),
        [],
      );
      await ask('/containers/busy/waste');
    }
    await docker('kill', 'busy');
    assert.deepEqual(await changesOf('containers/busy'), await changesOf('containers/busy'));
    await docker('rm', 'busy');
    assert.equal((await answerOf(agent.socket, '/containers/busy/layers')).status, 404);
  });
});
