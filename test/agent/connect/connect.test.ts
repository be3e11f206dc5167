import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { agentCommand, agentFlags, ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { endAgentsBelow } from '../../support/detached-agents.ts';
import { requires } from '../../support/tools.ts';

interface Bridge {
  readonly child: ChildProcess;
  readonly session: ClientHttp2Session;
  stderr(): string;
  close(): Promise<void>;
}

function openBridge(...args: string[]): Bridge {
  const [program, ...rest] = agentCommand('connect', ...args);
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  const ended = once(child, 'exit');
  const channel = Duplex.from({ readable: child.stdout, writable: child.stdin });
  channel.on('error', () => undefined);
  const session = connectHttp2('http://agent', { createConnection: () => channel });
  session.on('error', () => undefined);
  return {
    child,
    session,
    stderr: () => said,
    async close() {
      // Node's http2 fails an assertion when it says good-bye over a duplex that is closed already.
      if (child.exitCode === null) session.destroy();
      child.stdin.destroy();
      await ended;
    },
  };
}

async function hello(session: ClientHttp2Session): Promise<{ version: string; pid: number; arch: string }> {
  return JSON.parse(await text(session.request({ ':path': '/hello' })));
}

/** A CONNECT stream, once it has been answered. */
async function dial(session: ClientHttp2Session, authority: string) {
  const stream = session.request({ ':method': 'CONNECT', ':authority': authority });
  const [headers] = await once(stream, 'response');
  return { stream, status: Number(headers[':status']) };
}

describe('connect: the bridge over standard input and output', function () {
  this.timeout(30_000);
  let agent: RunningAgent;
  let bridge: Bridge;
  before(async function () {
    requires(this, { root: true });
    agent = await startAgent();
  });
  after(() => agent?.stop());
  afterEach(() => bridge?.close());

  it('says who answers', async () => {
    bridge = openBridge(...agentFlags(agent));
    const { pid, arch } = await hello(bridge.session);
    assert.equal(pid, agent.pid);
    assert.equal(arch, process.arch);
  });

  it('leads to the agent: many requests at once over one channel', async () => {
    bridge = openBridge(...agentFlags(agent));
    const { session } = bridge;
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const { stream, status } = await dial(session, 'porthole');
        assert.equal(status, 200);
        stream.write('GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
        return text(stream);
      }),
    );
    for (const answer of answers) assert.match(answer, /^HTTP\/1.1 200 OK[\s\S]*OK/);
  });

  it('carries megabytes, and each direction ends by itself', async () => {
    const directory = await mkdtemp('/tmp/porthole-bridge-');
    // Answers only after its input has ended, which the client must be able to do first.
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const parts: Buffer[] = [];
      socket.on('data', (part: Buffer) => parts.push(part)).once('end', () => socket.end(Buffer.concat(parts)));
    });
    const path = join(directory, 'docker.sock');
    await once(server.listen(path), 'listening');
    try {
      bridge = openBridge(...agentFlags(agent), '--docker', path);
      const { stream, status } = await dial(bridge.session, 'docker');
      assert.equal(status, 200);
      const data = randomBytes(20_000_000);
      stream.end(data);
      assert.ok((await buffer(stream)).equals(data));
    } finally {
      server.close();
      await rm(directory, { recursive: true });
    }
  });

  it('refuses what is not there, with words', async () => {
    bridge = openBridge(...agentFlags(agent), '--podman', '/nowhere/podman.sock');
    const absent = await dial(bridge.session, 'podman');
    assert.equal(absent.status, 502);
    assert.match(await text(absent.stream), /ENOENT/);
    const unknown = await dial(bridge.session, 'other');
    assert.equal(unknown.status, 404);
    assert.match(await text(unknown.stream), /there is no engine/);
  });

  it('ends when its standard input does', async () => {
    bridge = openBridge(...agentFlags(agent));
    await hello(bridge.session);
    const ended = once(bridge.child, 'exit');
    bridge.child.stdin?.end();
    assert.deepEqual(await ended, [0, null]);
  });

  it('several bridges that start the agent start one, which outlives them', async () => {
    const root = await mkdtemp('/tmp/porthole-start-');
    const places = { dataRoot: join(root, 'd'), execRoot: join(root, 'e'), socket: join(root, 'e/s.sock') };
    const bridges = Array.from({ length: 3 }, () => openBridge('--start', ...agentFlags(places)));
    try {
      const pids = await Promise.all(bridges.map(async ({ session }) => (await hello(session)).pid));
      assert.deepEqual(new Set(pids).size, 1);
      await Promise.all(bridges.map((one) => one.close()));
      assert.equal((await ask(places.socket, 'GET', '/_ping')).status, 200);
    } finally {
      await Promise.all(bridges.map((one) => one.close()));
      await endAgentsBelow(root);
      await rm(root, { recursive: true });
    }
  });

  it('an agent that cannot start: the bridge ends and says why', async () => {
    const root = await mkdtemp('/tmp/porthole-start-');
    const places = { dataRoot: agent.dataRoot, execRoot: join(root, 'e'), socket: join(root, 's.sock') };
    try {
      bridge = openBridge('--start', ...agentFlags(places));
      const [code] = await once(bridge.child, 'close');
      assert.equal(code, 1);
      assert.match(bridge.stderr(), /the agent did not start: .*runs on .* already/s);
    } finally {
      await endAgentsBelow(root);
      await rm(root, { recursive: true });
    }
  });
});
