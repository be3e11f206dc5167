import { request } from 'node:http';
import { text } from 'node:stream/consumers';

/** A request as no client of Docker's would have to send it. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** Sends it; a connection that is taken over (101) is closed at once. */
export function send(socketPath: string, { method, path, headers = {}, body }: RawRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers, agent: false });
    sent.on('response', (response) => {
      text(response).then(
        (said) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: said }),
        reject,
      );
    });
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: '' });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export const post = (path: string, body?: unknown): RawRequest => ({
  method: 'POST',
  path,
  ...(body !== undefined && {
    headers: { 'Content-Type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }),
});
export const get = (path: string): RawRequest => ({ method: 'GET', path });
