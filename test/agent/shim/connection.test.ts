import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { Connection } from '../../../src/agent/shim/connection.ts';
import { frameOf } from '../../../src/agent/shim/wire.ts';
import { deferred } from '../../../src/base/async.ts';
import { until } from '../container/rig.ts';

describe('connection to a shim', function () {
  this.timeout(60_000);
  let directory: string;
  let server: Server;
  let shim: Socket;
  let agent: Socket;
  before(async () => {
    directory = await mkdtemp('/tmp/porthole-connection-');
    server = createServer().listen(join(directory, 's'));
    await once(server, 'listening');
    agent = connect(join(directory, 's'));
    [shim] = await once(server, 'connection');
  });
  after(async () => {
    agent?.destroy();
    shim?.destroy();
    server?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('handles every frame that came while a slow one was held back, though they come out in one turn', async () => {
    const slow = deferred<void>();
    const seen: number[] = [];
    const closed = deferred<void>();
    const connection = new Connection(agent, {
      onFrame: ({ type }) => {
        seen.push(type);
        return type === 1 ? slow.promise : undefined;
      },
      onClose: () => closed.resolve(),
    });
    shim.write(frameOf(1, 0));
    await until('the first frame is being handled', () => seen.length === 1);
    for (const type of [2, 3]) {
      const before = agent.readableLength;
      shim.write(frameOf(type, 0));
      await until(`frame ${type} waits in a chunk of its own`, () => agent.readableLength > before);
    }
    slow.resolve();
    await until('all frames are handled', () => seen.length === 3);
    assert.deepEqual(seen, [1, 2, 3]);
    connection.destroy();
    await closed.promise;
  });
});
