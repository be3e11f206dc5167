import { Readable } from 'node:stream';
import { messageOf, PortholeError } from '../../base/errors.ts';
import { errorOf, RegistryRefusal } from './answers.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Credentials } from './contract.ts';
import { registryFailure } from './errors.ts';
import { type HttpRequest, type RegistryHttp, said } from './http.ts';

/** Milliseconds for each request of the conversation. */
export const patience = 30_000;
const longestAnswer = 1024 * 1024;
const longestToken = 64 * 1024;
/** Seconds that a token lasts which does not say; the distribution project's least. */
const usualLife = 60;

interface Token {
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly renewAt: number;
}

/**
 * The way in to one registry with somebody's credentials: Basic, or tokens that a token server gives for a scope. A token
 * is renewed before it ends and when the registry takes it no more, so that a pull may last longer than one.
 */
export class Authorization {
  readonly #http: RegistryHttp;
  readonly #credentials: Credentials;
  readonly #base: string;
  readonly #insecureHost: string | undefined;
  readonly #tokens = new Map<string, Promise<Token>>();
  #challenges: readonly Challenge[] = [];
  /** What a token server gave to be kept instead of the password. */
  #refreshToken: string | undefined;

  constructor(
    http: RegistryHttp,
    given: { readonly credentials: Credentials; readonly base: string; readonly insecureHost?: string | undefined },
  ) {
    this.#http = http;
    this.#credentials = given.credentials;
    this.#base = given.base;
    this.#insecureHost = given.insecureHost;
    this.#refreshToken = given.credentials.identityToken || undefined;
  }

  get refreshToken(): string | undefined {
    return this.#refreshToken;
  }

  /** @param header of a 401. */
  challenged(header: string | undefined): void {
    if (header) this.#challenges = parseChallenges(header);
  }

  /**
   * The value of an Authorization header, undefined where nothing is asked for.
   * @param scopes such as 'repository:a/b:pull'.
   * @param fresh the last one was refused.
   */
  async header(
    scopes: readonly string[],
    {
      fresh = false,
      signal,
      request,
    }: { fresh?: boolean; signal: AbortSignal; request: Pick<HttpRequest, 'method' | 'url'> },
  ): Promise<string | undefined> {
    const { registryToken, username, password } = this.#credentials;
    if (registryToken) return `Bearer ${registryToken}`;
    const bearer = this.#challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer) {
      try {
        return `Bearer ${(await this.#token(bearer, { scopes, fresh, signal })).text}`;
      } catch (failure) {
        // Which request could not be made for want of a token, as dockerd says it.
        if (!(failure instanceof RegistryRefusal)) throw failure;
        throw registryFailure(`${said(request)}: ${failure.message}`, { cause: failure });
      }
    }
    if (this.#challenges.length === 0) return undefined;
    if (!this.#challenges.some(({ scheme }) => scheme === 'basic')) {
      const [first] = this.#challenges;
      throw registryFailure(`${said(request)}: the registry asks for ${first?.scheme}, which is not known here`);
    }
    if (!username && !password) {
      const cause = registryFailure('no basic auth credentials');
      throw registryFailure(`${said(request)}: ${cause.message}`, { cause });
    }
    return basic(username, password);
  }

