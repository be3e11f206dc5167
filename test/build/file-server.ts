import { once } from 'node:events';
import { createServer } from 'node:http';

/** Serves what the fixtures ADD by URL, on a port of 127.0.0.1. */
export interface FileServer {
  /** Without a slash at its end. */
  readonly address: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

const modified = 'Tue, 02 Jan 2024 03:04:05 GMT';

const answers: Readonly<Record<string, Answer>> = {
  '/plain.txt': { body: 'from the server\n', headers: { 'Last-Modified': modified } },
  '/undated.txt': { body: 'without a date\n' },
  '/named': { body: 'named\n', headers: { 'Content-Disposition': 'attachment; filename="disposed.txt"' } },
  '/moved': { status: 302, headers: { Location: '/plain.txt' } },
  '/script.sh': { body: '#!/bin/sh\n', headers: { 'Last-Modified': modified, 'Content-Type': 'text/x-shellscript' } },
  '/failing': { status: 500, body: 'no\n' },
  '/Dockerfile': { body: 'FROM scratch\nLABEL from=server\n', headers: { 'Content-Type': 'text/plain' } },
};

export async function startFileServer(more: Readonly<Record<string, Answer>> = {}): Promise<FileServer> {
  const all = { ...answers, ...more };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const { status = 200, headers = {}, body = '' } = all[path] ?? { status: 404, body: 'not found\n' };
    response.writeHead(status, { 'Content-Length': Buffer.byteLength(body), ...headers });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the file server has no port');
  return {
    address: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
