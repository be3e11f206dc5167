import assert from 'node:assert/strict';
import { type IncomingHttpHeaders, request } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** GET below /porthole/v1 of an agent. */
export const answerOf = (socket: string, path: string, headers?: Readonly<Record<string, string>>): Promise<Answer> =>
  answerAt(socket, `/porthole/v1${path}`, headers);

export function answerAt(
  socket: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ socketPath: socket, path, headers, agent: false }, (response) => {
      buffer(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        reject,
      );
    })
      .once('error', reject)
      .end();
  });
}

/** The same for an answer in JSON that is expected to be one. */
export async function asked<T>(socket: string, path: string): Promise<T> {
  const { status, body } = await answerOf(socket, path);
  assert.equal(status, 200, `${path}: ${body.toString().slice(0, 500)}`);
  return JSON.parse(body.toString());
}
