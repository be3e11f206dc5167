import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex, Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { streamJson } from '../../../src/agent/api/json-lines.ts';
import { mostBehind } from '../../../src/agent/api/routes/events.ts';
import { restLimit } from '../../../src/agent/api/server.ts';
import { EventHub } from '../../../src/agent/container/events.ts';
import { record, serveFakes } from './fakes.ts';

const chunk = Buffer.alloc(64 * 1024, 'x');
/** What the kernel holds for a unix socket, both ends of our streams, and a chunk on its way. */
const slack = 2 * 1024 * 1024;

/** Gives for ever, and counts what was taken. */
class Endless extends Duplex {
  taken = 0;
  override _read(): void {
    this.taken += chunk.length;
    this.push(chunk);
  }
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

/** Takes nothing that is written. */
class Full extends Endless {
  override _write(): void {}
  override _read(): void {}
}

/** An upload that nobody reads. */
const takeNothing = (_archive: Readable): Promise<never> => new Promise(() => undefined);

const nothing = { name: '', size: 0, mode: 0, mtime: '2026-01-01T00:00:00Z', linkTarget: '' };

/** Resolves when nothing more was taken for a thousand turns of the event loop. */
async function untilStill(count: () => number): Promise<number> {
  for (let before = -1; before !== count(); ) {
    before = count();
    for (let turns = 0; turns < 1000; turns++) await turn();
  }
  return count();
}

describe('api: clients that do not read', function () {
  this.timeout(120_000);
  let source: Endless;
  let server: Awaited<ReturnType<typeof serveFakes>>;
  const open: Socket[] = [];

  before(async () => {
    server = await serveFakes({
      containers: {
        get: () => record(),
        attach: async () => ({ tty: true, duplex: source }),
        logs: () => ({ tty: true, stream: source }),
        export: async () => source,
        readArchive: async () => ({ stat: nothing, stream: source }),
        writeArchive: async (_, { archive }) => takeNothing(archive),
      },
      images: {
        save: async () => ({ ids: [], stream: source }),
        load: (archive) => takeNothing(archive),
      },
    });
  });
  after(() => server.close());
  beforeEach(() => {
    source = new Endless();
  });
  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
    source.destroy();
  });

  /** A client that sends a request and never reads what comes. */
  function send(head: string): Socket {
    const socket = connect(server.socket).pause();
    socket.on('error', () => undefined);
    open.push(socket);
    socket.write(`${head}\r\nHost: x\r\n\r\n`);
    return socket;
  }

  const handshake = 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  const streams: readonly (readonly [what: string, head: string])[] = [
    ['logs', 'GET /containers/c/logs?stdout=1&follow=1 HTTP/1.1'],
    ['attach', 'POST /containers/c/attach?stream=1&stdout=1 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp'],
    ['attach without an upgrade', 'POST /containers/c/attach?stream=1&stdout=1 HTTP/1.1'],
    ['export', 'GET /containers/c/export HTTP/1.1'],
    ['archive', 'GET /containers/c/archive?path=/ HTTP/1.1'],
    ['save', 'GET /images/get?names=x HTTP/1.1'],
    [
      'attach by WebSocket',
      `GET /containers/c/attach/ws?stream=1&stdout=1 HTTP/1.1\r\nConnection: Upgrade\r\n${handshake}`,
    ],
  ];
  for (const [what, head] of streams) {
    it(`${what}: hold the source back`, async () => {
      send(head);
      while (source.taken === 0) await turn();
      const taken = await untilStill(() => source.taken);
      assert.ok(taken < slack, `${taken} bytes were taken`);
    });
  }

