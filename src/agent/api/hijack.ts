import type { IncomingMessage } from 'node:http';
import type { Duplex, Transform } from 'node:stream';
import { bodyTooLarge } from './errors.ts';

/** Events by which node:http reads a connection. At its close it lets go of the parser, and others have waited for that too. */
const httpEvents = ['data', 'end', 'drain', 'error', 'timeout'] as const;

/**
 * Takes a connection out of node:http's hands once its request has been read, so that raw bytes can follow. It is what
 * node:http itself does for an upgrade; a client that did not ask for one (API below 1.22, scripts) needs it too.
 */
export function takeSocket(request: IncomingMessage): Duplex {
  const { socket } = request;
  for (const event of httpEvents) socket.removeAllListeners(event);
  socket.setTimeout(0);
  return socket;
}

/** The head that ends HTTP on this connection. `upgrade` is the protocol that the client asked for. */
export function hijackHead(options: {
  readonly upgrade: string | undefined;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
}): string {
  const { upgrade, contentType, headers } = options;
  const lines =
    upgrade === undefined
      ? ['HTTP/1.1 200 OK', `Content-Type: ${contentType}`]
      : ['HTTP/1.1 101 UPGRADED', `Content-Type: ${contentType}`, 'Connection: Upgrade', `Upgrade: ${upgrade}`];
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return `${[...lines, ...more].join('\r\n')}\r\n\r\n`;
}

/** The body of a request whose connection was handed over before it was read. @throws invalid above `limit` bytes. */
export async function readUpgradeBody(request: IncomingMessage, socket: Duplex, limit: number): Promise<Buffer> {
  const length = Number(request.headers['content-length'] ?? 0);
  if (!(length > 0)) return Buffer.alloc(0);
  if (length > limit) throw bodyTooLarge(limit);
  const parts: Buffer[] = [];
  for (let missing = length; missing > 0; ) {
    const part: unknown = socket.read(Math.min(missing, socket.readableLength || missing));
    if (part instanceof Buffer) {
      parts.push(part);
      missing -= part.length;
    } else if (socket.readableEnded || socket.destroyed) {
      break;
    } else {
      await readable(socket);
    }
  }
  return Buffer.concat(parts);
}

async function readable(socket: Duplex): Promise<void> {
  const events = ['readable', 'end', 'close', 'error'] as const;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      for (const event of events) socket.off(event, done);
      resolve();
    };
    for (const event of events) socket.on(event, done);
  });
}

/**
 * Joins a process's streams with a client's connection until the output ended or either side is gone. An end of the
 * client's input ends the process's input only; the output goes on.
 */
export async function join(
  streams: Duplex,
  connection: Duplex,
  options: { readonly stdin: boolean; readonly through?: Transform },
): Promise<void> {
  await new Promise<void>((resolve) => {
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      connection.unpipe(streams);
      streams.destroy();
      hangUp(connection);
      resolve();
    };
    const output = options.through === undefined ? streams : streams.pipe(options.through);
    output.once('end', over);
    // What has ended is still on its way through; what was torn down will never end.
    streams.once('close', () => {
      if (!streams.readableEnded) over();
    });
    streams.on('error', over);
    connection.once('close', over).on('error', over);
    if (options.stdin) connection.pipe(streams, { end: true });
    else connection.resume();
    output.pipe(connection, { end: false });
  });
}

/**
 * What was written goes out before the connection closes. What the client still sends is read and dropped meanwhile: a
 * socket that is closed with input unread resets the connection, and the client may lose the output that was on its way.
 */
export function hangUp(connection: Duplex): void {
  if (connection.destroyed) return;
  const patience = setTimeout(() => connection.destroy(), patienceMs);
  const close = (): void => {
    if (connection.writableFinished && connection.readableEnded) connection.destroy();
  };
  connection.once('end', close).once('close', () => clearTimeout(patience));
  connection.resume();
  connection.end(close);
}

/** For the end of a client that got ours; Docker's clients answer at once. */
const patienceMs = 2_000;
