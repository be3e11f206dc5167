import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { makeStarterImage, starterImage } from '../../../scripts/starter-image.ts';
import { type RunningAgent, startAgent } from '../../support/agent.ts';
import { type Dockerd, startDockerd } from '../../support/dockerd.ts';
import { requires } from '../../support/tools.ts';

const exec = promisify(execFile);

/** Node's own client, in a process of its own because Node 20 has it behind a flag: it says what it received. */
const client = `
  const [url, ...typed] = process.argv.slice(1);
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  let received = '';
  socket.onopen = () => typed.forEach((line) => socket.send(line));
  socket.onmessage = ({ data }) => { received += typeof data === 'string' ? 'T:' + data : Buffer.from(data).toString(); };
  socket.onclose = ({ code }) => console.log(JSON.stringify({ code, received }));
`;

describe('api: attaching through a WebSocket', function () {
  this.timeout(60_000);
  let agent: RunningAgent;
  let dockerd: Dockerd;
  const proxies: Server[] = [];
  const engines: { docker: Docker; port: number; socket: string }[] = [];

  before(async function () {
    requires(this, { root: true, programs: ['dockerd'] });
    [agent, dockerd] = await Promise.all([startAgent(), startDockerd()]);
    const image = await makeStarterImage();
    for (const { socket } of [agent, dockerd]) {
      const docker = new Docker({ socketPath: socket });
      await text(await docker.loadImage(Readable.from([image]), {}));
      engines.push({ docker, port: await proxyTo(socket, proxies), socket });
    }
  });
  after(async () => {
    for (const proxy of proxies) proxy.close();
    await Promise.all([agent?.stop(), dockerd?.stop()]);
  });

  async function talk(
    options: { cmd: string[]; query: string; typed?: string[]; tty?: boolean; version?: string },
    engine: (typeof engines)[number],
  ): Promise<{ code: number; received: string }> {
    const container = await engine.docker.createContainer({
      Image: starterImage,
      Cmd: options.cmd,
      Tty: options.tty ?? false,
      OpenStdin: true,
      StdinOnce: true,
      HostConfig: { NetworkMode: 'none' },
    });
    await container.start();
    const url = `ws://127.0.0.1:${engine.port}/${options.version ?? 'v1.41'}/containers/${container.id}/attach/ws?${options.query}`;
    const args = ['--experimental-websocket', '--no-warnings', '-e', client, url, ...(options.typed ?? [])];
    const { stdout } = await exec(process.execPath, args);
    await container.remove({ force: true });
    return JSON.parse(stdout);
  }

  const cases: readonly Parameters<typeof talk>[0][] = [
    // Two pipes have no order between them, so each is asked alone.
    { cmd: ['sh', '-c', 'read a; echo "out $a"'], query: 'stream=1', typed: ['hello\n'] },
    { cmd: ['sh', '-c', 'read a; echo "err $a" >&2'], query: 'stream=1', typed: ['hello\n'] },
    { cmd: ['sh', '-c', 'read a; echo "tty $a"'], query: 'stream=1', typed: ['hello\n'], tty: true },
    { cmd: ['sh', '-c', 'read a; yes | head -c 300000 | tr -d "\\n"'], query: 'stream=1', typed: ['go\n'] },
    { cmd: ['sh', '-c', 'read a; echo $a'], query: 'stream=1', typed: ['x', 'y', 'z'.repeat(70_000), '\n'] },
  ];
  for (const one of cases) {
    it(`${one.tty ? 'a terminal: ' : ''}${one.cmd.at(-1)}: the same bytes as from dockerd`, async () => {
      const [ours, theirs] = await Promise.all(engines.map((engine) => talk(one, engine)));
      assert.equal(ours?.received, theirs?.received);
      assert.ok((ours?.received.length ?? 0) > 0);
      assert.equal(ours?.code, 1000);
    });
  }

  it('since 1.42 only the streams that are asked for', async () => {
    const [ours] = engines;
    assert.ok(ours);
    const cmd = ['sh', '-c', 'read a; echo out; echo err >&2'];
    const query = 'stream=1&stdin=1&stderr=1';
    assert.equal((await talk({ cmd, query, typed: ['\n'], version: 'v1.42' }, ours)).received, 'err\n');
  });

  it('refuses what is no WebSocket handshake, and containers that are not there, before it upgrades', async () => {
    const [ours] = engines;
    assert.ok(ours);
    const made = await ours.docker.createContainer({ Image: starterImage, HostConfig: { NetworkMode: 'none' } });
    const path = `/containers/${made.id}/attach/ws`;
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    assert.match(await raw(ours.socket, path, ''), /^HTTP\/1.1 400 /);
    assert.match(await raw(ours.socket, path, upgrade), /^HTTP\/1.1 400 .*WebSocket handshake/s);
    assert.match(await raw(ours.socket, path, upgrade + key.replace('13', '8')), /^HTTP\/1.1 400 /);
    assert.match(await raw(ours.socket, path, `Connection: Upgrade\r\nUpgrade: tcp\r\n${key}`), /^HTTP\/1.1 400 /);
    const missing = await raw(ours.socket, '/containers/none/attach/ws', upgrade + key);
    assert.match(missing, /^HTTP\/1.1 404 .*"No such container: none"/s);
    // The accept key of RFC 6455's own example.
    const good = await raw(ours.socket, `${path}?logs=1`, upgrade + key);
    assert.match(good, /^HTTP\/1.1 101 .*\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/s);
    await made.remove();
  });

  const broken: readonly (readonly [what: string, frame: Buffer])[] = [
    ['a frame without a mask', Buffer.from([0x82, 1, 65])],
    ['an unknown opcode', Buffer.from([0x83, 0x81, 1, 2, 3, 4, 65])],
    ['a bit of an extension', Buffer.from([0xc2, 0x81, 1, 2, 3, 4, 65])],
    ['a long ping', Buffer.concat([Buffer.from([0x89, 0xfe, 0, 200, 1, 2, 3, 4]), Buffer.alloc(200)])],
  ];
  for (const [what, frame] of broken) {
    it(`ends with 1002 on ${what}`, async () => {
      const [ours] = engines;
      assert.ok(ours);
      const { connection, container } = await attached(ours);
      connection.write(frame);
      const bytes = Buffer.concat(await connection.toArray());
      assert.deepEqual([...bytes.subarray(-4)], [0x88, 2, 0x03, 0xea]);
      await container.remove({ force: true });
    });
  }

  it('a frame that says it is endless costs nothing; pings are answered in between', async () => {
    const [ours] = engines;
    assert.ok(ours);
    const { connection, container } = await attached(ours);
    const endless = Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    connection.write(Buffer.concat([Buffer.from([0x89, 0x83, 0, 0, 0, 0]), Buffer.from('abc'), endless]));
    // Byte by byte: heads may be cut anywhere.
    for (const byte of Buffer.from('first\nsecond\n')) connection.write(Buffer.from([byte]));
    const wanted = Buffer.concat([Buffer.from([0x8a, 3]), Buffer.from('abc')]);
    let received = Buffer.alloc(0);
    for await (const chunk of connection) {
      received = Buffer.concat([received, chunk]);
      if (received.includes('got second')) break;
    }
    assert.ok(received.includes(wanted) && received.includes('got first'));
    await container.remove({ force: true });
  });

  async function attached(
    engine: (typeof engines)[number],
  ): Promise<{ connection: Socket; container: Docker.Container }> {
    const container = await engine.docker.createContainer({
      Image: starterImage,
      Cmd: ['sh', '-c', 'while read a; do echo "got $a"; done'],
      OpenStdin: true,
      HostConfig: { NetworkMode: 'none' },
    });
    await container.start();
    const connection = connect(engine.socket);
    connection.write(
      `GET /containers/${container.id}/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n` +
        `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
    await new Promise<void>((resolve) => connection.once('data', () => resolve()));
    return { connection, container };
  }
});

async function proxyTo(socket: string, proxies: Server[]): Promise<number> {
  const server = createServer((incoming) => {
    const outgoing = connect(socket);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('error', () => outgoing.destroy());
    outgoing.on('error', () => incoming.destroy());
  });
  proxies.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** What the server says to a head of our own, until it ends or upgrades. */
function raw(socketPath: string, path: string, headers: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = connect(socketPath);
    let said = '';
    connection.on('data', (chunk) => {
      said += chunk.toString('latin1');
      if (said.startsWith('HTTP/1.1 101') || /\r\n\r\n.*\}\n$/s.test(said)) connection.destroy();
    });
    connection.once('close', () => resolve(said)).once('error', reject);
    connection.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
  });
}
