import { isKind, PortholeError } from '../../base/errors.ts';
import { errorOf, RegistryRefusal } from './answers.ts';
import { Authorization, patience } from './auth.ts';
import type { Credentials } from './contract.ts';
import type { Endpoint } from './endpoints.ts';
import { registryFailure } from './errors.ts';
import { type Answer, type HttpRequest, type RegistryHttp, readAll } from './http.ts';

const largestAnswer = 64 * 1024;

export interface Ask {
  readonly method: HttpRequest['method'];
  /** Below the endpoint, or a whole address that the registry gave. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: NonNullable<HttpRequest['body']>;
  readonly deadline?: number;
  /** What it needs beside the scopes of the session. */
  readonly scopes?: readonly string[];
  readonly signal: AbortSignal;
}

/** A registry at one endpoint, with somebody's credentials and the scopes that the task needs. */
export class Session {
  readonly base: string;
  readonly #http: RegistryHttp;
  readonly #insecureHost: string | undefined;
  readonly #scopes: readonly string[];
  readonly #authorization: Authorization;

  constructor(
    http: RegistryHttp,
    given: { readonly endpoint: Endpoint; readonly credentials: Credentials; readonly scopes: readonly string[] },
  ) {
    const { endpoint, credentials, scopes } = given;
    this.base = endpoint.base;
    this.#http = http;
    this.#insecureHost = endpoint.isInsecure ? endpoint.host : undefined;
    this.#scopes = scopes;
    const { base } = endpoint;
    this.#authorization = new Authorization(http, { credentials, base, insecureHost: this.#insecureHost });
  }

  /** Asks whether there is a registry, and how it lets people in. @throws unavailable */
  async ping(signal: AbortSignal): Promise<void> {
    const request = this.#request({ method: 'GET', path: '/v2/', deadline: patience, signal });
    const answer = await this.#http.document({ ...request, deadline: patience }, largestAnswer);
    this.#authorization.challenged(answer.headers['www-authenticate']);
  }

  /** What a token server gave to be kept instead of the password; '' where there is none. */
  get refreshToken(): string {
    return this.#authorization.refreshToken ?? '';
  }

  /** The answer to a request, when it is a success or one of `statuses`; a token that has run out is renewed once. */
  async send(ask: Ask, statuses: readonly number[] = []): Promise<Answer> {
    const request = this.#request(ask);
    for (let attempt = 0; ; attempt++) {
      const fresh = attempt > 0;
      const authorization = isOwn(request.url, this.base)
        ? await this.#authorization.header([...this.#scopes, ...(ask.scopes ?? [])], {
            fresh,
            signal: ask.signal,
            request,
          })
        : undefined;
      const headers = { ...ask.headers, ...(authorization !== undefined && { Authorization: authorization }) };
      const answer = await this.#http.send({ ...request, headers });
      if (answer.status < 300) return answer;
      if (answer.status === 401 && attempt === 0 && answer.headers['www-authenticate']) {
        answer.body.destroy();
        this.#authorization.challenged(answer.headers['www-authenticate']);
        continue;
      }
      if (statuses.includes(answer.status)) return answer;
      const body = await readAll(answer, { limit: largestAnswer, request }).catch((failure: unknown) => {
        if (isKind(failure, 'canceled')) throw failure;
        return Buffer.alloc(0);
      });
      throw errorOf({ ...answer, body });
    }
  }

  /** The same for an answer that is read whole. */
  async document(ask: Ask, limit: number): Promise<{ readonly headers: Answer['headers']; readonly body: Buffer }> {
    const answer = await this.send({ deadline: patience, ...ask });
    return { headers: answer.headers, body: await readAll(answer, { limit, request: this.#request(ask) }) };
  }

  #request({ path, scopes: _scopes, ...ask }: Ask): HttpRequest {
    const url = /^https?:\/\//.test(path) ? path : `${this.base}${path}`;
    return { ...ask, url, insecureHost: this.#insecureHost };
  }
}

/** Credentials go to the registry itself only, wherever it says that an upload continues. */
function isOwn(url: string, base: string): boolean {
  return new URL(url).origin === new URL(base).origin;
}

/**
 * Does a task with the first endpoint that is there. Plain HTTP is only for who does not speak HTTPS, so a failure after
 * that is final; only a mirror's is not, as what it lacks the registry itself may have.
 */
export async function withEndpoint<T>(
  endpoints: readonly Endpoint[],
  options: { readonly open: (endpoint: Endpoint) => Session; readonly signal: AbortSignal },
  task: (session: Session) => Promise<T>,
): Promise<T> {
  let last: unknown = registryFailure('there is no endpoint to ask');
  for (const [position, endpoint] of endpoints.entries()) {
    const session = options.open(endpoint);
    const isMirror = endpoints.slice(position + 1).some(({ host }) => host !== endpoint.host);
    let isThere = false;
    try {
      await session.ping(options.signal);
      isThere = true;
      return await task(session);
    } catch (failure) {
      if (isKind(failure, 'canceled') || !(failure instanceof PortholeError)) throw failure;
      if (!isMirror && (isThere || failure instanceof RegistryRefusal)) throw failure;
      last = failure;
    }
  }
  throw last;
}
