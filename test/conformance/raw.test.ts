import assert from 'node:assert/strict';
import { startAgent } from '../support/agent.ts';
import { startDockerd } from '../support/dockerd.ts';
import { requires } from '../support/tools.ts';
import { busyboxTar, docker, type Engine, socketOf } from './engine.ts';
import { normalized } from './normalized.ts';
import { rawCases, shapes } from './raw/cases.ts';
import { get, post, type RawAnswer, type RawRequest, send } from './raw/request.ts';
import { image } from './scenario.ts';

/** The API where the `docker` command does not reach: the same requests to both engines. */
describe('the raw API, as against dockerd', function () {
  this.timeout(60_000);
  const stops: (() => Promise<unknown>)[] = [];
  let engines: readonly [ours: Engine, theirs: Engine];

  before(async function () {
    requires(this, { root: true, programs: ['docker', 'dockerd', 'busybox'] });
    const agent = await startAgent();
    stops.push(() => agent.stop());
    const dockerd = await startDockerd();
    stops.push(() => dockerd.stop());
    engines = [
      { name: 'porthole', host: `unix://${agent.socket}` },
      { name: 'dockerd', host: dockerd.host },
    ];
    const tar = await busyboxTar();
    const lines: readonly (readonly string[])[] = [
      ['run', '-d', '--name', 'box', '-m', '64m', '-v', 'data:/d', image, 'sleep', '1000'],
      ['run', '-dt', '--name', 'terminal', '--network', 'none', image, 'sleep', '1000'],
      ['create', '--name', 'made', image, 'true'],
      ['run', '--name', 'ended', image, 'echo', 'said'],
    ];
    for (const engine of engines) {
      await must(engine, ['import', '-', image], tar);
      for (const line of lines) await must(engine, line);
      await docker(engine, ['run', '--name', 'failed', '--network', 'none', image, 'nothere']);
    }
  });
  after(() => Promise.all(stops.map((stop) => stop())));

  const both = (request: RawRequest): Promise<[RawAnswer, RawAnswer]> => {
    const [ours, theirs] = engines;
    return Promise.all([send(socketOf(ours), request), send(socketOf(theirs), request)]);
  };

  for (const { name, request: given, headers = [], words, isBadRequest = false, differs } of rawCases) {
    // Where a path names no version, both are asked in the older engine's newest.
    const request = { ...given, path: /^\/v/.test(given.path) ? given.path : `/v1.41${given.path}` };
    it(name, async () => {
      const [mine, reference] = await both(request);
      const [ours, theirs] = [mine, reference].map((answer, at) => {
        const engine = engines[at === 0 ? 0 : 1];
        const body = request.method === 'HEAD' ? '' : normalized(answer.body.trim(), engine);
        const picked = ['content-type', ...headers].map((key) => `${key}: ${answer.headers[key] ?? 'none'}`);
        const status = isBadRequest && at === 1 && answer.status === 500 ? 400 : answer.status;
        return { status, headers: picked, ...(words === undefined ? { body: worded(body) } : {}) };
      });
      if (differs === undefined) assert.deepEqual(ours, theirs);
      if (differs) {
        assert.notDeepEqual(ours, theirs, `no difference any more: ${differs.why}`);
        const { status, headers, body } = mine;
        const seen = worded(normalized(body.trim(), engines[0]));
        assert.deepEqual({ status, type: headers['content-type'] ?? 'none', body: seen }, differs.ours);
      }
      if (words !== undefined) {
        assert.notEqual(mine.body, reference.body, `no difference any more: ${words.why}`);
        // Newer Nodes say the place in a JSON in more words.
        assert.equal(JSON.parse(mine.body).message.replace(/ \(line \d+ column \d+\)$/, ''), words.ours);
      }
      if (isBadRequest) assert.equal(reference.status, 500, 'no difference any more');
      if (mine.status >= 400 && request.method !== 'HEAD') {
        assert.deepEqual(Object.keys(JSON.parse(mine.body)), ['message'], mine.body);
      }
    });
  }

  for (const path of shapes) {
    it(`${path} has the same shape`, async () => {
      const [ours, theirs] = await both(get(path));
      assert.deepEqual([ours.status, theirs.status], [200, 200], ours.body);
      const [mine, reference] = [shapeOf(JSON.parse(ours.body)), shapeOf(JSON.parse(theirs.body))];
      const known = (line: string) => !knownShapes.some(({ line: pattern }) => pattern.test(line));
      assert.deepEqual(
        {
          more: mine.filter((line) => !reference.includes(line) && known(line)),
          less: reference.filter((line) => !mine.includes(line) && known(line)),
        },
        { more: [], less: [] },
      );
    });
  }

  it('settings of the kernel are named with dots or with slashes', async () => {
    const settings: Record<string, string> = {
      'net/ipv4/ip_forward': '1',
      'kernel/msgmax': '4096',
      'fs.mqueue.msg_max': '5',
    };
    const files = Object.keys(settings).map((name) => `/proc/sys/${name.replaceAll('.', '/')}`);
    const body = { Image: image, Cmd: ['cat', ...files], HostConfig: { NetworkMode: 'none', Sysctls: settings } };
    for (const engine of engines) {
      await send(socketOf(engine), post('/v1.41/containers/create?name=settings', body));
      const { stdout, stderr } = await docker(engine, ['start', '-a', 'settings']);
      assert.deepEqual([stdout, stderr], ['1\n4096\n5\n', ''], engine.name);
    }
  });

  it('rights to a device: what means nothing is passed over, none at all is refused', async () => {
    const answers = await Promise.all(
      engines.map((engine) =>
        Promise.all(
          ['x', 'rrww', 'rwm', ''].map(async (CgroupPermissions, index) => {
            const Devices = [{ PathOnHost: '/dev/loop-control', PathInContainer: '/dev/mine', CgroupPermissions }];
            const Cmd = ['sh', '-c', 'head -c 0 /dev/mine && echo readable; : > /dev/mine && echo writable'];
            const path = `/v1.41/containers/create?name=device${index}`;
            await send(
              socketOf(engine),
              post(path, { Image: image, Cmd, HostConfig: { NetworkMode: 'none', Devices } }),
            );
            const { status } = await send(socketOf(engine), post(`/containers/device${index}/start`));
            await send(socketOf(engine), post(`/containers/device${index}/wait`));
            return [status, (await docker(engine, ['logs', `device${index}`])).stdout];
          }),
        ),
      ),
    );
    assert.deepEqual(answers[0], answers[1]);
  });

  it('an exec is started once', async () => {
    const answers = await Promise.all(
      engines.map(async (engine) => {
        const socket = socketOf(engine);
        const made = await send(socket, post('/containers/box/exec', { Cmd: ['true'], AttachStdout: true }));
        const { Id }: { Id: string } = JSON.parse(made.body);
        const first = await send(socket, post(`/v1.41/exec/${Id}/start`, {}));
        const second = await send(socket, post(`/exec/${Id}/start`, {}));
        const { Running, ExitCode }: { Running: boolean; ExitCode: number } = JSON.parse(
          (await send(socket, get(`/exec/${Id}/json`))).body,
        );
        return [
          made.status,
          first.status,
          first.headers['content-type'],
          second.status >= 400 || second.body !== '',
          Running,
          ExitCode,
        ];
      }),
    );
    assert.deepEqual(answers[0], answers[1]);
  });

  it('what a path is, is told in a header', async () => {
    const request = { method: 'HEAD', path: '/containers/made/archive?path=/etc/motd' };
    const [ours, theirs] = (await both(request)).map(({ headers }) =>
      JSON.parse(Buffer.from(String(headers['x-docker-container-path-stat']), 'base64').toString()),
    );
    assert.deepEqual(ours, theirs);
  });

  it('past events come again, as lines of JSON', async () => {
    const path = `/v1.41/events?since=1&until=${(Date.now() / 1000).toFixed(3)}&filters={"container":["ended"],"type":["container"]}`;
    const [ours, theirs] = (await both(get(encodeURI(path)))).map(({ headers, body }) => ({
      type: headers['content-type'],
      keys: body
        .trim()
        .split('\n')
        .map((line) =>
          shapeOf(JSON.parse(line))
            .filter((key) => !key.includes('execDuration'))
            .sort(),
        ),
    }));
    assert.deepEqual(ours, theirs);
  });
});