  const upgrade = 'Connection: Upgrade\r\nUpgrade: tcp';
  const uploads: readonly (readonly [what: string, head: string])[] = [
    ['archive', 'PUT /containers/c/archive?path=/ HTTP/1.1\r\nTransfer-Encoding: chunked'],
    ['load', 'POST /images/load HTTP/1.1\r\nTransfer-Encoding: chunked'],
    ['attach', `POST /containers/c/attach?stream=1&stdin=1 HTTP/1.1\r\n${upgrade}`],
    ['attach without an upgrade', 'POST /containers/c/attach?stream=1&stdin=1 HTTP/1.1'],
  ];
  for (const [what, head] of uploads) {
    it(`${what}: what nobody takes is not read from the client`, async () => {
      source = new Full();
      const socket = send(head);
      const piece = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
      const most = 200 * 1024 * 1024;
      let written = 0;
      const push = (): void => {
        while (written < most && !socket.destroyed) {
          written += piece.length;
          if (!socket.write(piece)) break;
        }
      };
      socket.on('drain', push);
      push();
      await untilStill(() => written);
      const left = written - socket.writableLength;
      assert.ok(left < slack, `${left} bytes were taken of ${written}`);
    });
  }

  const answered: readonly (readonly [what: string, head: string, status: number])[] = [
    ['a path that is not there', 'POST /nothere', 404],
    ['a document that is too large', 'POST /containers/create', 400],
  ];
  for (const [what, head, status] of answered) {
    it(`${what}: a body without end is cut off after the answer`, async () => {
      const type = 'Content-Type: application/json\r\nTransfer-Encoding: chunked';
      const socket = send(`${head} HTTP/1.1\r\n${type}`).resume();
      const piece = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
      let said = '';
      let written = 0;
      socket.on('data', (part: Buffer) => {
        said += part.toString('latin1');
      });
      const closed = new Promise((resolve) => socket.once('close', resolve));
      const push = (): void => {
        while (!socket.destroyed) {
          written += piece.length;
          if (!socket.write(piece)) break;
        }
      };
      socket.on('drain', push);
      push();
      await closed;
      assert.match(said, new RegExp(`^HTTP/1.1 ${status} `));
      const taken = written - socket.writableLength;
      assert.ok(taken > restLimit && taken < restLimit + 3 * slack, `${taken} bytes were taken`);
    });
  }

  it('stats and readings: nothing is measured for a client that does not read', async () => {
    let asked = 0;
    const drained = new EventEmitter();
    const written: string[] = [];
    const response = Object.assign(drained, {
      writeHead: () => ({ flushHeaders: () => undefined }),
      write: (line: string) => written.push(line) === 0,
      end: () => undefined,
    });
    const left = new AbortController();
    const call = { response, signal: left.signal };
    const streaming = streamJson(call, 1, async () => ++asked);
    while (written.length === 0) await turn();
    await untilStill(() => asked);
    assert.deepEqual([asked, written], [1, ['1\n']]);
    drained.emit('drain');
    while (written.length === 1) await new Promise((resolve) => setTimeout(resolve, 1));
    await untilStill(() => asked);
    assert.deepEqual([asked, written], [2, ['1\n', '2\n']]);
    left.abort();
    await streaming;
  });

  it('events: a limit of listeners, and room again when one goes', async () => {
    const hub = new EventHub(() => 0n, 256, 2);
    const [first] = [hub.listen(() => undefined), hub.listen(() => undefined)];
    assert.throws(() => hub.listen(() => undefined), /too many clients listen to events/);
    first.dispose();
    first.dispose();
    hub.listen(() => undefined);
    assert.throws(() => hub.listen(() => undefined), /too many/);
  });

