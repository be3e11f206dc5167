import { open } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { basename, dirname } from 'node:path';
import { deferred } from '../../base/async.ts';
import { canceled, isKind } from '../../base/errors.ts';
import { Connection } from './connection.ts';
import type { ConnectOptions, StartedShim } from './contract.ts';
import { noShim, shimSpeaksNonsense, shimTooNew } from './errors.ts';
import { LiveShim } from './live.ts';
import { readRecord } from './record.ts';
import { type Frame, frame, parseHello, protocolVersion } from './wire.ts';

/** A unix socket's address holds this many bytes of path. */
const longestAddress = 107;
/** One that ends between our connect and its accept hangs up once; after that nobody listens. */
const attempts = 3;

export async function connectToShim(path: string, options: ConnectOptions = {}): Promise<StartedShim> {
  if (Buffer.byteLength(path) <= longestAddress) return greetSurely(path, path, options);
  // The directory's descriptor stands for its name, however long that is.
  const directory = await open(dirname(path), 'r').catch((cause: unknown) => Promise.reject(noShim(path, cause)));
  try {
    return await greetSurely(`/proc/self/fd/${directory.fd}/${basename(path)}`, path, options);
  } finally {
    await directory.close();
  }
}

async function greetSurely(address: string, path: string, options: ConnectOptions): Promise<StartedShim> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await greet(address, path, options);
    } catch (failure) {
      if (attempt === attempts || !isKind(failure, 'unavailable')) throw failure;
    }
  }
}

function greet(address: string, path: string, { signal, recordPath }: ConnectOptions): Promise<StartedShim> {
  if (signal?.aborted) return Promise.reject(canceled(`connecting to ${path}`));
  const greeted = deferred<StartedShim>();
  const socket = createConnection(address);
  let live: LiveShim | undefined;
  let cause: unknown;
  let isAnswered = false;
  socket.once('error', (error) => {
    cause = error;
  });
  socket.once('connect', () => {
    isAnswered = true;
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
    if (hello.state !== 'running' || hello.pid === 0) {
      connection.destroy();
      return;
    }
    live = new LiveShim(connection, {
      ...hello,
      subscribers: new Set(),
      findRecord: () => (recordPath === undefined ? Promise.resolve(undefined) : readRecord(recordPath)),
    });
    greeted.resolve(live);
  };
  const onClose = (): void => {
    if (live) live.closed();
    else greeted.reject(isAnswered ? shimSpeaksNonsense(path, cause) : noShim(path, cause));
  };
  const connection = new Connection(socket, { onFrame, onClose });
  const onAbort = (): void => {
    greeted.reject(canceled(`connecting to ${path}`));
    connection.destroy();
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  return greeted.promise.finally(() => signal?.removeEventListener('abort', onAbort));
}
