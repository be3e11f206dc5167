import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import type { BuildRecord, StepRecord } from '../../../src/protocol/builds.ts';
import { docker, type Engine, importBusybox } from '../../conformance/engine.ts';
import { send } from '../../conformance/raw/request.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { requires } from '../../support/tools.ts';

describe('build: docker build', function () {
  this.timeout(120_000);
  let agent: RunningAgent;
  let engine: Engine;
  let directory: string;
  before(async function () {
    requires(this, { root: true, programs: ['docker', 'busybox'] });
    directory = await mkdtemp(join(tmpdir(), 'porthole-build-'));
    agent = await startAgent();
    engine = { name: 'porthole', host: `unix://${agent.socket}` };
    await importBusybox(engine, 'busybox');
  });
  after(async () => {
    await agent?.stop();
    if (directory) await rm(directory, { recursive: true, force: true });
  });

  const build = async (files: Readonly<Record<string, string>>, ...flags: string[]) => {
    const context = await mkdtemp(join(directory, 'context-'));
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(context, name)), { recursive: true });
      await writeFile(join(context, name), content);
    }
    return docker(engine, ['build', '-q', ...flags, context], { timeoutMs: 60_000 });
  };
  const show = (image: string, ...command: string[]) =>
    docker(engine, ['run', '--rm', '--network', 'none', image, ...command], { timeoutMs: 60_000 });
  const json = async <T>(path: string): Promise<T> => JSON.parse((await ask(agent.socket, 'GET', path)).body);

  it('copies, runs and configures, stage after stage', async () => {
    const { code, stderr } = await build(
      {
        Dockerfile: [
          ...[
            'FROM busybox AS made',
            'ARG WHO=nobody',
            'RUN echo "$WHO" >/greeting',
            'FROM busybox',
            'WORKDIR /app/in',
          ],
          ...['COPY data/ ./', 'COPY --from=made --chown=5:6 /greeting /', 'COPY <<X /doc', 'a $HOME b', 'X'],
          ...['ENV A=b', 'CMD ["sh", "-c", "pwd; cat x; cat /greeting /doc; stat -c %u:%g /greeting; echo $A"]', ''],
        ].join('\n'),
        'data/x': 'from the context\n',
      },
      ...['-t', 'all', '--build-arg', 'WHO=me'],
    );
    assert.equal(code, 0, stderr);
    const { stdout } = await show('all');
    assert.equal(stdout, '/app/in\nfrom the context\nme\na  b\n5:6\nb\n');
  });

  it('tells which layer each step made and how long it took', async () => {
    const { code, stderr } = await build(
      { Dockerfile: 'FROM busybox\nRUN \\\n echo steps >/steps\nENV B=c\n' },
      '-t',
      'steps',
    );
    assert.equal(code, 0, stderr);
    const layers = await json<{ chainId: string }[]>('/porthole/v1/images/steps/layers');
    const steps = await json<StepRecord[]>('/porthole/v1/images/steps/steps');
    assert.deepEqual(
      steps.map(({ step, instruction, lines, layer, cached }) => [step, instruction, lines, layer?.chainId, cached]),
      [
        [2, 'RUN  echo steps >/steps', { start: 2, end: 3 }, layers.at(-1)?.chainId, false],
        [3, 'ENV B=c', { start: 4, end: 4 }, undefined, false],
      ],
    );
    assert.ok(steps.every(({ milliseconds, started }) => milliseconds >= 0 && !Number.isNaN(Date.parse(started))));
    const [last] = await json<BuildRecord[]>('/porthole/v1/builds');
    assert.deepEqual([last?.tags, last?.steps.length, last?.error], [['steps:latest'], 3, undefined]);
  });

  it('fetches a Dockerfile or a context by its address, and refuses git by name', async () => {
    const archive = pack();
    archive.entry({ name: 'Dockerfile' }, 'FROM busybox\nCOPY served /\n');
    archive.entry({ name: 'served' }, 'by an archive\n');
    archive.finalize();
    const answers: Readonly<Record<string, readonly [type: string, body: Buffer]>> = {
      '/Dockerfile': ['text/plain; charset=utf-8', Buffer.from('FROM busybox\nRUN echo by a Dockerfile >/served\n')],
      '/context': ['application/x-tar', await buffer(archive)],
      '/page': ['text/html', Buffer.from('<p>')],
    };
    const server = createServer(({ url = '' }, response) => {
      const [type = 'text/plain', body = Buffer.alloc(0)] = answers[url] ?? [];
      response.writeHead(200, { 'Content-Type': type }).end(body);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const address = server.address();
      assert.ok(address !== null && typeof address !== 'string');
      const from = async (remote: string): Promise<string> => {
        const path = `/build?t=remote&remote=${encodeURIComponent(remote)}`;
        return (await ask(agent.socket, 'POST', path)).body;
      };
      for (const [path, words] of [
        ['/Dockerfile', 'by a Dockerfile'],
        ['/context', 'by an archive'],
      ]) {
        assert.match(await from(`http://127.0.0.1:${address.port}${path}`), /Successfully tagged remote:latest/);
        assert.equal((await show('remote', 'cat', '/served')).stdout, `${words}\n`);
      }
      assert.match(await from(`http://127.0.0.1:${address.port}/page`), /unsupported Content-Type/);
      assert.match(await from('https://github.com/a/b.git'), /git repository .* is not supported/);
      assert.match(await from('nonsense'), /could not be recognized as URL/);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('takes four stages at a time, and tells how much of a download is here', async () => {
    const count = 10;
    const waiting: (() => void)[] = [];
    let most = 0;
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      waiting.push(() => response.end('x'.repeat(1000)));
      response.writeHead(200, { 'Content-Length': '1000' }).flushHeaders();
      most = Math.max(most, waiting.length);
      if (asked === count) for (const go of waiting.splice(0)) go();
      // Until four are there nobody gets anything, and whoever else would come is here before the agent answers this.
      else if (asked >= 4) void ask(agent.socket, 'GET', '/_ping').then(() => waiting.shift()?.());
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const address = server.address();
      assert.ok(address !== null && typeof address !== 'string');
      const at = `http://127.0.0.1:${address.port}`;
      const stages = Array.from({ length: count }, (_, n) => `FROM busybox AS s${n}\nADD ${at}/f${n} /f${n}\n`);
      const context = pack();
      context.entry({ name: 'Dockerfile' }, stages.join(''));
      context.finalize();
      const body = await buffer(context);
      const headers = { 'Content-Type': 'application/x-tar' };
      const answer = await send(agent.socket, { method: 'POST', path: '/build', headers, body });
      assert.match(answer.body, /Successfully built/);
      assert.equal(most, 4);
      const lines = answer.body
        .trim()
        .split('\r\n')
        .map((line) => JSON.parse(line));
      const last = lines.filter(({ status }) => status === 'Downloading').at(-1);
      assert.deepEqual(last, {
        ...{ status: 'Downloading', progressDetail: { current: 1000, total: 1000 } },
        progress: `[${'='.repeat(50)}>]      1kB/1kB`,
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('answers a request that is wrong also when its context is long', async () => {
    const status = await new Promise((resolve, reject) => {
      const sent = request(
        {
          ...{ socketPath: agent.socket, method: 'POST', path: '/build?t=Not:lower', agent: false },
          headers: { 'Content-Type': 'application/x-tar' },
        },
        (response) => response.resume().once('end', () => resolve(response.statusCode)),
      );
      sent.once('error', reject);
      sent.end(Buffer.alloc(16 << 20));
    });
    assert.equal(status, 400);
  });

  it('leaves nothing in its work directory, and says where a failure was', async () => {
    const { code, stderr } = await build({ Dockerfile: 'FROM busybox\nRUN true\nRUN exit 3\n' }, '--force-rm');
    assert.deepEqual([code, /The command '\/bin\/sh -c exit 3' returned a non-zero code: 3/.test(stderr)], [3, true]);
    assert.deepEqual(await readdir(join(agent.dataRoot, 'builds', 'work')), []);
    assert.equal((await docker(engine, ['ps', '-aq'])).stdout, '');
    const [last] = await json<BuildRecord[]>('/porthole/v1/builds');
    assert.match(last?.error ?? '', /non-zero code: 3/);
  });
});
