import { createServer, type IncomingMessage, maxHeaderSize, type Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { Signal } from '../../base/async.ts';
import { errnoOf, messageOf } from '../../base/errors.ts';
import { dockerApi, productVersion } from '../../protocol/version.ts';
import { splitVersion } from './api-version.ts';
import { HttpCall, type Incoming } from './call.ts';
import type { Engine } from './engine.ts';
import { pageNotFound } from './errors.ts';
import { hangUp, readUpgradeBody } from './hijack.ts';
import { matcher, type Reply, type Route } from './route.ts';
import { allRoutes } from './routes/all.ts';
import { statusOf } from './status.ts';

export interface ApiServer {
  /** Not yet listening. */
  readonly http: Server;
  /** Stops listening, and gives the requests that are under way some time to be answered: many wait for what may never come. */
  drain(milliseconds: number): Promise<void>;
  /** Stops listening and ends every connection: what was written arrives, and each client sees an end, not a reset. */
  close(): Promise<void>;
}

export interface ApiOptions {
  /** Told of failures that the client sees as "internal" (500) only. */
  onFailure(what: string, failure: unknown): void;
}

/**
 * The Docker Engine API and /porthole/v1 over one HTTP server. It may listen before there is an engine: requests wait.
 *
 * A request finds its route, the handler replies or streams, and whatever it throws becomes Docker's
 * `{"message": ...}` with the status of its kind.
 */
export function createApiServer(ready: Engine | Promise<Engine>, options: ApiOptions): ApiServer {
  const find = matcher(allRoutes);
  const connections = new Set<Duplex>();
  const pending = new Set<AbortController>();
  const quiet = new Signal<void>();

  async function answer(incoming: Incoming): Promise<void> {
    const { request, response } = incoming;
    for (const [name, value] of ownHeaders) response.setHeader(name, value);
    // Before it is finished: node:http would throw the rest away itself, uncounted.
    response.once('prefinish', () => limitRest(request));
    const abort = new AbortController();
    const gone = (): void => abort.abort();
    // A connection may carry many requests: what this one adds to it, it takes away.
    request.socket.once('close', gone);
    pending.add(abort);
    let call: HttpCall | undefined;
    try {
      const { pathname, search } = splitTarget(request.url ?? '/');
      const { minor, path } = splitVersion(pathname);
      const match = find({ method: request.method ?? 'GET', path, minor });
      if (match === undefined) throw pageNotFound();
      const body = await bodyOfUpgrade(incoming, match.route);
      call = new HttpCall(incoming, { engine: await ready, match, search, minor, signal: abort.signal, ...body });
      send(response, await match.route.handler(call));
    } catch (failure) {
      if (abort.signal.aborted) response.destroy();
      else if (call?.isHijacked === true || response.headersSent) {
        options.onFailure(`${request.method} ${request.url}`, failure);
        request.socket.destroy();
      } else {
        if (statusOf(failure) === 500) options.onFailure(`${request.method} ${request.url}`, failure);
        sendFailure(response, failure);
      }
    } finally {
      request.socket.off('close', gone);
      pending.delete(abort);
      if (pending.size === 0) quiet.emit();
    }
  }

  const http = createServer({ requireHostHeader: false, keepAliveTimeout: 60_000, requestTimeout: 0, noDelay: true });
  http.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  // The answer that is under way on a connection: an upgrade may come right behind it.
  const underWay = new WeakMap<Duplex, ServerResponse>();
  http.on('request', (request, response) => {
    underWay.set(request.socket, response);
    void answer({ request, response });
  });
  // node:http has let go of the connection here: nobody else would hear its errors.
  const answerOn = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy());
    if (head.length > 0) socket.unshift(head);
    const before = underWay.get(socket);
    // A connection has one answer at a time: node:http would end the process.
    if (before && !before.writableFinished && !before.destroyed) {
      before.once('finish', () => answerUpgrade(request, socket));
      return;
    }
    answerUpgrade(request, socket);
  };
  const answerUpgrade = (request: IncomingMessage, socket: Duplex): void => {
    if (socket.destroyed) return;
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(request.socket);
    response.once('finish', () => hangUp(request.socket));
    void answer({ request, response, socket });
  };
  http.on('upgrade', answerOn);
  // A method and an expectation that nobody has here: they are answered like every other request.
  http.on('connect', answerOn);
  http.on('checkExpectation', (request, response) => {
    void answer({ request, response });
  });
  http.on('clientError', refuseMalformed);

  return {
    http,
    async drain(milliseconds) {
      http.close();
      if (pending.size > 0) await oneOf(quiet, milliseconds);
    },
    async close() {
      http.close();
      for (const abort of pending) abort.abort();
      for (const socket of connections) if (!socket.writableEnded) socket.resume().end();
      const deadline = Date.now() + closePatience;
      while (connections.size > 0 && Date.now() < deadline) await pause(5);
      for (const socket of connections) socket.destroy();
    },
  };
}

