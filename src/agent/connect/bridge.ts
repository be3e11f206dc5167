import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf } from '../../base/errors.ts';
import type { Hello } from '../../protocol/porthole.ts';

/** What the bridge leads to. */
export interface BridgeTargets {
  /** Unix sockets by authority; of several the first that takes a connection. */
  readonly sockets: ReadonlyMap<string, readonly string[]>;
  readonly hello: Hello;
}

/** Bytes in flight per stream and per connection: a window of 64 KiB over a line of 50 ms carries 1.3 MB/s only. */
const streamWindow = 4 * 1024 * 1024;
const connectionWindow = 64 * 1024 * 1024;

/**
 * An HTTP/2 server over one duplex. A CONNECT stream to `porthole`, `docker` or `podman` becomes one connection to
 * that unix socket, one to `127.0.0.1:PORT` a connection to that port of the host, which whoever logged in may use anyway;
 * `GET /hello` tells who is there. Resolves when the client has closed the session.
 */
export async function serveBridge(channel: Duplex, targets: BridgeTargets): Promise<void> {
  const server = createServer({
    settings: { initialWindowSize: streamWindow, maxConcurrentStreams: 10_000 },
    // In MB; the default of 10 ends streams when many are read slowly.
    maxSessionMemory: 256,
    // A tunnel may rest for hours: the client's pings tell whether it lives.
    unknownProtocolTimeout: 0,
  });
  server.setTimeout(0);
  server.on('stream', (stream, headers) => answer(stream, headers, targets));
  const over = new Promise<void>((resolve) => {
    server.on('session', (session: ServerHttp2Session) => {
      session.setLocalWindowSize(connectionWindow);
      session.on('error', () => session.destroy());
      session.once('close', resolve);
    });
    channel.once('close', resolve);
  });
  server.emit('connection', channel);
  await over;
  channel.destroy();
}

function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, targets: BridgeTargets): void {
  stream.on('error', () => stream.destroy());
  if (headers[':method'] === 'CONNECT') {
    tunnel(stream, headers[':authority'] ?? '', targets);
  } else if (headers[':method'] === 'GET' && headers[':path'] === '/hello') {
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    stream.end(`${JSON.stringify(targets.hello)}\n`);
  } else {
    refuse(stream, 404, 'the bridge answers GET /hello and CONNECT only');
  }
}

function tunnel(stream: ServerHttp2Stream, authority: string, targets: BridgeTargets): void {
  const port = /^127\.0\.0\.1:(\d{1,5})$/.exec(authority)?.[1];
  const ports = port !== undefined && Number(port) < 65536 ? [{ host: '127.0.0.1', port: Number(port) }] : [];
  const [first, ...others] = [...ports, ...(targets.sockets.get(authority) ?? []).map((path) => ({ path }))];
  if (first === undefined) refuse(stream, 404, `there is no engine ${JSON.stringify(authority.slice(0, 100))}`);
  else reach(stream, first, others);
}

type Place = { readonly path: string } | { readonly host: string; readonly port: number };

/** Connects to the first place that answers. */
function reach(stream: ServerHttp2Stream, place: Place, others: readonly Place[]): void {
  const socket = connect({ ...place, allowHalfOpen: true });
  const abandoned = (): void => {
    socket.destroy();
  };
  stream.once('close', abandoned);
  const failed = (failure: unknown): void => {
    stream.off('close', abandoned);
    socket.destroy();
    if (stream.destroyed) return;
    const [next, ...rest] = others;
    if (next === undefined) refuse(stream, 502, messageOf(failure));
    else reach(stream, next, rest);
  };
  socket.once('error', failed);
  socket.once('connect', () => {
    socket.off('error', failed);
    stream.respond({ ':status': 200 });
    // Each direction ends by itself; a broken one takes the other with it.
    socket.on('error', () => stream.close(constants.NGHTTP2_CONNECT_ERROR));
    socket.once('close', () => {
      if (!stream.writableEnded) stream.end();
    });
    stream.pipe(socket);
    socket.pipe(stream);
  });
}

function refuse(stream: ServerHttp2Stream, status: number, message: string): void {
  // Without a reader Node resets a stream as soon as its answer is out, and the client may lose the words.
  stream.resume();
  stream.respond({ ':status': status, 'content-type': 'application/json' });
  stream.end(`${JSON.stringify({ message })}\n`);
}
