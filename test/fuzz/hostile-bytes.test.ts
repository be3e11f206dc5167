import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { ask } from '../support/agent.ts';
import { requires } from '../support/tools.ts';
import { Random } from './random.ts';
import { mutatedTar } from './tars.ts';
import { openWorld, type World } from './world.ts';

const seed = Number(process.env['PORTHOLE_SEED'] ?? Date.now() % 1_000_000);

describe(`fuzz: bytes that nobody expects (PORTHOLE_SEED=${seed})`, function () {
  this.timeout(120_000);
  let world: World;
  const random = new Random(seed);

  before(async function () {
    requires(this, { root: true });
    world = await openWorld();
    await world.restore();
  });
  after(() => world?.close());

  /** All that the agent says to these bytes, sent in pieces, and whether it ended the connection before we did. */
  async function say(pieces: readonly (string | Buffer)[], { hangUp = false } = {}): Promise<string> {
    const socket = connect(world.agent.socket);
    socket.on('error', () => undefined);
    for (const piece of pieces) {
      if (socket.destroyed) break;
      await new Promise((resolve) => socket.write(piece, resolve));
    }
    if (hangUp) {
      socket.destroy();
      return '';
    }
    socket.end();
    return Buffer.concat(await socket.toArray().catch(() => [])).toString('latin1');
  }

  /** Every answer in what was said is a success or of Docker's shape. */
  function check(said: string, asked: string): void {
    for (const answer of said.split(/(?=HTTP\/1\.1 \d{3} )/)) {
      const [, status, body = ''] = /^HTTP\/1\.1 (\d+)[\s\S]*?\r\n\r\n([\s\S]*)$/.exec(answer) ?? [];
      assert.ok(said === '' || status !== undefined, `${asked}: ${said.slice(0, 300)}`);
      assert.notEqual(status, '500', `${asked}: ${answer}`);
      if (Number(status) >= 400) assert.match(JSON.parse(body.slice(0, body.lastIndexOf('}') + 1)).message, /./, asked);
    }
  }

  const post = 'POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
  const long = 'x'.repeat(20_000);
  const strange: readonly (readonly [what: string, pieces: readonly string[]])[] = [
    ['a length that lies, too short', [`${post}Content-Length: 2\r\n\r\n{"Image":"x"}`]],
    ['a length that lies, too long', [`${post}Content-Length: 900\r\n\r\n{}`]],
    ['two lengths', [`${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`]],
    ['a negative length', [`${post}Content-Length: -2\r\n\r\n{}`]],
    ['a length of another world', [`${post}Content-Length: 99999999999999999999\r\n\r\n{}`]],
    ['a length and chunks', [`${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`]],
    ['chunks that lie', [`${post}Transfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n0\r\n\r\n`]],
    ['a chunk without end', [`${post}Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n{}`]],
    ['chunk sizes that are none', [`${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`]],
    [
      'a chunk extension without end',
      [`${post}Transfer-Encoding: chunked\r\n\r\n2;${long}`, long, '\r\n{}\r\n0\r\n\r\n'],
    ],
    ['an unknown encoding', [`${post}Transfer-Encoding: gzip\r\n\r\n{}`]],
    ['pipelining', ['GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50)]],
    [
      'pipelining behind an upgrade of nothing',
      [
        'GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
        'GET /info HTTP/1.1\r\nHost: x\r\n\r\n',
      ],
    ],
    ['an upgrade with a body', [`${post}Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n`, '{', '}']],
    [
      'an upgrade whose body is missing',
      [`${post}Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 200\r\n\r\n{}`],
    ],
    [
      'an upgrade with a giant body',
      [`${post}Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 5000000\r\n\r\n{}`],
    ],
    ['a thousand headers', [`GET /_ping HTTP/1.1\r\n${'A: b\r\n'.repeat(3000)}\r\n`]],
    ['one huge header', [`GET /_ping HTTP/1.1\r\nA: ${long}\r\n\r\n`]],
    ['HTTP/0.9', ['GET /\r\n']],
    ['HTTP/2', ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']],
    ['TLS', ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03']],
    ['no host', ['GET /_ping HTTP/1.1\r\n\r\n']],
    ['a space in the path', ['GET /a b HTTP/1.1\r\nHost: x\r\n\r\n']],
    ['an absolute address', ['GET http://other/_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n']],
    ['a line feed alone', ['GET /_ping HTTP/1.1\nHost: x\n\n']],
    ['a folded header', ['GET /_ping HTTP/1.1\r\nHost: x\r\n y\r\n\r\n']],
  ];
  for (const [what, pieces] of strange) {
    it(`HTTP: ${what}`, async () => {
      check(await say(pieces), what);
      await say(pieces, { hangUp: true });
    });
  }

  it('HTTP: random bytes, alone and behind good beginnings', async () => {
    const leads = [
      '',
      'GET ',
      'GET / HTTP/1.1\r\n',
      `${post}Content-Length: 9\r\n`,
      `${post}Transfer-Encoding: chunked\r\n\r\n`,
    ];
    for (let count = 0; count < 150; count++) {
      const bytes = random.bytes(1 + random.below(300));
      check(await say([random.pick(leads), bytes]), bytes.toString('hex'));
    }
  });

  it('WebSocket: random frames end the client’s connection at most', async () => {
    const key = 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
    const head = `GET /containers/runs/attach/ws?stream=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n${key}\r\n\r\n`;
    const frames = Array.from({ length: 60 }, () => random.bytes(random.below(200)));
    const ends = frames.map((bytes) => say([head, bytes, Buffer.from([0x88, 0x80, 0, 0, 0, 0])]));
    for (const said of await Promise.all(ends)) assert.match(said, /^HTTP\/1\.1 101 /);
  });

  it('300 damaged archives at PUT archive: unpacked or refused, and nothing gets out', async () => {
    const put = async (): Promise<void> => {
      const tar = mutatedTar(random);
      const name = random.pick(['runs', 'fuzzed', 'sleeps']);
      const said = await say([
        `PUT /containers/${name}/archive?path=/tmp HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${tar.length}\r\n\r\n`,
        tar,
      ]);
      check(said, tar.toString('base64'));
    };
    for (let count = 0; count < 300; count += 10) await Promise.all(Array.from({ length: 10 }, put));
    for (const path of ['/tmp/escape', '/escape', '/etc/absolute']) assert.equal(existsSync(path), false, path);
  });

  it('the shim: cut, oversized and unknown frames end the connection at most; the container lives', async () => {
    const { State: state, Id: id } = JSON.parse((await ask(world.agent.socket, 'GET', '/containers/runs/json')).body);
    const path = join(world.agent.execRoot, 'containers', id, 'shim.sock');
    const say = async (bytes: Buffer): Promise<void> => {
      const socket: Socket = connect(path);
      socket.on('error', () => undefined).resume();
      await new Promise((resolve) => socket.once('close', resolve).end(bytes));
    };
    const signal = 6;
    for (let count = 0; count < 300; count++) {
      const type = random.pick([0, 1, 2, 3, 4, 5, 7, 8, 9, 64, 65, 71, 200, 2 ** 31]);
      const data = random.bytes(random.pick([0, 1, 3, 4, 200, 32_768]));
      const frame = Buffer.alloc(8);
      frame.writeUInt32LE(type);
      frame.writeUInt32LE(random.chance(0.7) ? data.length : random.pick([0, 1, 32_769, 2 ** 31, 2 ** 32 - 1]), 4);
      const whole = Buffer.concat([frame, data]);
      // What follows a wrong length is read as frames: none of them may be a signal that is meant.
      if (whole.some((byte, at) => byte === signal && whole.readUInt32LE(Math.min(at, whole.length - 4)) === signal))
        continue;
      await say(random.chance(0.3) ? whole.subarray(0, random.below(whole.length)) : whole);
    }
    const now = JSON.parse((await ask(world.agent.socket, 'GET', '/containers/runs/json')).body).State;
    assert.deepEqual([now.Running, now.Pid], [true, state.Pid]);
    assert.equal((await ask(world.agent.socket, 'POST', '/containers/runs/kill?signal=KILL')).status, 204);
  });
});