/** Milliseconds for clients to read what was written and to close their side. */
const closePatience = 500;

async function oneOf(signal: Signal<void>, milliseconds: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const listening = signal.on(() => {
      clearTimeout(timer);
      listening.dispose();
      resolve();
    });
  });
}

/**
 * Bytes of a body that are still taken once its request was answered. Go's servers, which clients know, take 256 KiB;
 * whoever sends all before listening hears the answer here.
 */
export const restLimit = 256 * 1024 * 1024;

/** The rest of a body is read so that its client hears the answer, but not for ever. */
function limitRest(request: IncomingMessage): void {
  if (request.complete) return;
  let left = restLimit;
  request.on('data', (part: Buffer) => {
    left -= part.length;
    if (left < 0) request.socket.destroy();
  });
}

/** What is no request gets an answer of Docker's shape all the same, and the connection ends: nobody knows where the next begins. */
function refuseMalformed(failure: Error, socket: Duplex): void {
  const code = errnoOf(failure) ?? '';
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] =
    code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', `the request line and headers are larger than ${maxHeaderSize} bytes`]
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'the request did not arrive in time']
        : ['400 Bad Request', `malformed HTTP request: ${messageOf(failure)}`];
  const body = `${JSON.stringify({ message })}\n`;
  const head = [`HTTP/1.1 ${status}`, 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`];
  const own = ownHeaders.map(([name, value]) => `${name}: ${value}`);
  socket.end(`${[...head, 'Connection: close', ...own].join('\r\n')}\r\n\r\n${body}`);
}

/**
 * An upgrade that the route does not know means nothing, as in dockerd. What node:http has let go of is read here: only
 * who reads learns that the client has gone.
 */
async function bodyOfUpgrade({ request, socket }: Incoming, route: Route): Promise<{ readonly body?: Buffer }> {
  if (socket === undefined || route.hijacks) return {};
  const body = await readUpgradeBody(request, socket, upgradeLimit);
  socket.once('end', () => socket.destroy()).resume();
  return { body };
}

/** Bytes of a body that comes with an upgrade which nobody asked for. */
const upgradeLimit = 4 * 1024 * 1024;

const ownHeaders = [
  ['Api-Version', dockerApi.newest],
  ['Docker-Experimental', 'false'],
  ['Ostype', 'linux'],
  ['Server', `Porthole/${productVersion} (linux)`],
] as const;

/** The request's target as it was sent: `new URL` would resolve dots and re-encode names. */
function splitTarget(target: string): { pathname: string; search: string } {
  const path = target.replace(/^https?:\/\/[^/]*/, '');
  const mark = path.indexOf('?');
  return mark < 0 ? { pathname: path, search: '' } : { pathname: path.slice(0, mark), search: path.slice(mark + 1) };
}

function send(response: ServerResponse, reply: Reply): void {
  switch (reply.kind) {
    case 'sent':
      return;
    case 'empty':
      response.writeHead(reply.status).end();
      return;
    case 'text':
      // Also of a HEAD, which has no body: node:http would else announce one in pieces.
      response
        .writeHead(reply.status, {
          'Content-Type': 'text/plain; charset=utf-8',
          'Content-Length': response.req.method === 'HEAD' ? 0 : Buffer.byteLength(reply.text),
        })
        .end(reply.text);
      return;
    case 'json':
      sendJson(response, reply.status, reply.text);
  }
}

function sendFailure(response: ServerResponse, failure: unknown): void {
  const status = statusOf(failure);
  if (status === 304) response.writeHead(304).end();
  else sendJson(response, status, JSON.stringify({ message: messageOf(failure) }));
}

function sendJson(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(`${text}\n`);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body);
}
