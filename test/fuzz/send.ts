import { type Agent, type IncomingMessage, request } from 'node:http';
import type { Answer } from './answers.ts';
import type { Asked } from './requests.ts';

export interface SendOptions {
  readonly socket: string;
  readonly connections: Agent;
  /** Milliseconds that an answer is waited for; then the client leaves. */
  readonly patience: number;
}

/** Bytes of an answer that are looked at; what is longer is left. */
const enough = 8 * 1024 * 1024;

/** Sends one request as clients do. Never rejects. */
export function send(asked: Asked, options: SendOptions): Promise<Answer> {
  return new Promise((resolve) => {
    let head: Omit<Answer, 'isWhole' | 'body'> = { status: 0, type: '' };
    const parts: Buffer[] = [];
    const over = (isWhole: boolean, words?: string): void => {
      clearTimeout(patience);
      resolve({ ...head, isWhole, body: words ?? Buffer.concat(parts).toString() });
      if (!isWhole) sent.destroy();
    };
    const sent = request({
      socketPath: options.socket,
      agent: options.connections,
      method: asked.method,
      path: target(asked),
      headers: {
        ...asked.headers,
        ...(!('Transfer-Encoding' in asked.headers) && { 'Content-Length': asked.body.length }),
      },
    });
    const patience = setTimeout(() => over(false), options.patience);
    const headOf = (response: IncomingMessage): void => {
      head = { status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '' };
    };
    sent.on('error', (failure) => over(true, head.status === 0 ? String(failure) : undefined));
    sent.on('upgrade', (response, socket) => {
      headOf(response);
      over(true);
      socket.on('error', () => undefined).destroy();
    });
    sent.on('response', (response) => {
      headOf(response);
      let length = 0;
      response.on('data', (part: Buffer) => {
        parts.push(part);
        length += part.length;
        if (length > enough) over(false);
      });
      // A stream may be cut off by what another request did to its container.
      response.on('end', () => over(true)).on('error', () => over(false));
    });
    sent.end(asked.body);
  });
}

/** Path and query, as they are sent. */
export function target({ path, query }: Asked): string {
  const search = query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
  return search === '' ? path : `${path}?${search}`;
}

/** The request as a command line. */
export function asCurl(asked: Asked): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const headers = Object.entries(asked.headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  const isText = asked.body.equals(Buffer.from(asked.body.toString()));
  const body =
    asked.body.length === 0
      ? []
      : [isText && !asked.body.includes(0) ? `--data-binary ${quoted(asked.body.toString())}` : '--data-binary @-'];
  const input = body[0]?.endsWith('@-') ? `echo ${asked.body.toString('base64')} | base64 -d | ` : '';
  return `${input}curl --path-as-is --unix-socket SOCKET -X ${asked.method} ${[...headers, ...body].join(' ')} ${quoted(`http://x${target(asked)}`)}`;
}
