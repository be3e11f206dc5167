import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * HTTP/1.1 over a unix socket. Connections are used again, and one is made ready when an answer has ended one: node:http's
 * own client takes longer than an engine needs to answer, which would be counted as the engine's time.
 */
export class Wire {
  readonly #path: string;
  readonly #idle: Socket[] = [];
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  async ask(method: string, path: string, body = ''): Promise<Answer> {
    const socket = await this.#connected();
    const type = body === '' ? '' : 'Content-Type: application/json\r\n';
    const head = `${method} ${path} HTTP/1.1\r\nHost: bench\r\n${type}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
    socket.write(head + body);
    return new Promise<Answer>((resolve, reject) => {
      let received = '';
      const settle = (end: () => void): void => {
        socket.off('data', onData).off('end', onEnd).off('error', fail);
        end();
      };
      const fail = (failure: Error): void => settle(() => reject(failure));
      const onData = (data: string): void => {
        received += data;
        const whole = answerIn(received, { ended: false });
        if (!whole) return;
        this.#idle.push(socket);
        settle(() => resolve(whole));
      };
      const onEnd = (): void => {
        const whole = answerIn(received, { ended: true });
        if (whole) settle(() => resolve(whole));
        else fail(new Error(`${method} ${path}: the connection ended before the answer did: ${received}`));
        socket.destroy();
        setImmediate(() => this.#prepare());
      };
      socket.on('data', onData).on('end', onEnd).on('error', fail);
    });
  }

  /** A connection for the next request, unless there is one. */
  #prepare(): void {
    if (this.#idle.length > 0 || this.#closed) return;
    this.#connection().then(
      (socket) => {
        if (this.#closed) socket.destroy();
        else this.#idle.push(socket);
      },
      () => undefined,
    );
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#idle.splice(0)) socket.destroy();
  }

  async #connected(): Promise<Socket> {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) if (idle.readable) return idle;
    return this.#connection();
  }

  async #connection(): Promise<Socket> {
    // Bytes are counted below, and one of this encoding is one character.
    const socket = connect(this.#path).setEncoding('latin1');
    await once(socket, 'connect');
    // One that breaks while nobody uses it is no longer readable.
    socket.on('error', () => undefined);
    return socket;
  }
}

/** Nothing: there is more to come. */
export function answerIn(received: string, { ended }: { readonly ended: boolean }): Answer | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = received.slice(0, end);
  const rest = received.slice(end + 4);
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
  const length = status === 204 || status === 304 ? '0' : /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length !== undefined)
    return rest.length >= Number(length) ? { status, body: rest.slice(0, Number(length)) } : undefined;
  if (!/^transfer-encoding: *chunked/im.test(head)) return ended ? { status, body: rest } : undefined;
  const body = unchunked(rest);
  return body === undefined ? undefined : { status, body };
}

function unchunked(rest: string): string | undefined {
  const parts: string[] = [];
  for (let from = 0; ; ) {
    const line = rest.indexOf('\r\n', from);
    if (line < 0) return undefined;
    const size = Number.parseInt(rest.slice(from, line), 16);
    const data = line + 2;
    if (rest.length < data + size + 2) return undefined;
    if (size === 0) return parts.join('');
    parts.push(rest.slice(data, data + size));
    from = data + size + 2;
  }
}
