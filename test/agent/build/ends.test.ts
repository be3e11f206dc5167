import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../scripts/processes.ts';
import { docker, type Engine, importBusybox } from '../../conformance/engine.ts';
import { type RunningAgent, startAgent } from '../../support/agent.ts';
import { requires } from '../../support/tools.ts';
import { until } from '../container/rig.ts';

/** Milliseconds. */
const patience = 120_000;

describe('build: ends, limits, stages side by side', function () {
  this.timeout(180_000);
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

  const context = async (dockerfile: string): Promise<string> => {
    const place = await mkdtemp(join(directory, 'context-'));
    await writeFile(join(place, 'Dockerfile'), dockerfile);
    return place;
  };
  const build = async (dockerfile: string, ...flags: string[]) =>
    docker(engine, ['build', ...flags, await context(dockerfile)], { timeoutMs: 120_000 });
  const said = async (...args: string[]): Promise<string> => (await docker(engine, args, { timeoutMs: 60_000 })).stdout;
  const work = (): Promise<string[]> => readdir(join(agent.dataRoot, 'builds', 'work'));
  const nothingLeft = async (): Promise<boolean> => (await said('ps', '-aq')) === '' && (await work()).length === 0;
  /** Starts a build whose RUN never ends, and resolves when that runs. */
  const endless = async () => {
    const child = spawn('docker', ['-H', engine.host, 'build', await context('FROM busybox\nRUN sleep 100000\n')], {
      stdio: 'ignore',
    });
    await until('the step runs', async () => (await said('ps', '-q')) !== '', patience);
    return child;
  };

  it('a client that goes away leaves no container and no file', async () => {
    const before = await said('images', '-aq');
    const child = await endless();
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    await until('nothing is left', nothingLeft, patience);
    assert.equal(await said('images', '-aq'), before);
  });

  it('a killed agent leaves nothing to the next one', async () => {
    const before = await said('images', '-aq');
    const child = await endless();
    const exit = once(child, 'exit');
    const [id = ''] = await readdir(join(agent.dataRoot, 'containers'));
    await agent.kill9();
    await exit;
    assert.notDeepEqual(await work(), []);
    await agent.restart();
    assert.ok(await nothingLeft());
    assert.equal(existsSync(join(agent.execRoot, 'containers', id)), false);
    assert.equal(await said('images', '-aq'), before);
  });

  it('stages that need nothing of each other run at the same time, and speak in order', async () => {
    const port = await freePort();
    // Each ends only when the other has come.
    const { code, stdout, stderr } = await build(
      [
        'FROM busybox AS listens',
        `RUN timeout 100 nc -l -p ${port} >/got && cat /got`,
        'FROM busybox AS speaks',
        `RUN for i in $(seq 1000); do echo heard | nc -w 1 127.0.0.1 ${port} && exit 0; usleep 100000; done; exit 1`,
        'FROM scratch',
        'COPY --from=listens /got /',
        'COPY --from=speaks /bin/busybox /',
        '',
      ].join('\n'),
      ...['--network', 'host'],
    );
    assert.equal(code, 0, stderr + stdout);
    const steps = [...stdout.matchAll(/^(?:Step (\d)|heard)/gm)].map(([text, number]) => number ?? text);
    assert.deepEqual(steps, ['1', '2', 'heard', '3', '4', '5', '6', '7']);
  });

  it('what comes behind a stage that fails is stopped', async () => {
    const { code, stdout } = await build(
      'FROM busybox\nRUN exit 7\nFROM busybox\nRUN sleep 100000\n',
      ...['--force-rm', '--no-cache'],
    );
    assert.equal(code, 7);
    assert.doesNotMatch(stdout, /Step 3/);
    assert.ok(await nothingLeft());
  });

  it('the same steps of two stages are taken once', async () => {
    const { code, stdout } = await build(
      'FROM busybox AS one\nRUN echo same >/same\nFROM busybox\nRUN echo same >/same\nCOPY --from=one /same /other\n',
    );
    assert.equal(code, 0);
    assert.equal(stdout.match(/Using cache/g)?.length, 1);
    assert.ok(stdout.indexOf('Using cache') > stdout.indexOf('Step 4'));
  });

  it('limits, hosts and the network hold for RUN', async () => {
    const { code, stdout, stderr } = await build(
      [
        'FROM busybox',
        'RUN cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max',
        'RUN ulimit -n; df -k /dev/shm | tail -1; grep there /etc/hosts; ls /sys/class/net',
        '',
      ].join('\n'),
      ...['--memory', '64m', '--ulimit', 'nofile=123:123', '--shm-size', '32m', '--add-host', 'there:10.1.2.3'],
      ...['--network', 'none'],
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^67108864$/m);
    assert.match(stdout, /^123$/m);
    assert.match(stdout, /^shm\s+32768 /m);
    assert.match(stdout, /^10\.1\.2\.3\s+there$/m);
    assert.match(stdout, /^lo$/m);
    assert.doesNotMatch(stdout, /^eth/m);
  });

  it('the container of a step that failed stays to be looked at, unless it is to go', async () => {
    assert.equal((await build('FROM busybox\nRUN touch /clue; exit 9\n')).code, 9);
    const [id = ''] = (await said('ps', '-aq')).split('\n');
    assert.match(await said('diff', id), /^A \/clue$/m);
    await said('rm', id);
    assert.deepEqual(await work(), []);
  });

  it('the history of an image that came from elsewhere is a cache', async () => {
    const dockerfile = 'FROM busybox\nENV A=1\nRUN echo layer >/layer\nRUN echo other >/other\n';
    assert.equal((await build(dockerfile, '-t', 'source')).code, 0);
    const archive = join(directory, 'source.tar');
    await said('save', '-o', archive, 'source', 'busybox');
    await said('rmi', '-f', 'source');
    await said('image', 'prune', '-f');
    await said('load', '-i', archive);
    const same = await build(dockerfile, '--cache-from', 'source');
    assert.equal(same.stdout.match(/Using cache/g)?.length, 3, same.stdout);
    const other = await build(
      dockerfile.replace('other >/other', 'new >/new'),
      '--cache-from',
      'source',
      '-t',
      'derived',
    );
    assert.equal(other.stdout.match(/Using cache/g)?.length, 2, other.stdout);
    const files = await said('run', '--rm', '--network', 'none', 'derived', 'cat', '/layer', '/new');
    assert.equal(files, 'layer\nnew\n');
  });
});
