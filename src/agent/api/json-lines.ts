import { type EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { badParameter } from './errors.ts';
import { type Call, type Reply, sent } from './route.ts';

/** Milliseconds. */
const shortest = 100;
const longest = 3_600_000;
const usual = 1000;

/** What `interval` asks for. @throws invalid */
export function intervalOf(call: Call): number {
  const asked = call.query.whole('interval') ?? usual;
  if (asked < shortest || asked > longest) throw badParameter(`interval is ${shortest} to ${longest} milliseconds`);
  return asked;
}

/** What of a response is needed here. */
interface LineSink extends EventEmitter {
  writeHead(status: number, headers: Readonly<Record<string, string>>): { flushHeaders(): void };
  /** False: it is full until 'drain'. */
  write(line: string): boolean;
  end(): unknown;
}

/**
 * Answers with one JSON line per interval until `next` gives undefined or the client is gone; an empty list is no line. A
 * client that does not read misses lines instead of filling our memory. The first value is made before the answer begins, so that its
 * failure is a status.
 */
export async function streamJson<T>(
  call: { readonly response: LineSink; readonly signal: AbortSignal },
  interval: number,
  next: (before: T | undefined) => Promise<T | undefined>,
): Promise<Reply> {
  const { response, signal } = call;
  let value = await next(undefined);
  response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders();
  for (let due = Date.now() + interval; value !== undefined && !signal.aborted; due += interval) {
    const line = Array.isArray(value) && value.length === 0 ? '' : `${JSON.stringify(value)}\n`;
    if (line !== '' && !response.write(line)) await once(response, 'drain', { signal }).catch(() => undefined);
    // After a pause of the client the rhythm begins anew, or it would be flooded with what it has missed.
    due = Math.max(due, Date.now());
    await pause(Math.max(0, due - Date.now()), undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) value = await next(value);
  }
  response.end();
  return sent;
}
