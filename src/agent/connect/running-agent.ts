import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import { errnoOf, messageOf, PortholeError } from '../../base/errors.ts';
import { isStopped } from '../sys/proc.ts';

/** What an agent of any version says of itself at `GET /porthole/v1/info`, as far as others need it. */
const Info = v.object({
  version: v.string(),
  protocol: v.optional(v.number(), 1),
  pid: v.number(),
  node: v.string(),
  dataRoot: v.string(),
  execRoot: v.string(),
  options: v.optional(v.array(v.string()), []),
});

export type RunningAgent = v.InferOutput<typeof Info>;

/** Milliseconds. A busy agent answers late; one that is stopped never does. */
const patience = 10_000;

const silent = (socket: string, pid: number | undefined, why: string) =>
  new PortholeError(
    'unavailable',
    `the agent${pid === undefined ? '' : ` (pid ${pid})`} on ${socket} does not answer: ${why}`,
  );
const notAnAgent = (socket: string, why: string) =>
  new PortholeError('conflict', `what listens on ${socket} is no Porthole agent: ${why}`);

/**
 * Asks who serves on a socket. Undefined: nobody listens there.
 * @param options.holder finds the process that has the agent's lock, for the words of a failure
 * @throws unavailable when somebody listens and does not answer; conflict when it is something else
 */
export async function askRunning(
  socket: string,
  options: { readonly patience?: number; holder?(): Promise<number | undefined> } = {},
): Promise<RunningAgent | undefined> {
  const milliseconds = options.patience ?? patience;
  let answer: string;
  try {
    answer = await send(socket, { method: 'GET', path: '/porthole/v1/info', milliseconds });
  } catch (failure) {
    // The latter two: it ended while it was asked.
    if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(errnoOf(failure) ?? '')) return undefined;
    if (!(failure instanceof TooSlow)) throw failure;
    const pid = await options.holder?.();
    const isHalted = pid !== undefined && (await isStopped(pid));
    throw silent(socket, pid, isHalted ? `it is stopped; kill -CONT ${pid} lets it go on` : messageOf(failure));
  }
  const found = v.safeParse(Info, parsed(answer));
  if (!found.success) throw notAnAgent(socket, answer.slice(0, 200).trim());
  return found.output;
}

/**
 * Asks an agent to end and leave its containers and its socket to a successor. Resolves when it listens no more.
 * False: it is of a version that does not know the request.
 */
export async function askToHandOver(socket: string): Promise<boolean> {
  const answer = await send(socket, { method: 'POST', path: '/porthole/v1/handover', milliseconds: patience });
  return Object(parsed(answer)).handedOver === true;
}

class TooSlow extends Error {}

function send(
  socketPath: string,
  asked: { readonly method: string; readonly path: string; readonly milliseconds: number },
): Promise<string> {
  const { method, path, milliseconds } = asked;
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent: false }, (response) => {
      text(response).then(resolve, reject);
    });
    const timer = setTimeout(
      () => sent.destroy(new TooSlow(`nothing in ${milliseconds / 1000} seconds`)),
      milliseconds,
    );
    sent.once('error', reject).once('close', () => clearTimeout(timer));
    sent.end();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
