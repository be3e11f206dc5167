import * as http from 'node:http';
import * as https from 'node:https';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ConnectionOptions } from 'node:tls';
import { canceled, PortholeError } from '../../base/errors.ts';
import { productVersion } from '../../protocol/version.ts';
import type { Certificates } from './certificates.ts';
import { registryFailure, unreachable } from './errors.ts';
import { type ProxySettings, proxyFor } from './proxy.ts';
import { addressOf, proxyHeaders, tunnel } from './tunnel.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly length: number; open(): Readable };
  /** Certificates of this HOST[:PORT] are not checked. */
  readonly insecureHost?: string | undefined;
  /** HOST[:PORT] of the registry whose certificates count; the address's own host when undefined. */
  readonly certificatesOf?: string | undefined;
  /** Milliseconds for the whole answer; without it only silence ends it. */
  readonly deadline?: number;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Has to be read or destroyed. */
  readonly body: Readable;
  readonly url: string;
}

export interface HttpOptions {
  readonly certificates: Certificates;
  readonly proxies: ProxySettings;
  /** Milliseconds of silence after which a server counts as gone. */
  readonly patience?: number;
}

const usualPatience = 60_000;
const mostRedirects = 10;
const maxHeaderSize = 32 * 1024;

/** HTTP and HTTPS as registries need it: certificates by host, proxies, redirections that take no credentials along. */
export class RegistryHttp {
  readonly #options: HttpOptions;
  readonly #plain = new http.Agent({ keepAlive: true, maxFreeSockets: 8 });
  readonly #secure = new Map<string, Promise<https.Agent>>();

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** Follows redirections of what only reads. @throws unavailable when there is no answer; canceled */
  async send(request: HttpRequest): Promise<Answer> {
    let { url, headers = {} } = request;
    let trusted: Partial<HttpRequest> = {};
    for (let hops = 0; ; hops++) {
      const answer = await this.#once({ ...request, ...trusted, url, headers });
      const { location } = answer.headers;
      const isMoved = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined;
      if (!isMoved || !['GET', 'HEAD'].includes(request.method)) return answer;
      answer.body.destroy();
      if (hops >= mostRedirects) throw registryFailure(`${said(request)}: stopped after ${mostRedirects} redirects`);
      const next = resolved(location, url);
      if (!next) throw registryFailure(`${said(request)}: it leads to ${JSON.stringify(location.slice(0, 200))}`);
      if (next.origin !== new URL(url).origin) {
        headers = withoutCredentials(headers);
        trusted = { certificatesOf: undefined };
      }
      url = next.href;
    }
  }

  /** An answer with its body as text. @throws also unavailable when it is longer than `limit` bytes */
  async document(
    request: HttpRequest & { readonly deadline: number },
    limit: number,
  ): Promise<Pick<Answer, 'status' | 'headers' | 'url'> & { readonly body: Buffer }> {
    const answer = await this.send(request);
    return { ...answer, body: await readAll(answer, { limit, request }) };
  }

