import { type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import * as v from 'valibot';
import { canceled, errnoOf, messageOf } from '../../base/errors.ts';
import { notUnderstood, refused, silent } from './errors.ts';

const Problem = v.object({ message: v.string() });

/** The Docker API of another engine, on its unix socket. */
export class EngineClient {
  readonly #engine: string;
  readonly #sockets: readonly string[];

  /** @param sockets the first at which somebody listens is taken. */
  constructor(engine: string, sockets: readonly string[]) {
    this.#engine = engine;
    this.#sockets = sockets;
  }

  /** The socket at which somebody answers. */
  async socket(signal: AbortSignal): Promise<string | undefined> {
    const found = await this.#ask('/_ping', signal);
    found?.answer.resume();
    return found?.socket;
  }

  /** @throws not-found as the engine says it; unavailable; unsupported for an answer of another shape. */
  async json<T>(
    path: string,
    { schema, signal }: { readonly schema: v.GenericSchema<unknown, T>; readonly signal: AbortSignal },
  ): Promise<T> {
    const answer = await this.stream(path, signal);
    try {
      return v.parse(schema, JSON.parse((await buffer(answer)).toString('utf8')));
    } catch (failure) {
      signal.throwIfAborted();
      throw notUnderstood(`what ${this.#engine} answers to ${path}`, failure);
    }
  }

  /** The body of an answer. Whoever has read enough destroys it. @throws as `json` */
  async stream(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const found = await this.#ask(path, signal);
    if (!found) throw silent(this.#engine, `nobody listens on ${this.#sockets.join(' or ')}`);
    const { answer } = found;
    if (answer.statusCode === 200) return answer;
    const words = (await buffer(answer)).toString('utf8', 0, longestProblem);
    throw refused(this.#engine, answer.statusCode ?? 0, problemIn(words));
  }

  /** Undefined: nobody listens. */
  async #ask(
    path: string,
    signal: AbortSignal,
  ): Promise<{ readonly socket: string; readonly answer: IncomingMessage } | undefined> {
    for (const socket of this.#sockets) {
      try {
        return { socket, answer: await this.#send(socket, path, signal) };
      } catch (failure) {
        signal.throwIfAborted();
        if (!isAbsent(failure)) throw silent(this.#engine, messageOf(failure));
      }
    }
    return undefined;
  }

  #send(socketPath: string, path: string, signal: AbortSignal): Promise<IncomingMessage> {
    if (signal.aborted) return Promise.reject(canceled(`the question to ${this.#engine}`));
    return new Promise((resolve, reject) => {
      request({ socketPath, path, signal, agent: false }, resolve).once('error', reject).end();
    });
  }
}

const longestProblem = 4096;

/** There is no such engine, or not for us. */
const isAbsent = (failure: unknown): boolean =>
  ['ENOENT', 'ECONNREFUSED', 'EACCES', 'ENOTDIR', 'ENOTSOCK'].includes(errnoOf(failure) ?? '');

function problemIn(words: string): string {
  try {
    return v.parse(Problem, JSON.parse(words)).message;
  } catch {
    return words.trim();
  }
}
