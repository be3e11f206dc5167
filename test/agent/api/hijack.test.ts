import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { takeSocket } from '../../../src/agent/api/hijack.ts';
import { WebSocketStream } from '../../../src/agent/api/websocket.ts';
import type { ExecRecord } from '../../../src/agent/container/contract.ts';
import { PortholeError } from '../../../src/base/errors.ts';
import { ask } from '../../support/agent.ts';
import { serveFakes } from './fakes.ts';

const upgrade = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';

/** A process that writes back what it reads, and ends when its input does. */
function echo(): Duplex {
  const pipe = new PassThrough();
  return Duplex.from({ readable: pipe, writable: pipe });
}

/** A connection that has sent a request's head; resolves with the answer's head and what followed it. */
async function send(socket: string, head: string, body = ''): Promise<{ client: Socket; head: string; first: Buffer }> {
  const client = connect({ path: socket, allowHalfOpen: true });
  client.write(`${head}Host: x\r\n\r\n${body}`);
  let got = Buffer.alloc(0);
  while (!got.includes('\r\n\r\n')) {
    const [part] = await once(client, 'data');
    assert.ok(part instanceof Buffer);
    got = Buffer.concat([got, part]);
  }
  client.pause();
  const end = got.indexOf('\r\n\r\n');
  return { client, head: got.subarray(0, end).toString(), first: got.subarray(end + 4) };
}

async function restOf(client: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of client) if (part instanceof Buffer) parts.push(part);
  return Buffer.concat(parts);
}

const exec: ExecRecord = {
  id: 'e1',
  containerId: 'c1',
  running: false,
  pid: 0,
  options: {
    argv: ['cat'],
    env: [],
    tty: false,
    privileged: false,
    attachStdin: true,
    attachStdout: true,
    attachStderr: true,
  },
};