  async #once(request: HttpRequest & { readonly headers: Readonly<Record<string, string>> }): Promise<Answer> {
    const { signal, deadline, method, url } = request;
    const patience = this.#options.patience ?? usualPatience;
    const within = deadline === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(deadline)]);
    try {
      const outgoing = await this.#open(request, within, patience);
      let began: http.IncomingMessage | undefined;
      outgoing.setTimeout(patience, () => {
        (began ?? outgoing).destroy(new Error(`no answer for ${patience / 1000} seconds`));
      });
      outgoing.once('response', (response) => {
        began = response;
      });
      const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
        outgoing.once('response', resolve);
        outgoing.once('error', reject);
        outgoing.once('close', () => reject(new Error('the connection was cut (EOF)')));
      });
      const sending = request.body ? sendBody(request.body.open(), outgoing) : Promise.resolve(outgoing.end());
      // An answer may come before all is sent; whether the rest arrived does not matter then.
      const response = await Promise.race([answered, sending.then(() => answered)]);
      return { status: response.statusCode ?? 0, headers: response.headers, body: response, url };
    } catch (failure) {
      if (signal.aborted) throw canceled(`the request to ${new URL(url).host}`);
      if (failure instanceof PortholeError) throw failure;
      throw unreachable(method, url, within.aborted ? new Error(`no answer in ${deadline} ms`) : failure);
    }
  }

  async #open(
    { method, url, headers, body, insecureHost, certificatesOf }: HttpRequest,
    signal: AbortSignal,
    patience: number,
  ): Promise<http.ClientRequest> {
    const target = new URL(url);
    const proxy = proxyFor(target, this.#options.proxies);
    const common = {
      method,
      signal,
      maxHeaderSize,
      headers: {
        'User-Agent': `porthole/${productVersion}`,
        'Accept-Encoding': 'identity',
        ...headers,
        ...(body && { 'Content-Length': String(body.length) }),
      },
    };
    const certificates = certificatesOf ?? target.host;
    const isInsecure = insecureHost !== undefined && target.host === new URL(`https://${insecureHost}`).host;
    if (target.protocol === 'https:') {
      if (proxy === undefined)
        return https.request(target, { ...common, agent: await this.#agent(target, { certificates, isInsecure }) });
      const tls = await this.#tls(target, { certificates, isInsecure });
      const socket = await tunnel(proxy, addressOf(target), { tls, patience, signal });
      return https.request(target, { ...common, createConnection: () => socket });
    }
    if (proxy === undefined) return http.request(target, { ...common, agent: this.#plain });
    const viaProxy = { Host: target.host, ...common.headers, ...proxyHeaders(proxy) };
    return http.request({ ...common, ...addressOf(proxy), path: url, headers: viaProxy, agent: this.#plain });
  }

  #agent(target: URL, trust: Trust): Promise<https.Agent> {
    const key = `${target.host} ${trust.certificates} ${trust.isInsecure}`;
    const known = this.#secure.get(key);
    if (known) return known;
    const made = this.#tls(target, trust).then((tls) => new https.Agent({ ...tls, keepAlive: true }));
    this.#secure.set(key, made);
    made.catch(() => this.#secure.delete(key));
    // Certificates change while we run: each is read again after a while.
    setTimeout(() => this.#secure.delete(key), certificatesLast).unref();
    return made;
  }

  async #tls(target: URL, { certificates, isInsecure }: Trust): Promise<ConnectionOptions> {
    const { host } = addressOf(target);
    return {
      ...(await this.#options.certificates.for(certificates)),
      rejectUnauthorized: !isInsecure,
      ...(isIP(host) === 0 && { servername: host }),
    };
  }
}

interface Trust {
  /** HOST[:PORT] */
  readonly certificates: string;
  readonly isInsecure: boolean;
}

/** Milliseconds. */
const certificatesLast = 10_000;

async function sendBody(body: Readable, outgoing: http.ClientRequest): Promise<void> {
  await pipeline(body, outgoing);
}

export async function readAll(
  { body }: Pick<Answer, 'body'>,
  { limit, request }: { readonly limit: number; readonly request: Pick<HttpRequest, 'method' | 'url' | 'signal'> },
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of body) {
      if (!(part instanceof Uint8Array)) continue;
      size += part.length;
      if (size > limit) throw registryFailure(`${said(request)}: the answer is larger than ${limit} bytes`);
      parts.push(part);
    }
  } catch (failure) {
    if (request.signal.aborted) throw canceled(`the request to ${new URL(request.url).host}`);
    if (failure instanceof PortholeError) throw failure;
    throw unreachable(request.method, request.url, failure);
  }
  return Buffer.concat(parts);
}

/** As Go begins the words of a failed request. */
export const said = ({ method, url }: Pick<HttpRequest, 'method' | 'url'>): string =>
  `${method[0]}${method.slice(1).toLowerCase()} "${url}"`;

function resolved(location: string, base: string): URL | undefined {
  try {
    const url = new URL(location, base);
    return ['http:', 'https:'].includes(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}
