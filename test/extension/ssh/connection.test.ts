import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import ssh2, { type Connection } from 'ssh2';
import { resolveSettings } from '../../../src/extension/ssh/config.ts';
import { SshConnection } from '../../../src/extension/ssh/connection.ts';
import { parseTarget } from '../../../src/extension/ssh/target.ts';

const never = new AbortController().signal;

/** Servers as a busy machine makes them: what usually comes apart comes at once, or late. */
describe('SSH connection to a server under load', function () {
  this.timeout(20_000);
  let server: Server;
  let client: InstanceType<typeof ssh2.Client>;

  afterEach(async () => {
    client.destroy();
    server.close();
    await once(server, 'close');
  });

  async function connectTo(behave: (connection: Connection, socket: Socket) => void): Promise<SshConnection> {
    const { private: hostKey } = ssh2.utils.generateKeyPairSync('ed25519');
    const ssh = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
      connection.on('authentication', (attempt) => attempt.accept());
      connection.on('error', () => undefined);
    });
    server = createServer((socket) => {
      ssh.once('connection', (connection) => behave(connection, socket));
      ssh.injectSocket(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    client = new ssh2.Client();
    client.on('error', () => undefined).connect({ host: '127.0.0.1', port: address.port, username: 'somebody' });
    await once(client, 'ready');
    return new SshConnection(client, await resolveSettings(parseTarget('localhost'), { signal: never }));
  }

  it('knows the exit of a program whose whole life came in one packet', async () => {
    const shell = await connectTo((connection, socket) => {
      connection.on('session', (accept) => {
        accept().on('exec', (begin) => {
          socket.cork();
          const stream = begin();
          stream.write('said');
          stream.exit(7);
          stream.end();
          setImmediate(() => socket.uncork());
        });
      });
    });
    const program = await shell.exec('anything', { signal: never });
    program.stdio.end();
    assert.equal(await text(program.stdio), 'said');
    assert.deepEqual(await program.exit, { code: 7 });
    shell.close();
  });

  it('asks again when a refusal came late, from before the last session’s end was noticed', async () => {
    let sessions = 0;
    const shell = await connectTo((connection) => {
      connection.on('session', (accept, refuse) => {
        sessions++;
        // Longer than any server needs that is not busy.
        if (sessions === 2) void delay(3_200).then(() => refuse());
        else {
          accept().on('exec', (begin) => {
            const stream = begin();
            stream.exit(0);
            stream.end();
          });
        }
      });
    });
    for (let at = 0; at < 2; at++) {
      const program = await shell.exec('anything', { signal: never });
      program.stdio.resume().end();
      assert.deepEqual(await program.exit, { code: 0 });
    }
    assert.equal(sessions, 3);
    shell.close();
  });

  it('says so when a server has no session for us at all', async () => {
    const shell = await connectTo((connection) => {
      connection.on('session', (_, refuse) => refuse());
    });
    await assert.rejects(shell.exec('anything', { signal: never }), { kind: 'unavailable' });
    shell.close();
  });
});