/** Why an answer of ours has a field that dockerd 20.10 has not, or the other way round. */
const knownShapes: readonly { readonly line: RegExp; readonly why: string }[] = [
  { line: /\.(Networks|NetworkSettings)\b/, why: 'networks have their own issue' },
  { line: /\.storage_stats|\.networks|\.blkio_stats/, why: 'what a cgroup and a network have had to do' },
  { line: /\.GraphDriver\.Data\.ID/, why: 'newer than 20.10' },
  { line: /\.GraphDriver\.Data\.(MergedDir|WorkDir)/, why: 'an image is mounted nowhere' },
  { line: /\.NetworkDisabled/, why: 'dockerd without a bridge gives no network, ours one with a loopback' },
  { line: /\.(Labels|RepoDigests|BuildCache): null/, why: 'what is empty is empty, not absent' },
  {
    line: /\.memory_stats\.stats\.|percpu_usage/,
    why: 'the kernel’s own list of figures, of which ours keeps what clients compute with',
  },
];

async function must(engine: Engine, line: readonly string[], input?: Buffer): Promise<void> {
  const { code, stderr } = await docker(engine, line, { ...(input && { input }) });
  assert.equal(code, 0, stderr);
}

/** dockerd 20.10 begins some messages with a capital; Docker writes all of them small since. */
const worded = (body: string): string =>
  body
    .replace(/"Created":\d+/g, '"Created":0')
    .replace(/"Warnings":\["The bridge network is not supported yet[^"]*"\]/, '"Warnings":[]')
    // What is absent is left out since 1.42.
    .replace('{"Error":null,', '{')
    .replace(/^(\{"message":")([A-Z])(?=[a-z])/, (_, start: string, letter: string) => start + letter.toLowerCase());

/** Every leaf's path with its kind, lists merged: `[].HostConfig.Memory: number`. */
function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((one) => shapeOf(one, `${path}[]`)))];
  if (typeof value !== 'object' || value === null) return [`${path}: ${value === null ? 'null' : typeof value}`];
  return Object.entries(value).flatMap(([key, one]) =>
    shapeOf(one, `${path}.${/^[0-9a-f]{64}$/.test(key) ? 'ID' : key}`),
  );
}
