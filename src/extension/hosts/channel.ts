import http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Signal } from '../../base/async.ts';
import { canceled } from '../../base/errors.ts';
import type { Disposable } from '../../base/lifetime.ts';
import type { Hello } from '../../protocol/porthole.ts';
import type { EngineKind } from './contract.ts';
import { badAnswer, channelLost, channelSilent, noEngine, noPort } from './problems.ts';
import { TunnelSocket } from './tunnel-socket.ts';

export interface ChannelOptions {
  /** For messages. */
  readonly host: string;
  /** Milliseconds without a byte from the far side until it is asked for one. */
  readonly quiet?: number;
  /** Milliseconds after that until the channel is given up. */
  readonly patience?: number;
}

/** Far more than a second's worth of any link in between, so that the window never holds a download up. */
const STREAM_WINDOW = 4 << 20;
const CHANNEL_WINDOW = 32 << 20;

/**
 * HTTP/2 over one pair of pipes: the extension's end of `porthole-agent connect`.
 *
 *     dial(kind)  ->  CONNECT, :authority = kind   <->  one connection to that engine's socket over there
 *     dialPort(n) ->  CONNECT, 127.0.0.1:n          <->  one connection to that port over there
 *     hello()     ->  GET /hello                    ->  who answers
 *
 * When it breaks, everything that goes through it fails at once with `unavailable`.
 */
export class AgentChannel {
  readonly #session: http2.ClientHttp2Session;
  readonly #duplex: Duplex;
  readonly #host: string;
  readonly #closed = new Signal<Error | undefined>();
  readonly #watch: NodeJS.Timeout;
  #end: { readonly error: Error | undefined } | undefined;
  #lastByte = Date.now();
  #asked: number | undefined;

  constructor(duplex: Duplex, options: ChannelOptions) {
    this.#duplex = duplex;
    this.#host = options.host;
    duplex.on('data', () => {
      this.#lastByte = Date.now();
      this.#asked = undefined;
    });
    duplex.pause();
    this.#session = http2.connect('http://porthole-agent', {
      createConnection: () => duplex,
      settings: { initialWindowSize: STREAM_WINDOW, enablePush: false },
      // In MB; the default of 10 ends streams when many answers are read slowly.
      maxSessionMemory: 256,
    });
    this.#session.once('connect', () => {
      if (!this.#session.destroyed) this.#session.setLocalWindowSize(CHANNEL_WINDOW);
    });
    this.#session.on('error', (failure) => this.#fail(channelLost(this.#host, failure)));
    this.#session.once('close', () => this.#fail(channelLost(this.#host)));
    duplex.once('error', (failure) => this.#fail(channelLost(this.#host, failure)));
    duplex.once('end', () => this.#fail(channelLost(this.#host)));
    duplex.once('close', () => this.#fail(channelLost(this.#host)));
    const { quiet = 15_000, patience = 30_000 } = options;
    this.#watch = setInterval(() => this.#check(quiet, patience), Math.min(quiet, patience) / 2).unref();
  }

  /** Told once, when the channel is gone; the error is there unless `close` was called. */
  onDidClose(listener: (error: Error | undefined) => void): Disposable {
    if (this.#end) {
      const { error } = this.#end;
      queueMicrotask(() => listener(error));
    }
    return this.#closed.on(listener);
  }

  async hello(signal: AbortSignal): Promise<Hello> {
    this.#throwIfEnded();
    const stream = this.#session.request({ ':method': 'GET', ':path': '/hello' }, { signal });
    stream.end();
    let answer: string;
    try {
      answer = await text(stream);
    } catch (failure) {
      throw this.#end?.error ?? (signal.aborted ? canceled('Connecting') : channelLost(this.#host, failure));
    }
    return parseHello(answer);
  }

  /** A connection to an engine's socket; it can be written to at once. Fails with `unavailable` when nobody listens. */
  dial(kind: EngineKind): TunnelSocket {
    return this.#tunnel(kind, (why) => noEngine(this.#host, kind, why));
  }

  /** A connection to a port of the host's loopback; the same holds for it. */
  dialPort(port: number): TunnelSocket {
    return this.#tunnel(`127.0.0.1:${port}`, (why) => noPort(this.#host, port, why));
  }

  #tunnel(authority: string, refused: (why: string) => Error): TunnelSocket {
    this.#throwIfEnded();
    const stream = this.#session.request({ ':method': 'CONNECT', ':authority': authority });
    return new TunnelSocket(stream, {
      refused,
      lost: () => (this.#end ? (this.#end.error ?? channelLost(this.#host)) : undefined),
    });
  }

  /** @param reason why, when it is not the user's wish */
  close(reason?: Error): void {
    this.#finish(reason);
  }

  #throwIfEnded(): void {
    if (this.#end) throw this.#end.error ?? channelLost(this.#host);
  }

  #fail(error: Error): void {
    this.#finish(error);
  }

  #finish(error: Error | undefined): void {
    if (this.#end) return;
    this.#end = { error };
    clearInterval(this.#watch);
    this.#session.destroy();
    this.#duplex.on('error', () => undefined).destroy();
    this.#closed.emit(error);
  }

  /** A long download is sign of life enough; only silence is questioned. */
  #check(quiet: number, patience: number): void {
    const now = Date.now();
    if (this.#asked !== undefined) {
      if (now - this.#asked > patience) this.#fail(channelSilent(this.#host, Math.round((quiet + patience) / 1000)));
      return;
    }
    if (now - this.#lastByte < quiet) return;
    this.#asked = now;
    this.#session.ping(() => {
      this.#lastByte = Date.now();
      this.#asked = undefined;
    });
  }
}

function parseHello(answer: string): Hello {
  let value: unknown;
  try {
    value = JSON.parse(answer);
  } catch {
    throw badAnswer('/hello', answer.slice(0, 200));
  }
  if (typeof value !== 'object' || value === null) throw badAnswer('/hello', 'not an object');
  const word = (key: string): string => {
    const found: unknown = Reflect.get(value, key);
    return typeof found === 'string' ? found : '';
  };
  const pid: unknown = Reflect.get(value, 'pid');
  return {
    version: word('version'),
    pid: typeof pid === 'number' ? pid : 0,
    platform: word('platform'),
    arch: word('arch'),
    node: word('node'),
    socket: word('socket'),
  };
}
