import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { makeStarterImage, starterImage } from '../../../scripts/starter-image.ts';
import type { Route } from '../../../src/agent/api/route.ts';
import { allRoutes } from '../../../src/agent/api/routes/all.ts';
import { type RunningAgent, startAgent } from '../../support/agent.ts';
import { requires } from '../../support/tools.ts';
import { mutatedBody, odd, Random } from './mutations.ts';

const whole = process.env['PORTHOLE_FUZZ'] === 'whole';
const counts = whole ? { requests: 50_000, bodies: 10_000 } : { requests: 3_000, bodies: 1_000 };
const seed = Number(process.env['PORTHOLE_SEED'] ?? Date.now() % 1_000_000);
const lanes = 16;

interface Answer {
  /** 0: the connection ended, -1: still going on after a while, as a stream or a wait does. */
  readonly status: number;
  readonly body: string;
}

describe(`api: whatever is sent (PORTHOLE_SEED=${seed}${whole ? '' : ', PORTHOLE_FUZZ=whole for more'})`, function () {
  this.timeout(whole ? 3_600_000 : 180_000);
  let agent: RunningAgent;
  let docker: Docker;
  const connections = new Agent({ keepAlive: true, maxSockets: lanes });
  const failures: string[] = [];

  before(async function () {
    requires(this, { root: true });
    agent = await startAgent();
    docker = new Docker({ socketPath: agent.socket });
    await text(await docker.loadImage(Readable.from([await makeStarterImage()]), {}));
    await docker.createContainer({ name: 'fuzzed', Image: starterImage, HostConfig: { NetworkMode: 'none' } });
  });
  after(async () => {
    connections.destroy();
    await agent?.stop();
  });

  const descriptors = (): number => readdirSync(`/proc/${agent.pid}/fd`).length;

  /** Sends in lanes until `count` is reached; what is no answer of Docker's shape is kept. */
  async function storm(
    count: number,
    next: () => { method: string; path: string; body: string },
  ): Promise<Map<number, number>> {
    const statuses = new Map<number, number>();
    let sent = 0;
    const lane = async (): Promise<void> => {
      while (sent < count) {
        sent++;
        const asked = next();
        const answer = await send(asked);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        // A HEAD has no body, whatever became of it.
        const problem = asked.method === 'HEAD' && answer.status > 0 ? undefined : problemOf(answer);
        if (problem !== undefined)
          failures.push(`${asked.method} ${asked.path} ${asked.body.slice(0, 2000)}: ${problem}`);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return statuses;
  }

  function send(asked: { method: string; path: string; body: string }): Promise<Answer> {
    return new Promise((resolve) => {
      const sent = request({
        socketPath: agent.socket,
        agent: connections,
        method: asked.method,
        path: asked.path,
        headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(asked.body) },
      });
      // Streams, and waits for what never happens: the client leaves.
      const patience = setTimeout(() => over(-1, ''), 1_000);
      const over = (status: number, body: string): void => {
        clearTimeout(patience);
        resolve({ status, body });
        if (status === -1) sent.destroy();
      };
      sent.on('error', (failure) => over(0, String(failure)));
      sent.on('response', (response) => {
        text(response).then(
          (body) => over(response.statusCode ?? 0, body),
          () => over(0, 'cut off'),
        );
      });
      sent.end(asked.body);
    });
  }

  it(`${counts.bodies} mutated create bodies: each is a plan or a refusal, and nothing is made`, async () => {
    const random = new Random(seed);
    const path = '/porthole/v1/containers/plan';
    const statuses = await storm(counts.bodies, () => ({ method: 'POST', path, body: mutatedBody(random) }));
    assert.deepEqual(failures.splice(0).slice(0, 10), []);
    assert.ok((statuses.get(200) ?? 0) > counts.bodies / 20, 'some bodies are still good');
    assert.deepEqual(
      (await docker.listContainers({ all: true })).map(({ Names }) => Names),
      [['/fuzzed']],
    );
  });

  it(`${counts.requests} requests for what there is, with what nobody expects`, async () => {
    const random = new Random(seed);
    const before = descriptors();
    // Not what ends the agent on purpose, nor what asks other machines.
    const routes = allRoutes.filter(({ path }) => !/handover|^\/auth$/.test(path));
    const [first, ...rest] = routes;
    assert.ok(first);
    const statuses = await storm(counts.requests, () => randomRequest(random, random.pick([first, ...rest])));
    assert.deepEqual(failures.splice(0).slice(0, 10), []);
    assert.ok(statuses.size > 3);
    await docker.ping();
    assert.equal(agent.stderr().includes('unhandled'), false, agent.stderr());
    const left = descriptors() - before;
    assert.ok(left <= 2 * lanes, `${left} more open files than before`);
  });

  it('bytes that are no request at all', async () => {
    const random = new Random(seed);
    for (let count = 0; count < counts.requests / 50; count++) {
      const bytes = Buffer.from(Array.from({ length: 1 + random.below(300) }, () => random.below(256)));
      const lead = random.pick([
        '',
        'GET ',
        'GET / HTTP/1.1\r\n',
        'POST /containers/create HTTP/1.1\r\nContent-Length: 9\r\n',
      ]);
      const socket = connect(agent.socket);
      socket.on('error', () => undefined);
      socket.end(Buffer.concat([Buffer.from(lead), bytes]));
      const said = Buffer.concat(await socket.toArray().catch(() => [])).toString();
      const body = said.split('\r\n\r\n')[1];
      if (body !== undefined) assert.match(JSON.parse(body).message, /./, said);
    }
    await docker.ping();
  });
});

function problemOf({ status, body }: Answer): string | undefined {
  if (status === 0) return `no answer: ${body}`;
  if (status < 400) return undefined;
  try {
    const told: unknown = JSON.parse(body);
    const isShape = Object.keys(Object(told)).join() === 'message' && typeof Object(told).message === 'string';
    // What we did not expect ourselves shows as an error of Node's or the language's.
    const isBug = status === 500 && /Cannot read|is not a function|undefined|The "?\w+"? argument|ERR_/.test(body);
    return isShape && !isBug ? undefined : `${status} ${body.slice(0, 300)}`;
  } catch {
    return `${status} is not JSON: ${body.slice(0, 300)}`;
  }
}

const names = [
  'fuzzed',
  'none',
  '..',
  '%2e%2e',
  '%00',
  '%zz',
  'x'.repeat(300),
  'sha256:00',
  starterImage,
  '-',
  '%F0%9F%90%B3',
] as const;
const queries = [
  ...[
    'all',
    'limit',
    'size',
    'filters',
    'since',
    'until',
    'tail',
    'h',
    'w',
    't',
    'signal',
    'condition',
    'name',
    'path',
  ],
  ...[
    'ps_args',
    'stream',
    'logs',
    'stdout',
    'stdin',
    'force',
    'v',
    'link',
    'type',
    'kind',
    'inode',
    'repo',
    'tag',
    'platform',
  ],
] as const;

function randomRequest(random: Random, route: Route): { method: string; path: string; body: string } {
  const version = random.pick(['', '', '', '/v1.41', '/v1.47', '/v1.24', '/v1.99', '/v0.1', '/v1', '/v..']);
  const path = route.path.replace(/\{\w+\*?\}/g, () => random.pick(names));
  const search = Array.from({ length: random.below(4) }, () => {
    const value = random.pick(odd);
    const shown = typeof value === 'string' ? value.slice(0, 500) : JSON.stringify(value);
    return `${random.pick([queries[0], ...queries.slice(1)])}=${encodeURIComponent(Buffer.from(shown).toString())}`;
  }).join('&');
  const bodies = [
    '',
    'null',
    '[]',
    '{}',
    '{',
    '"x"',
    JSON.stringify(random.pick(odd)),
    JSON.stringify({ a: random.pick(odd) }),
  ] as const;
  const body = route.method === 'GET' || route.method === 'HEAD' ? '' : random.pick([bodies[0], ...bodies.slice(1)]);
  return { method: route.method, path: `${version}${path}${search === '' ? '' : `?${search}`}`, body };
}
