import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, symlink, utimes } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { buildAgent } from '../../../scripts/bundles.ts';
import { distDir } from '../../../scripts/paths.ts';
import { until } from '../../../scripts/processes.ts';
import { removeOldVersions } from '../../../src/agent/connect/old-versions.ts';
import { isNewer, productVersion } from '../../../src/protocol/version.ts';
import { busyboxTar } from '../../conformance/engine.ts';
import { agentFlags, ask } from '../../support/agent.ts';
import { endAgentsBelow } from '../../support/detached-agents.ts';
import { requires } from '../../support/tools.ts';

const newer = '900.1.0';

describe('an agent of another version', function () {
  this.timeout(120_000);
  let root: string;
  let places: { dataRoot: string; execRoot: string; socket: string };
  const programs = { own: '', newer: '' };

  before(async function () {
    requires(this, { root: true, programs: ['busybox'] });
    root = await mkdtemp('/tmp/porthole-upgrade-');
    programs.own = join(root, 'own.cjs');
    programs.newer = join(root, 'newer.cjs');
    await Promise.all([buildAgent({ outfile: programs.own }), buildAgent({ outfile: programs.newer, version: newer })]);
  });
  beforeEach(async () => {
    const dir = await mkdtemp(join(root, 'roots-'));
    places = { dataRoot: join(dir, 'd'), execRoot: join(dir, 'e'), socket: join(dir, 's.sock') };
  });
  afterEach(() => endAgentsBelow(root));
  after(async () => {
    if (root) await rm(root, { recursive: true, force: true });
  });

  /** `connect --start` of a version, ended as soon as it has found or started an agent. */
  const connect = async (program: string, ...flags: string[]) => {
    const child = spawn(process.execPath, [program, 'connect', '--start', ...agentFlags(places), ...flags], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    child.stdin.end();
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    return { code, said };
  };
  const info = async () => Object(JSON.parse((await ask(places.socket, 'GET', '/porthole/v1/info')).body));
  const started = async (script: string) => {
    await mkdir(root, { recursive: true });
    await load(places.socket);
    const body = { Image: 'up/busybox:1', Cmd: ['sh', '-c', script], HostConfig: { NetworkMode: 'none' } };
    const { Id } = JSON.parse((await ask(places.socket, 'POST', '/containers/create', body)).body);
    assert.equal((await ask(places.socket, 'POST', `/containers/${Id}/start`)).status, 204);
    return String(Id);
  };

  it('is replaced when it is older: the containers stay, the options too, the socket is missed by nobody', async () => {
    const serving = serve(programs.own, [...agentFlags(places), '--init', '--cgroup-parent', '/porthole/upgrade']);
    await until('it listens', () => existsSync(places.socket));
    const id = await started('while :; do sleep 0.1; done');
    const before = await info();
    const pid = async () => JSON.parse((await ask(places.socket, 'GET', `/containers/${id}/json`)).body).State.Pid;
    const process = await pid();
    const ended = once(serving, 'exit');
    let isOver = false;
    const missed = watchSocket(places.socket, () => isOver);

    assert.deepEqual(await connect(programs.newer), { code: 0, said: '' });
    isOver = true;
    const after = await info();
    assert.deepEqual([after.version, after.dataRoot, after.options], [newer, places.dataRoot, before.options]);
    assert.equal(await pid(), process);
    assert.deepEqual(await ended, [0, null]);
    assert.ok((await missed) < 500, `the socket was missing for ${await missed} ms`);
    assert.equal((await ask(places.socket, 'DELETE', `/containers/${id}?force=1`)).status, 204);
  });

  it('stays when it is newer', async () => {
    assert.equal((await connect(programs.newer)).code, 0);
    const { pid } = await info();
    assert.deepEqual(await connect(programs.own), { code: 0, said: '' });
    assert.deepEqual([(await info()).pid, (await info()).version], [pid, newer]);
  });

  it('lets attached clients go with an end, not with a reset', async () => {
    assert.equal((await connect(programs.own)).code, 0);
    const id = await started('while :; do echo line; sleep 0.01; done');
    const request = `POST /containers/${id}/attach?stream=1&stdout=1&stdin=1 HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n`;
    const clients = [
      await dial(places.socket, request),
      await dial(places.socket, `GET /events HTTP/1.1\r\nHost: x\r\n\r\n`),
      await dial(places.socket, `GET /containers/${id}/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n`),
      await dial(places.socket, `POST /containers/${id}/wait HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`),
    ];
    // Typing that nobody will read any more must not turn the end into a reset.
    clients[0]?.socket.write('typed\n'.repeat(1000));
    assert.equal((await connect(programs.newer)).code, 0);
    for (const client of clients) assert.equal(await client.end, 'end');
    assert.equal((await ask(places.socket, 'DELETE', `/containers/${id}?force=1`)).status, 204);
  });

  it('that is stopped is named instead of waited for', async () => {
    const serving = serve(programs.own, agentFlags(places));
    await until('it listens', () => existsSync(places.socket));
    serving.kill('SIGSTOP');
    try {
      const { code, said } = await connect(programs.newer);
      assert.equal(code, 1);
      assert.match(
        said,
        new RegExp(`the agent \\(pid ${serving.pid}\\) on .* does not answer: it is stopped; kill -CONT`),
      );
    } finally {
      serving.kill('SIGCONT');
    }
  });

  it('leaves a directory on the host only while somebody uses it', async () => {
    const agents = join(root, '.porthole/agents');
    const [own, used, fresh, old] = ['0', '1', '2', '3'].map((digit) => join(agents, digit.repeat(32)));
    assert.ok(own && used && fresh && old);
    for (const dir of [own, used, fresh, old]) await mkdir(dir, { recursive: true });
    await symlink('/etc', join(agents, '4'.repeat(32)));
    const program = join(used, 'porthole-agent.cjs');
    await copyFile(programs.own, program);
    await copyFile(join(distDir, `agent/shim-linux-${process.arch}`), join(used, `shim-linux-${process.arch}`));
    const serving = serve(program, agentFlags(places));
    await until('it listens', () => existsSync(places.socket));
    const past = new Date(Date.now() - 86_400_000);
    for (const dir of [own, used, old]) await utimes(dir, past, past);
    const look = () =>
      removeOldVersions({
        program: join(own, 'porthole-agent.cjs'),
        node: process.execPath,
        unitDirectories: ['/etc/systemd/system'],
        now: Date.now(),
      });
    assert.deepEqual(await look(), [old]);
    const ended = once(serving, 'exit');
    serving.kill('SIGTERM');
    await ended;
    assert.deepEqual(await look(), [used]);
    assert.ok(existsSync(own) && existsSync(fresh) && existsSync('/etc/passwd'));
  });

  it('is compared as numbers', () => {
    assert.ok(isNewer('0.10.0', '0.9.9') && isNewer('1.0', '0.99') && !isNewer(productVersion, productVersion));
    assert.ok(!isNewer('0.1', '0.1.0') && !isNewer('odd', '0.0.1'));
  });

  function serve(program: string, flags: readonly string[]): ChildProcess {
    return spawn(process.execPath, [program, 'serve', ...flags], { stdio: 'ignore' });
  }
});

async function load(socket: string): Promise<void> {
  const tar = await busyboxTar();
  const connection = await dial(
    socket,
    `POST /images/create?fromSrc=-&repo=up/busybox&tag=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${tar.length}\r\n\r\n`,
  );
  connection.socket.write(tar);
  assert.equal(await connection.end, 'end');
}

/** A raw connection; `end` tells how it ended: with an end, or the error's code. */
async function dial(path: string, request: string): Promise<{ socket: Socket; end: Promise<string> }> {
  const socket = createConnection({ path });
  await once(socket, 'connect');
  const end = new Promise<string>((resolve) => {
    socket.once('end', () => resolve('end'));
    socket.once('error', (failure) => resolve('code' in failure ? String(failure.code) : failure.message));
  });
  socket.resume();
  socket.write(request);
  return { socket, end };
}

/** The longest time in milliseconds for which nothing accepted connections on the socket. */
async function watchSocket(path: string, isOver: () => boolean): Promise<number> {
  let longest = 0;
  let since: number | undefined;
  while (!isOver()) {
    const answered = await new Promise<boolean>((resolve) => {
      const probe = createConnection({ path });
      probe.once('connect', () => {
        probe.destroy();
        resolve(true);
      });
      probe.once('error', () => resolve(false));
    });
    if (answered) since = undefined;
    else {
      since ??= Date.now();
      longest = Math.max(longest, Date.now() - since);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return longest;
}
