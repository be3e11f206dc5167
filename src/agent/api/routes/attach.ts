import { pipeline } from 'node:stream/promises';
import { badParameter } from '../errors.ts';
import { join } from '../hijack.ts';
import { type Call, type Reply, type Route, sent } from '../route.ts';
import { withoutFrames } from '../websocket.ts';

/** Streams of a container: live and stored. */
export const attachRoutes: readonly Route[] = [
  { method: 'POST', path: '/containers/{id}/attach', hijacks: true, handler: attach },
  { method: 'GET', path: '/containers/{id}/attach/ws', hijacks: true, handler: attachWebSocket },
  { method: 'GET', path: '/containers/{id}/logs', handler: logs },
];

/** Bytes of a body that nobody asked for. */
const bodyLimit = 64 * 1024;

async function attach(call: Call): Promise<Reply> {
  const { query } = call;
  const stdin = query.flag('stdin');
  const detachKeys = query.text('detachKeys');
  // dockerode repeats its options as a body: unread, it would reach the container as if it had been typed.
  if (Number(call.request.headers['content-length'] ?? 0) > 0) await call.readBody(bodyLimit);
  const streams = await call.engine.containers.attach(call.param('id'), {
    stdin,
    stdout: query.flag('stdout'),
    stderr: query.flag('stderr'),
    logs: query.flag('logs'),
    stream: query.flag('stream'),
    ...(detachKeys !== '' && { detachKeys }),
  });
  await join(streams.duplex, call.hijack(streamType(call, streams.tty)), { stdin });
  return sent;
}

async function attachWebSocket(call: Call): Promise<Reply> {
  const { query, minor } = call;
  // Before 1.42 dockerd attached to everything, whatever was asked for.
  const asks = (stream: string): boolean => minor < 42 || query.flag(stream);
  const stdin = asks('stdin');
  const detachKeys = query.text('detachKeys');
  const streams = await call.engine.containers.attach(call.param('id'), {
    stdin,
    stdout: asks('stdout'),
    stderr: asks('stderr'),
    logs: query.flag('logs'),
    stream: query.flag('stream'),
    ...(detachKeys !== '' && { detachKeys }),
  });
  try {
    const connection = call.webSocket({ text: minor < 28 });
    await join(streams.duplex, connection, { stdin, ...(!streams.tty && { through: withoutFrames() }) });
  } finally {
    streams.duplex.destroy();
  }
  return sent;
}

async function logs(call: Call): Promise<Reply> {
  const { query } = call;
  const [stdout, stderr] = [query.flag('stdout'), query.flag('stderr')];
  if (!stdout && !stderr) throw badParameter('Bad parameters: you must choose at least one stream');
  const [since, until] = [query.time('since'), query.time('until')];
  const tail = tailOf(query.text('tail'));
  const { tty, stream } = call.engine.containers.logs(call.param('id'), {
    follow: query.flag('follow'),
    stdout,
    stderr,
    timestamps: query.flag('timestamps'),
    details: query.flag('details'),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(tail !== undefined && { tail }),
    signal: call.signal,
  });
  call.response.writeHead(200, { 'Content-Type': streamType(call, tty) }).flushHeaders();
  await pipeline(stream, call.response, { signal: call.signal });
  return sent;
}

/** Docker's content types: raw with a terminal and for clients that do not know the other, else framed. */
export function streamType(call: Call, tty: boolean): string {
  return tty || call.minor < 42 ? 'application/vnd.docker.raw-stream' : 'application/vnd.docker.multiplexed-stream';
}

function tailOf(text: string): number | undefined {
  // dockerd reads whatever is no number as "all"; negative numbers too.
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
