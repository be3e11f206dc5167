import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isKind } from '../../../src/base/errors.ts';
import { AgentChannel } from '../../../src/extension/hosts/channel.ts';

const never = new AbortController().signal;
/** What the far end says of itself. */
const told = { version: '1', pid: 7, platform: 'linux', arch: 'x64', node: 'v20', socket: '/run/agent.sock' };

/** Two ends of one line, joined in memory. */
function line(): { near: Duplex; far: Duplex; cutSilently(): void } {
  let isCut = false;
  const end = (other: () => Duplex) =>
    new Duplex({
      read: () => undefined,
      write: (chunk, _encoding, done) => {
        if (!isCut) other().push(chunk);
        done();
      },
      final: (done) => {
        if (!isCut) other().push(null);
        done();
      },
    });
  const near: Duplex = end(() => far);
  const far: Duplex = end(() => near);
  return {
    near,
    far,
    cutSilently: () => {
      isCut = true;
    },
  };
}

function bridge(far: Duplex, answer: (stream: http2.ServerHttp2Stream, authority: string) => void): void {
  const server = http2.createServer();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    if (headers[':method'] === 'CONNECT') answer(stream, headers[':authority'] ?? '');
    else {
      stream.respond({ ':status': 200 });
      stream.end(JSON.stringify(told));
    }
  });
  far.on('error', () => undefined);
  server.emit('connection', far);
}

describe('agent channel', () => {
  it('says hello', async () => {
    const { near, far } = line();
    bridge(far, () => undefined);
    const channel = new AgentChannel(near, { host: 'h' });
    assert.deepEqual(await channel.hello(never), told);
    channel.close();
  });

  it('tells why an engine cannot be reached, in the bridge’s words', async () => {
    const { near, far } = line();
    bridge(far, (stream) => {
      stream.respond({ ':status': 502 });
      stream.end('{"message":"connect ENOENT /run/docker.sock"}');
    });
    const channel = new AgentChannel(near, { host: 'h' });
    await assert.rejects(text(channel.dial('docker')), (error: Error) => {
      assert.ok(isKind(error, 'unavailable'));
      assert.equal(error.message, 'Docker does not answer on h: connect ENOENT /run/docker.sock.');
      return true;
    });
    channel.close();
  });

  it('gives up a line that has gone silent, and everything on it', async () => {
    const { near, far, cutSilently } = line();
    bridge(far, (stream) => stream.respond({ ':status': 200 }));
    const channel = new AgentChannel(near, { host: 'h', quiet: 100, patience: 100 });
    await channel.hello(never);
    const closed = new Promise<Error | undefined>((resolve) => channel.onDidClose(resolve));
    const reading = text(channel.dial('porthole'));
    cutSilently();
    const words = /The agent on h did not answer for/;
    await assert.rejects(reading, words);
    assert.match((await closed)?.message ?? '', words);
    assert.throws(() => channel.dial('porthole'), words);
    await assert.rejects(channel.hello(never), words);
  });

  it('keeps a quiet line that answers', async () => {
    const { near, far } = line();
    let closed = false;
    bridge(far, (stream) => stream.respond({ ':status': 200 }));
    const channel = new AgentChannel(near, { host: 'h', quiet: 20, patience: 60 });
    channel.onDidClose(() => {
      closed = true;
    });
    // Some pings' time.
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal(closed, false);
    await channel.hello(never);
    channel.close();
  });

  it('rejects what is under way when it is closed, and resets what nobody wants any more', async () => {
    const { near, far } = line();
    const resets: Promise<void>[] = [];
    let opened = 0;
    bridge(far, (stream) => {
      opened++;
      resets.push(new Promise((resolve) => stream.once('close', resolve)));
      stream.respond({ ':status': 200 });
      stream.write('x');
    });
    const channel = new AgentChannel(near, { host: 'h' });
    const unwanted = channel.dial('porthole');
    await new Promise((resolve) => unwanted.once('data', resolve));
    unwanted.destroy();
    await resets[0];
    const reading = text(channel.dial('porthole'));
    const hello = channel.hello(never);
    await hello;
    assert.equal(opened, 2);
    channel.close();
    await assert.rejects(reading, (error) => isKind(error, 'unavailable'));
  });

  it('does not take noise for an agent', async () => {
    const { near, far } = line();
    const channel = new AgentChannel(near, { host: 'h' });
    far.on('data', () => undefined);
    const hello = channel.hello(never);
    far.write('Welcome to this host!\r\nThis is no HTTP/2 at all.\r\n');
    await assert.rejects(hello, (error) => isKind(error, 'unavailable'));
  });
});