describe('api: connections that are taken over', () => {
  let server: Awaited<ReturnType<typeof serveFakes>>;
  let launch: () => Promise<{ tty: boolean; duplex: Duplex } | undefined>;
  beforeEach(async () => {
    launch = async () => ({ tty: true, duplex: echo() });
    server = await serveFakes({
      containers: {
        attach: async (name) => {
          if (name === 'absent') throw new PortholeError('not-found', 'No such container: absent');
          return { tty: false, duplex: echo() };
        },
        execInspect: (id) => {
          if (id !== 'e1') throw new PortholeError('not-found', `No such exec instance: ${id}`);
          return exec;
        },
        execStart: () => launch(),
      },
    });
  });
  afterEach(() => server.close());

  for (const [what, headers, first] of [
    ['an upgrade', upgrade, 'HTTP/1.1 101 UPGRADED'],
    ['none', '', 'HTTP/1.1 200 OK'],
    ['none but a length', 'Content-Length: 0\r\n', 'HTTP/1.1 200 OK'],
  ] as const) {
    it(`attach with ${what}: megabytes both ways, and the input may end first`, async () => {
      const path = '/v1.47/containers/c1/attach?stream=1&stdin=1&stdout=1';
      const { client, head, first: early } = await send(server.socket, `POST ${path} HTTP/1.1\r\n${headers}`);
      assert.equal(head.split('\r\n')[0], first);
      assert.match(head, /Content-Type: application\/vnd.docker.multiplexed-stream/);
      const data = randomBytes(5_000_000);
      client.end(data);
      assert.ok(Buffer.concat([early, await restOf(client)]).equals(data));
    });
  }

  it('older clients are given the content type that they know', async () => {
    const { client, head } = await send(
      server.socket,
      `POST /v1.41/containers/c1/attach?stream=1 HTTP/1.1\r\n${upgrade}`,
    );
    client.destroy();
    assert.match(head, /Content-Type: application\/vnd.docker.raw-stream/);
  });

  it('a refusal is an answer with a status, with an upgrade too', async () => {
    for (const headers of [upgrade, '']) {
      const { client, head, first } = await send(
        server.socket,
        `POST /containers/absent/attach?stream=1 HTTP/1.1\r\nConnection: close\r\n${headers}`,
      );
      client.end();
      assert.match(head, /^HTTP\/1.1 404 Not Found/);
      const body = Buffer.concat([first, await restOf(client)]).toString();
      assert.deepEqual(JSON.parse(body), { message: 'No such container: absent' });
    }
  });

  it('exec: what follows the body at once belongs to the process', async () => {
    const body = '{"Detach":false,"Tty":false}';
    const { client, head, first } = await send(
      server.socket,
      `POST /exec/e1/start HTTP/1.1\r\n${upgrade}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`,
      `${body}early`,
    );
    assert.match(head, /^HTTP\/1.1 101/);
    client.end(' and late');
    assert.equal(Buffer.concat([first, await restOf(client)]).toString(), 'early and late');
  });

  it('exec: a body in pieces is waited for', async () => {
    const client = connect({ path: server.socket, allowHalfOpen: true });
    await once(client, 'connect');
    client.write(`POST /exec/e1/start HTTP/1.1\r\nHost: x\r\n${upgrade}Content-Length: 16\r\n\r\n{"Detach"`);
    await ask(server.socket, 'GET', '/_ping');
    client.write(':false}');
    client.end('rest');
    assert.match((await restOf(client)).toString(), /\r\n\r\nrest$/);
  });

  it('exec: a program that cannot be executed is told in the stream', async () => {
    launch = () => Promise.reject(new PortholeError('invalid', 'exec: "x": executable file not found in $PATH'));
    const { client, first } = await send(server.socket, `POST /exec/e1/start HTTP/1.1\r\n${upgrade}`);
    const words = 'exec: "x": executable file not found in $PATH\r\n';
    const frame = Buffer.concat([first, await restOf(client)]);
    assert.deepEqual([...frame.subarray(0, 8)], [2, 0, 0, 0, 0, 0, 0, words.length]);
    assert.equal(frame.subarray(8).toString(), words);
  });

  it('exec: one that ran already is a conflict', async () => {
    launch = () => Promise.reject(new PortholeError('conflict', 'Error: Exec command e1 has already run'));
    assert.equal((await ask(server.socket, 'POST', '/exec/e1/start', {})).status, 409);
    assert.equal((await ask(server.socket, 'POST', '/exec/nope/start', {})).status, 404);
  });

  it('a client that goes away ends its view of the process', async () => {
    const duplex = echo();
    launch = async () => ({ tty: false, duplex });
    const { client } = await send(server.socket, `POST /exec/e1/start HTTP/1.1\r\n${upgrade}`);
    // Its error (the stream was ended early) is as good an end as any.
    const closed = new Promise((resolve) => duplex.once('close', resolve));
    client.write('something that is echoed into a closed connection');
    client.destroy();
    await closed;
  });

  it('the server closes with connections taken over', async () => {
    const { client } = await send(server.socket, `POST /containers/c1/attach?stream=1 HTTP/1.1\r\n${upgrade}`);
    const closed = once(
      client.resume().on('error', () => undefined),
      'close',
    );
    await server.close();
    client.end();
    await closed;
  });
});

describe('api: a connection itself', () => {
  it('that was taken over without an upgrade is still known to close', async () => {
    const http = createServer((request) =>
      takeSocket(request)
        .once('end', () => request.socket.destroy())
        .resume(),
    );
    const socket = join(await mkdtemp(join(tmpdir(), 'porthole-hijack-')), 'socket');
    await new Promise<void>((resolve) => http.listen(socket, resolve));
    const closed = new Promise<void>((resolve) => http.once('connection', (one: Socket) => one.once('close', resolve)));
    const client = connect({ path: socket });
    client.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await closed;
    http.close();
    await rm(dirname(socket), { recursive: true });
  });

  it('of a WebSocket client that does not read holds back few answers to its pings', () => {
    const ping = Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125)]);
    const socket = new Duplex({ read: () => undefined, write: () => undefined });
    const stream = new WebSocketStream(socket, { text: false });
    for (let count = 0; count < 10_000; count++) socket.emit('data', ping);
    assert.ok(socket.writableLength > 0 && socket.writableLength < 2 * socket.writableHighWaterMark);
    stream.destroy();
    socket.destroy();
  });
});