  async #token(
    challenge: Challenge,
    {
      scopes,
      fresh,
      signal,
    }: { readonly scopes: readonly string[]; readonly fresh: boolean; readonly signal: AbortSignal },
  ): Promise<Token> {
    const key = scopes.join(' ');
    const known = fresh ? undefined : this.#tokens.get(key);
    // Several requests that wait for the first token get the same one.
    const token = await known?.catch(() => undefined);
    if (token && token.renewAt > Date.now()) return token;
    const asked = this.#fetch(challenge, scopes, signal);
    this.#tokens.set(key, asked);
    asked.catch(() => this.#tokens.get(key) === asked && this.#tokens.delete(key));
    return await asked;
  }

  async #fetch({ parameters }: Challenge, scopes: readonly string[], signal: AbortSignal): Promise<Token> {
    const realm = this.#realm(parameters.get('realm'));
    const { username, password } = this.#credentials;
    const service = parameters.get('service') ?? '';
    const asked = new URL(realm);
    // As for dockerd, whom to trust for a registry says whom to trust for its token server.
    const insecureHost = this.#insecureHost === undefined ? undefined : asked.host;
    const common = { signal, deadline: patience, insecureHost, certificatesOf: new URL(this.#base).host };
    let request: HttpRequest & { deadline: number };
    if (this.#refreshToken) {
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: this.#refreshToken,
        client_id: 'docker',
        service,
        ...(scopes.length > 0 && { scope: scopes.join(' ') }),
      }).toString();
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
      request = { ...common, method: 'POST', url: asked.href, headers, body: bodyOf(form) };
    } else {
      if (service !== '') asked.searchParams.set('service', service);
      for (const scope of scopes) asked.searchParams.append('scope', scope);
      if (username) {
        asked.searchParams.set('account', username);
        asked.searchParams.set('client_id', 'docker');
        asked.searchParams.set('offline_token', 'true');
      }
      const headers: Record<string, string> = username ? { Authorization: basic(username, password) } : {};
      request = { ...common, method: 'GET', url: asked.href, headers };
    }
    const answer = await this.#http.document(request, longestAnswer);
    if (answer.status !== 200) throw errorOf(answer);
    return this.#read(answer.body, request);
  }

  #realm(realm: string | undefined): string {
    const { protocol } = tryUrl(realm) ?? {};
    if (realm === undefined || (protocol !== 'https:' && protocol !== 'http:')) {
      throw registryFailure(`Get "${this.#base}/v2/": the registry names no token server`);
    }
    const hasSecret = Boolean(this.#credentials.password || this.#refreshToken);
    // A password must not go in the clear where the registry itself was reached safely.
    if (hasSecret && this.#base.startsWith('https:') && protocol === 'http:') {
      throw new PortholeError('unauthorized', `Get "${this.#base}/v2/": the token server ${realm} is not safe`);
    }
    return realm;
  }

  #read(body: Buffer, request: HttpRequest): Token {
    let value: unknown;
    try {
      value = JSON.parse(body.toString('utf8'));
    } catch (failure) {
      throw registryFailure(`${said(request)}: unable to decode token response: ${messageOf(failure)}`);
    }
    const given: { token?: unknown; access_token?: unknown; refresh_token?: unknown; expires_in?: unknown } =
      Object(value);
    const text = [given.access_token, given.token].find((one) => typeof one === 'string' && one !== '');
    if (typeof text !== 'string') throw registryFailure('authorization server did not include a token in the response');
    if (text.length > longestToken || /[^\x21-\x7e]/.test(text)) {
      throw registryFailure(`${said(request)}: the token is not one that a header can hold`);
    }
    const refresh = given.refresh_token;
    if (typeof refresh === 'string' && refresh !== '' && refresh.length <= longestToken) this.#refreshToken = refresh;
    const seconds = typeof given.expires_in === 'number' && given.expires_in > 0 ? given.expires_in : usualLife;
    // Our own clock, not `issued_at`: the server's may be another. A little early: it has to last for a request.
    return { text, renewAt: Date.now() + Math.min(seconds, 86_400) * 900 };
  }
}

export const bodyOf = (text: string | Buffer): NonNullable<HttpRequest['body']> => {
  const bytes = Buffer.from(text);
  return { length: bytes.length, open: () => Readable.from([bytes], { objectMode: false }) };
};

const basic = (username = '', password = ''): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

function tryUrl(text: string | undefined): URL | undefined {
  try {
    return text === undefined ? undefined : new URL(text);
  } catch {
    return undefined;
  }
}
