import { open } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { basename, dirname } from 'node:path';
import { deferred } from '../../base/async.ts';
import { Connection } from './connection.ts';
import type { StartedShim } from './contract.ts';
import { noShim, shimTooNew } from './errors.ts';
import { LiveShim } from './live.ts';
import { type Frame, frame, parseHello, protocolVersion } from './wire.ts';

/** A unix socket's address holds this many bytes of path. */
const longestAddress = 107;

export async function connectToShim(path: string): Promise<StartedShim> {
  if (Buffer.byteLength(path) <= longestAddress) return greet(path, path);
  // The directory's descriptor stands for its name, however long that is.
  const directory = await open(dirname(path), 'r').catch((cause: unknown) => Promise.reject(noShim(path, cause)));
  try {
    return await greet(`/proc/self/fd/${directory.fd}/${basename(path)}`, path);
  } finally {
    await directory.close();
  }
}

function greet(address: string, path: string): Promise<StartedShim> {
  const greeted = deferred<StartedShim>();
  const socket = createConnection(address);
  let live: LiveShim | undefined;
  let cause: unknown;
  socket.once('error', (error) => {
    cause = error;
  });
  const onFrame = (received: Frame): void | Promise<void> => {
    if (live) return live.handle(received);
    if (received.type !== frame.hello) return;
    const hello = parseHello(received.data);
    if (hello.version > protocolVersion) {
      greeted.reject(shimTooNew(hello.version, protocolVersion));
      connection.destroy();
      return;
    }
    live = new LiveShim(connection, {
      ...hello,
      subscribers: new Set(),
      findRecord: () => Promise.resolve(undefined),
    });
    greeted.resolve(live);
  };
  const onClose = (): void => {
    if (live) live.closed();
    // Also one that ended between our connect and its accept.
    else greeted.reject(noShim(path, cause));
  };
  const connection = new Connection(socket, { onFrame, onClose });
  return greeted.promise;
}
