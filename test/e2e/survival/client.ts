import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What nobody can know: the request was under way when the agent died. It may have been carried out or not. */
export const broken = 'broken';

export interface AskOptions {
  readonly body?: unknown;
  /** Sent as it is instead of JSON. */
  readonly tar?: Buffer;
}

/** Milliseconds: an agent that does not answer for so long hangs. */
const patience = 90_000;

/** A client of an agent that may be killed at any moment. */
export class Client {
  readonly socket: string;
  /** Requests that were cut off, and those that were answered. */
  cutOff = 0;
  answered = 0;

  constructor(socket: string) {
    this.socket = socket;
  }

  /** Asks once, waiting for an agent to be there. */
  async once(method: string, path: string, options: AskOptions = {}): Promise<Answer | typeof broken> {
    for (;;) {
      try {
        const answer = await send(this.socket, { method, path, ...options });
        // An agent that ends says so of what it has begun.
        if (answer.status !== 499) {
          this.answered++;
          return answer;
        }
        this.cutOff++;
        return broken;
      } catch (failure) {
        const code = codeOf(failure);
        // Nobody listened: nothing was asked.
        if (code === 'ENOENT' || code === 'ECONNREFUSED') await pause(20);
        else if (['ECONNRESET', 'EPIPE', 'ABORTED', 'ECONNABORTED'].includes(code)) {
          this.cutOff++;
          return broken;
        } else throw failure;
      }
    }
  }

  /** Asks until there is an answer: for what may be asked twice. @throws when its status is none of `accept` */
  async sure(method: string, path: string, options: AskOptions & { accept?: readonly number[] } = {}): Promise<Answer> {
    for (;;) {
      const answer = await this.once(method, path, options);
      if (answer === broken) continue;
      if ((options.accept ?? [200]).includes(answer.status)) return answer;
      throw new Error(`${method} ${path}: ${answer.status} ${answer.body.trim()}`);
    }
  }

  async json(path: string): Promise<unknown> {
    return JSON.parse((await this.sure('GET', path)).body);
  }
}

interface Sent extends AskOptions {
  readonly method: string;
  readonly path: string;
}

function send(socketPath: string, { method, path, body, tar }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const content = tar ?? (body === undefined ? undefined : Buffer.from(JSON.stringify(body)));
    const headers = {
      'Content-Length': content?.length ?? 0,
      ...(content && { 'Content-Type': tar ? 'application/x-tar' : 'application/json' }),
    };
    const asked = request({ socketPath, method, path, headers, agent: false }, (response) => {
      // Raw bytes as latin1: frames of a log survive.
      response.setEncoding('latin1');
      text(response).then(
        (answer) => {
          if (response.complete) resolve({ status: response.statusCode ?? 0, body: answer });
          else reject(Object.assign(new Error('cut off'), { code: 'ABORTED' }));
        },
        (failure: unknown) => reject(Object.assign(new Error('cut off', { cause: failure }), { code: 'ABORTED' })),
      );
    });
    asked.setTimeout(patience, () => asked.destroy(new Error(`${method} ${path}: no answer in ${patience / 1000} s`)));
    asked.once('error', reject);
    asked.end(content);
  });
}

function codeOf(failure: unknown): string {
  return failure instanceof Error && 'code' in failure ? String(failure.code) : '';
}

/** Lines of a log without a terminal, by stream: frames of [stream, 0, 0, 0, size (u32 BE)] + data. */
export function linesOf(body: string): { readonly stdout: string[]; readonly stderr: string[] } {
  const bytes = Buffer.from(body, 'latin1');
  const parts: { 1: Buffer[]; 2: Buffer[] } = { 1: [], 2: [] };
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at + 4);
    parts[bytes[at] === 2 ? 2 : 1].push(bytes.subarray(at + 8, at + 8 + size));
    at += 8 + size;
  }
  const lines = (buffers: Buffer[]) => Buffer.concat(buffers).toString().split('\n').slice(0, -1);
  return { stdout: lines(parts[1]), stderr: lines(parts[2]) };
}
