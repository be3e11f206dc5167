import { once } from 'node:events';
import { JsonList } from '../layers/json-list.ts';
import { type Call, type Reply, sent } from './route.ts';

/**
 * Answers with a JSON array that may be long, as it is made. What fails before its first 64 KiB is a status; what fails
 * later cuts the connection, so that nobody takes a part for the whole.
 */
export async function sendList(call: Call, make: (list: JsonList) => Promise<void>): Promise<Reply> {
  const { response, signal } = call;
  const list = new JsonList((piece) => {
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/json' });
    return response.write(piece) ? undefined : once(response, 'drain', { signal }).then(() => undefined);
  });
  await make(list);
  await list.end();
  response.end();
  return sent;
}
