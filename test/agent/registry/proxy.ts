import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** What a registry answered, before it is passed on. */
export interface Passed {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  /** Bytes of the body after which the connection is cut. */
  cutAfter?: number;
  /** Bytes of the body after which nothing more comes. */
  stallAfter?: number;
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

/** Changes what is passed on; undefined: it goes as it is. */
export type Fault = (request: Seen, answer: Passed) => Promise<void> | void;

/** A proxy in front of a registry that does to its answers what a test says. */
export class ChaosProxy {
  host = '';
  readonly seen: Seen[] = [];
  /** Bytes of blobs that went through. */
  blobBytes = 0;
  #fault: Fault = () => undefined;
  readonly #target: string;
  readonly #server = createServer((incoming, outgoing) => {
    this.#answer(incoming, outgoing).catch(() => outgoing.destroy());
  });

  private constructor(target: string) {
    this.#target = target;
  }

  static async before(target: string): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    const bound = proxy.#server.address();
    proxy.host = `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
    return proxy;
  }

  /** From now on; forgets what was seen. */
  does(fault: Fault = () => undefined): void {
    this.#fault = fault;
    this.seen.length = 0;
    this.blobBytes = 0;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = incoming;
    const seen = { method, url, headers };
    this.seen.push(seen);
    const passed = await this.#ask(seen, await buffer(incoming));
    await this.#fault(seen, passed);
    // A body that comes in pieces has no length: the proxy says the true one unless the test lies.
    outgoing.writeHead(passed.status, passed.headers);
    const isBlob = method === 'GET' && isBlobUrl(url);
    const whole = method === 'HEAD' ? Buffer.alloc(0) : passed.body;
    const sent = whole.subarray(0, passed.cutAfter ?? passed.stallAfter ?? whole.length);
    if (isBlob) this.blobBytes += sent.length;
    if (passed.stallAfter !== undefined) {
      outgoing.write(sent);
      return;
    }
    if (passed.cutAfter === undefined) {
      outgoing.end(sent);
      return;
    }
    outgoing.flushHeaders();
    // An end, not a reset: what was sent arrives.
    outgoing.write(sent, () => outgoing.socket?.end());
  }

  #ask({ method, url, headers }: Seen, body: Buffer): Promise<Passed> {
    return new Promise((resolve, reject) => {
      request(`http://${this.#target}${url}`, { method, headers, agent: false }, (response) => {
        buffer(response).then((all) => {
          const given = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as const);
          resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(given), body: all });
        }, reject);
      })
        .once('error', reject)
        .end(body);
    });
  }
}

export const isBlobUrl = (url: string): boolean => /\/blobs\/sha256:/.test(url);