  it('a reader that goes on gets the rest: nothing was dropped', async () => {
    const limit = 64;
    let given = 0;
    source = new Endless();
    const whole = Readable.from(
      (function* () {
        for (; given < limit; given++) yield chunk;
      })(),
      { objectMode: false },
    );
    const own = await serveFakes({ containers: { get: () => record(), logs: () => ({ tty: true, stream: whole }) } });
    const socket = connect(own.socket).pause();
    socket.write('GET /containers/c/logs?stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    while (given === 0) await turn();
    await untilStill(() => given);
    assert.ok(given < limit, 'it was held back');
    let received = 0;
    for await (const part of socket) received += Buffer.from(part).filter((byte) => byte === chunk[0]).length;
    assert.ok(received >= limit * chunk.length);
    await own.close();
  });

  it('events: one that is far behind is let go, the others miss nothing', async () => {
    let listeners = 0;
    const { signal } = server.events;
    const on = signal.on.bind(signal);
    Object.defineProperty(signal, 'on', {
      value: (listener: Parameters<typeof on>[0]) => {
        listeners++;
        const listening = on(listener);
        return {
          dispose: () => {
            listeners--;
            listening.dispose();
          },
        };
      },
    });
    send('GET /events HTTP/1.1');
    const reader = connect(server.socket);
    open.push(reader);
    let seen = 0;
    reader.on('data', (part: Buffer) => {
      seen += part.toString('latin1').split('"timeNano"').length - 1;
    });
    reader.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    while (listeners < 2) await turn();
    const filler = 'y'.repeat(8000);
    let sent = 0;
    while (listeners === 2 && sent * filler.length < 10 * mostBehind) {
      server.events.announce({ type: 'container', action: 'start', id: 'c', attributes: { filler } });
      sent++;
      // A client that reads is given the time to.
      while (seen < sent) await turn();
    }
    assert.equal(listeners, 1, 'the one that does not read is gone');
    const bytes = sent * filler.length;
    assert.ok(bytes > mostBehind / 2 && bytes < mostBehind + slack, `${bytes} bytes were sent`);
    assert.equal(seen, sent);
  });
});

describe('api: what is no request', () => {
  let server: Awaited<ReturnType<typeof serveFakes>>;
  before(async () => {
    server = await serveFakes({});
  });
  after(() => server.close());

  const heads: readonly (readonly [what: string, head: string, status: number, message: RegExp])[] = [
    ['nonsense', 'hello\r\n\r\n', 400, /^malformed HTTP request/],
    ['an unknown method', 'FETCH /info HTTP/1.1\r\n\r\n', 400, /^malformed HTTP request/],
    ['a header that is none', 'GET /info HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n', 400, /^malformed/],
    ['headers without end', `GET /info HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(100_000)}`, 431, /larger than \d+ bytes/],
    ['a path without end', `GET /${'y'.repeat(100_000)}`, 431, /larger than \d+ bytes/],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n', 404, /^page not found$/],
    [
      'an upgrade of nothing',
      'GET /none HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
      404,
      /not found/,
    ],
    [
      'an expectation',
      'GET /none HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\nConnection: close\r\n\r\n',
      404,
      /not found/,
    ],
    ['a bad escape', 'GET /containers/%zz/json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400, /^invalid path/],
  ];
  it('an upgrade right behind a request is answered after it, and one behind an answer without end ends nothing', async () => {
    const upgrade = 'GET /none HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';
    const [endless, socket] = [connect(server.socket), connect(server.socket)];
    endless.on('error', () => undefined).resume();
    endless.write(`GET /events HTTP/1.1\r\nHost: x\r\n\r\n${upgrade}`);
    socket.write(`GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n${upgrade}`);
    const said = Buffer.concat(await socket.toArray()).toString();
    assert.deepEqual(
      [...said.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status),
      ['200', '404'],
    );
    endless.destroy();
  });

  for (const [what, head, status, message] of heads) {
    it(`${what}: ${status}, in Docker’s shape`, async () => {
      const socket = connect(server.socket);
      socket.on('error', () => undefined);
      socket.write(head);
      const said = Buffer.concat(await socket.toArray()).toString();
      const [, code, body = ''] = /^HTTP\/1.1 (\d+)[\s\S]*?\r\n\r\n([\s\S]*)$/.exec(said) ?? [];
      assert.equal(Number(code), status, said);
      const answer: unknown = JSON.parse(body);
      assert.deepEqual(Object.keys(Object(answer)), ['message']);
      assert.match(Object(answer).message, message);
    });
  }
});
