import http from 'node:http';
import type { Duplex } from 'node:stream';
import { inspect } from 'node:util';
import Dockerode from 'dockerode';
import { canceled, type ErrorKind, PortholeError } from '../../base/errors.ts';
import { phrase } from '../../base/phrases.ts';
import type { EngineKind, SendOptions } from './contract.ts';
import { badAnswer, tooLarge, wordsOf } from './problems.ts';

type Dial = (kind: EngineKind) => Duplex;

/** HTTP clients whose connections are made by `dial`: Docker clients for every engine, and `/porthole/v1`. */
export class Engines {
  readonly #dial: Dial;
  readonly #clients = new Map<EngineKind, Dockerode>();
  readonly #agent: http.Agent;

  constructor(dial: Dial) {
    this.#dial = dial;
    this.#agent = new DialingAgent(() => dial('porthole'));
  }

  client(kind: EngineKind): Dockerode {
    let client = this.#clients.get(kind);
    if (!client) {
      // Everything is named, since docker-modem fills what is absent from DOCKER_HOST and its kin.
      const options = {
        agent: new DialingAgent(() => this.#dial(kind)),
        socketPath: `/${kind}`,
        protocol: 'http' as const,
        host: undefined,
        port: undefined,
        ca: undefined,
        cert: undefined,
        key: undefined,
        timeout: undefined,
      };
      client = new Dockerode(options);
      this.#clients.set(kind, client);
    }
    return client;
  }

  /** The answer as JSON to a GET, or to a POST of a question. @throws what the agent answered, as the kind that belongs to its status */
  async json(path: string, { signal, question }: { signal?: AbortSignal; question?: object }): Promise<unknown> {
    const options = signal ? { signal } : {};
    const asking = question
      ? this.#ask('POST', path, { ...options, body: Buffer.from(JSON.stringify(question)), type: 'application/json' })
      : this.#ask('GET', path, options);
    // A layer's index of a large image is some tens of megabytes.
    const answer = await body(path, await asking, { limit: 256 << 20, signal });
    try {
      return JSON.parse(answer.toString('utf8'));
    } catch {
      throw badAnswer(path, 'not JSON');
    }
  }

  async bytes(path: string, { limit, signal }: { limit: number; signal: AbortSignal | undefined }): Promise<Buffer> {
    return body(path, await this.#ask('GET', path, { ...(signal && { signal }) }), { limit, signal });
  }

  async send(method: string, path: string, options: SendOptions): Promise<void> {
    await body(path, await this.#ask(method, path, options), { limit: 64 << 10, signal: options.signal });
  }

  #ask(
    method: string,
    path: string,
    { body, type, signal }: SendOptions & { readonly type?: string },
  ): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = type === undefined ? {} : { 'content-type': type };
      const request = http.request(
        { method, path, headers, agent: this.#agent, socketPath: '/porthole', ...(signal && { signal }) },
        resolve,
      );
      request.on('error', (failure) => reject(signal?.aborted ? canceled(path) : failure));
      request.end(body);
    });
  }
}

async function body(
  path: string,
  response: http.IncomingMessage,
  { limit, signal }: { limit: number; signal: AbortSignal | undefined },
): Promise<Buffer> {
  const failed = (response.statusCode ?? 0) >= 300;
  const most = failed ? 64 << 10 : limit;
  const parts: Buffer[] = [];
  let size = 0;
  if (!failed && Number(response.headers['content-length'] ?? 0) > limit) {
    response.destroy();
    throw tooLarge(path, limit);
  }
  try {
    for await (const part of response) {
      if (!Buffer.isBuffer(part)) continue;
      size += part.length;
      // Leaving the loop destroys the response.
      if (size > most) throw tooLarge(path, most);
      parts.push(part);
    }
  } catch (failure) {
    throw signal?.aborted ? canceled(path) : failure;
  }
  const whole = Buffer.concat(parts);
  if (failed) throw refusal(path, response.statusCode ?? 0, whole.toString('utf8'));
  return whole;
}

/**
 * One connection for each request. Keeping them would save nothing, as a connection here is one frame and no round trip,
 * and would bring the race between our next request and the server's idle time-out.
 */
class DialingAgent extends http.Agent {
  readonly #dial: () => Duplex;

  constructor(dial: () => Duplex) {
    super({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
    this.#dial = dial;
  }

  override createConnection(): Duplex {
    return this.#dial();
  }

  /**
   * docker-modem renders each request's options for its debug log, to any depth and whether or not anybody reads it:
   * with every open socket below the agent that took up to a second for one request.
   */
  [inspect.custom](): string {
    return 'DialingAgent';
  }
}

function refusal(path: string, status: number, body: string): PortholeError {
  return new PortholeError(kindOf(status), wordsOf(body) || phrase('{0}: HTTP status {1}', path, status));
}

function kindOf(status: number): ErrorKind {
  switch (status) {
    case 304:
      return 'not-modified';
    case 400:
    case 416:
      return 'invalid';
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'not-found';
    case 409:
      return 'conflict';
    case 501:
      return 'unsupported';
    case 503:
      return 'unavailable';
    default:
      return 'internal';
  }
}
