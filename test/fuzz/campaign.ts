import { Agent } from 'node:http';
import { type Answer, problemOf } from './answers.ts';
import { apiWords } from './api-words.ts';
import { mutatedBody } from './create-bodies.ts';
import { Random } from './random.ts';
import { type Asked, randomRequest } from './requests.ts';
import { asCurl, send } from './send.ts';
import { shrink } from './shrink.ts';
import type { World } from './world.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly count: number;
  /** Begins with this one of them. */
  readonly first?: number;
  /** Told now and then how many are done. */
  readonly progress?: (done: number) => void;
}

export interface Finding {
  /** Of the request within its campaign: `--first` repeats it. */
  readonly index: number;
  readonly problem: string;
  readonly curl: string;
  /** How many requests had the same problem. */
  times: number;
}

export interface Report {
  /** How many answers had each status; 0: the client left before there was one. */
  readonly statuses: ReadonlyMap<number, number>;
  readonly findings: readonly Finding[];
}

const lanes = 16;
/** Milliseconds for an answer that may never come, and for one that has to. */
const patience = { stream: 400, answer: 60_000 };
const mayWait = /\/(events|wait|stop|restart|kill|attach|ws|logs|stats|usage|auth)\b|\/porthole\/v1\/.*(reading|usage)/;
const waits = ({ path, query }: Asked): boolean => mayWait.test(path) || query.some(([name]) => name === 'stream');
/** Requests between two restorations. */
const stretch = 400;

/** Requests for what there is, with what nobody expects. */
export async function stormRequests(world: World, options: CampaignOptions): Promise<Report> {
  const words = apiWords();
  const ids: string[] = [];
  const subjects = { containers: world.containers, places: world.places, ids };
  return storm(world, options, async ({ random, judge }) => {
    const answer = await judge(randomRequest(random, words, subjects));
    const { Id: id } = parsed(answer.body);
    if (answer.status === 201 && typeof id === 'string') ids.push(id);
    if (ids.length > 200) ids.splice(0, 100);
  });
}

/** Create bodies: each is refused, or it makes a container, which is started sometimes and then removed. */
export async function stormBodies(world: World, options: CampaignOptions): Promise<Report> {
  return storm(world, options, async ({ random, judge }) => {
    const post = (path: string, body: string): Asked => ({
      ...{ method: 'POST', path, query: [], body: Buffer.from(body) },
      headers: { 'Content-Type': 'application/json' },
    });
    const made = await judge(post('/containers/create', mutatedBody(random, world.places)));
    const { Id: id } = parsed(made.body);
    if (made.status !== 201 || typeof id !== 'string') return;
    if (random.chance(0.25)) await judge(post(`/containers/${id}/start`, ''));
    await judge({
      ...post(`/containers/${id}`, ''),
      method: 'DELETE',
      query: [
        ['force', '1'],
        ['v', '1'],
      ],
    });
  });
}

interface Turn {
  readonly random: Random;
  /** Sends a request; an answer that is none of Docker's becomes a finding. */
  judge(asked: Asked): Promise<Answer>;
}

async function storm(world: World, options: CampaignOptions, turn: (turn: Turn) => Promise<void>): Promise<Report> {
  const { seed, count, first = 0 } = options;
  const connections = new Agent({ keepAlive: true, maxSockets: lanes });
  const statuses = new Map<number, number>();
  const findings = new Map<string, Finding>();
  const ask = (asked: Asked): Promise<Answer> =>
    send(asked, {
      socket: world.agent.socket,
      connections,
      patience: waits(asked) ? patience.stream : patience.answer,
    });

  async function found(asked: Asked, index: number, problem: string): Promise<void> {
    const key = `${asked.method} ${kindOf(asked.path)} ${kindOf(problem)}`.slice(0, 160);
    const known = findings.get(key);
    if (known) {
      known.times++;
      return;
    }
    const finding: Finding = { index, problem, curl: asCurl(asked), times: 1 };
    findings.set(key, finding);
    const smallest = await shrink(
      asked,
      async (smaller) => kindOf(problemOf(smaller, await ask(smaller)) ?? '') === kindOf(problem),
    );
    findings.set(key, { ...finding, times: finding.times, curl: asCurl(smallest) });
  }

  let next = first;
  const end = first + count;
  const lane = async (until: number): Promise<void> => {
    while (next < until) {
      const index = next++;
      await turn({
        random: Random.of(seed, index),
        judge: async (asked) => {
          const answer = await ask(asked);
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
          const problem =
            answer.status === 0 && !answer.isWhole && !waits(asked) ? 'no answer in time' : problemOf(asked, answer);
          if (problem !== undefined) await found(asked, index, problem);
          return answer;
        },
      });
    }
  };
  while (next < end) {
    await world.restore();
    options.progress?.(next - first);
    const until = Math.min(end, next + stretch);
    await Promise.all(Array.from({ length: lanes }, () => lane(until)));
  }
  connections.destroy();
  return { statuses, findings: [...findings.values()] };
}

/** Without what differs from one container to the next. */
const kindOf = (text: string): string => text.replace(/[0-9a-f]{12,}/g, 'ID').replace(/\d+/g, 'N');

function parsed(body: string): { Id?: unknown } {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {};
  }
}
