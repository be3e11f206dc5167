import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Duplex, PassThrough, Readable } from 'node:stream';
import { PortholeError } from '../../base/errors.ts';
import type { Engine } from './engine.ts';
import { badParameter, bodyTooLarge, bodyTooLate, uploadCut } from './errors.ts';
import { hijackHead, readUpgradeBody, takeSocket } from './hijack.ts';
import { Query } from './query.ts';
import type { Call, Match } from './route.ts';
import { WebSocketStream, webSocketHead } from './websocket.ts';

/** How a request came in. `socket` is there when node:http has let go of the connection already. */
export interface Incoming {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket?: Duplex;
}

/** A matched request as a `Call`. The owner aborts `signal` when the client goes away. */
export class HttpCall implements Call {
  readonly engine: Engine;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: Query;
  readonly minor: number;
  readonly signal: AbortSignal;
  readonly #socket: Duplex | undefined;
  readonly #params: ReadonlyMap<string, string>;
  readonly #body: Buffer | undefined;
  #isHijacked = false;

  constructor(
    incoming: Incoming,
    parts: {
      engine: Engine;
      match: Match;
      search: string;
      minor: number;
      signal: AbortSignal;
      /** What was read of it already. */
      body?: Buffer;
    },
  ) {
    this.request = incoming.request;
    this.response = incoming.response;
    this.#socket = incoming.socket;
    this.engine = parts.engine;
    this.query = new Query(parts.search);
    this.minor = parts.minor;
    this.signal = parts.signal;
    this.#params = parts.match.params;
    this.#body = parts.body;
  }

  get isHijacked(): boolean {
    return this.#isHijacked;
  }

  param(name: string): string {
    const value = this.#params.get(name);
    if (value === undefined) throw new PortholeError('internal', `the route has no part ${name}`);
    try {
      return decodeURIComponent(value);
    } catch {
      throw badParameter(`invalid path: ${value.slice(0, 100)} is not URL-encoded text`);
    }
  }

  async readBody(limit: number): Promise<Buffer> {
    if (this.#socket !== undefined && this.#body === undefined)
      return readUpgradeBody(this.request, this.#socket, limit);
    const parts: Buffer[] = [];
    let length = 0;
    const upload = this.upload();
    // Uploads may rest for as long as their source does; a document comes at once, or its client is stuck.
    const late = setTimeout(() => upload.destroy(bodyTooLate()), documentPatience);
    try {
      for await (const part of upload) {
        if (!(part instanceof Buffer)) continue;
        length += part.length;
        if (length > limit) throw bodyTooLarge(limit);
        parts.push(part);
      }
    } finally {
      clearTimeout(late);
    }
    return Buffer.concat(parts);
  }

  upload(): Readable {
    if (this.#body !== undefined) return Readable.from([this.#body], { objectMode: false });
    const { request } = this;
    const body = new PassThrough();
    // Whoever reads it hears of its failure then: a client that leaves before anybody reads must not end the agent.
    body.on('error', () => undefined);
    request.pipe(body);
    request.once('close', () => {
      if (!request.complete) body.destroy(uploadCut());
    });
    body.once('close', () => {
      request.unpipe(body);
      request.resume();
    });
    return body;
  }

  webSocket(options: { readonly text: boolean }): Duplex {
    const socket = this.#socket;
    const head = webSocketHead(this.request, this.#ownHeaders());
    if (socket === undefined) throw badParameter('a WebSocket handshake is expected here');
    this.#isHijacked = true;
    this.response.detachSocket(this.request.socket);
    socket.write(head);
    return new WebSocketStream(socket, options);
  }

  hijack(contentType: string): Duplex {
    this.#isHijacked = true;
    const socket = this.#socket ?? takeSocket(this.request);
    if (this.#socket !== undefined) this.response.detachSocket(this.request.socket);
    const upgrade = this.#socket === undefined ? undefined : (this.request.headers.upgrade ?? 'tcp');
    socket.write(hijackHead({ upgrade, contentType, headers: this.#ownHeaders() }));
    return socket;
  }

  #ownHeaders(): Record<string, string> {
    const headers = Object.entries(this.response.getHeaders());
    return Object.fromEntries(headers.map(([name, value]) => [capitalized(name), String(value)]));
  }
}

/** Milliseconds. */
const documentPatience = 60_000;

/** Node gives header names in lower case; dockerd's begin with capitals. */
function capitalized(name: string): string {
  return name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
