import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ByteRange, byteRange, rangeProblem } from './byte-range.ts';
import { type Call, type Reply, sent } from './route.ts';

/**
 * Answers GET or HEAD with the content of a file, or with the part of it that a `Range` header asks for.
 *
 * @param file.headers told with the content, not with a refusal
 * @param file.stream the whole without a range; asked for only when there are bytes to send
 */
export async function sendRanged(
  call: Call,
  file: {
    readonly size: number;
    readonly headers?: Readonly<Record<string, string>>;
    stream(range: ByteRange | undefined): Readable;
  },
): Promise<Reply> {
  const { request, response, signal } = call;
  const { size } = file;
  const range = byteRange(request.headers.range, size);
  response.setHeader('Accept-Ranges', 'bytes');
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'Content-Type': 'application/json', 'Content-Range': `bytes */${size}` });
    response.end(`${JSON.stringify({ message: rangeProblem(size).message })}\n`);
    return sent;
  }
  const length = range === undefined ? size : range.end - range.start + 1;
  response.writeHead(range === undefined ? 200 : 206, {
    ...file.headers,
    'Content-Type': 'application/octet-stream',
    'Content-Length': length,
    ...(range && { 'Content-Range': `bytes ${range.start}-${range.end}/${size}` }),
  });
  if (request.method === 'HEAD' || length === 0) response.end();
  else await pipeline(file.stream(range), response, { signal });
  return sent;
}
