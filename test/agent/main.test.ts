import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { productVersion } from '../../src/protocol/version.ts';
import { agentCommand, agentFlags, ask, startAgent } from '../support/agent.ts';
import { requires } from '../support/tools.ts';

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [program, ...rest] = agentCommand(...args);
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, stdout, stderr };
}

describe('porthole-agent', function () {
  this.timeout(30_000);
  before(function () {
    requires(this, { root: true });
  });

  it('has the version of package.json', async () => {
    const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    assert.equal(Object(manifest).version, productVersion);
    assert.equal((await run('version')).stdout, `porthole-agent ${productVersion}\n`);
  });

  const mistakes: readonly [args: string[], expected: RegExp][] = [
    [[], /a command is missing/],
    [['fly'], /unknown command "fly"/],
    [['serve', '--data-root', 'here'], /--data-root needs an absolute path, not "here"/],
    [['serve', '--host', 'tcp://127.0.0.1:1'], /--host is unix:\/\/PATH/],
    [['serve', '--start'], /--start is not an option here/],
    [['serve', '--odd'], /--odd/],
    [['serve', '--max-layer-size', 'lots'], /--max-layer-size is a number of bytes such as 512m or 10g, not lots/],
    [['connect', 'more'], /more/],
  ];
  for (const [args, expected] of mistakes) {
    it(`explains: ${args.join(' ') || '(nothing)'}`, async () => {
      const { code, stderr } = await run(...args);
      assert.equal(code, 2);
      assert.match(stderr, expected);
      assert.match(stderr, /^Usage:/m);
    });
  }

  it('a second one on the same data root is refused; a killed one is followed', async () => {
    const agent = await startAgent();
    try {
      const other = { ...agentPlaces(agent), socket: `${agent.socket}2` };
      const { code, stderr } = await run('serve', ...agentFlags(other));
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`an agent \\(pid ${agent.pid}\\) runs on ${agent.dataRoot} already`));
      await agent.kill9();
      assert.ok(existsSync(agent.socket), 'a killed agent leaves its socket');
      await agent.restart();
      assert.equal((await ask(agent.socket, 'GET', '/_ping')).status, 200);
    } finally {
      await agent.stop();
    }
  });

  it('does not take a socket away from whom it answers', async () => {
    const root = await mkdtemp('/tmp/porthole-main-');
    const socket = join(root, 's.sock');
    const server = createServer().listen(socket);
    await once(server, 'listening');
    try {
      const { code, stderr } = await run(
        'serve',
        ...agentFlags({ dataRoot: join(root, 'd'), execRoot: join(root, 'e'), socket }),
      );
      assert.equal(code, 1);
      assert.match(stderr, /something listens on .* already/);
    } finally {
      server.close();
      await rm(root, { recursive: true });
    }
  });

  it('a signal ends it cleanly: socket and pid file go', async () => {
    const root = await mkdtemp('/tmp/porthole-main-');
    const places = { dataRoot: join(root, 'd'), execRoot: join(root, 'e'), socket: join(root, 's.sock') };
    const pidfile = join(root, 'pid');
    const [program, ...args] = agentCommand('serve', ...agentFlags(places), '--pidfile', pidfile);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    try {
      const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
      assert.equal(line, `porthole-agent ${productVersion} listening on ${places.socket}\n`);
      assert.equal(readFileSync(pidfile, 'utf8'), `${child.pid}\n`);
      child.kill('SIGINT');
      assert.deepEqual(await ended, [0, null]);
      assert.deepEqual([existsSync(places.socket), existsSync(pidfile)], [false, false]);
    } finally {
      child.kill('SIGKILL');
      await ended;
      await rm(root, { recursive: true });
    }
  });
});

function agentPlaces({ dataRoot, execRoot, socket }: { dataRoot: string; execRoot: string; socket: string }) {
  return { dataRoot, execRoot, socket };
}
