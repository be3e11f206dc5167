import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { busyboxTar, docker } from '../conformance/engine.ts';
import { ask, type RunningAgent, startAgent } from '../support/agent.ts';
import { requires } from '../support/tools.ts';

const image = 'races/busybox:1';

type Request = readonly [method: string, path: string, body?: unknown];
interface Target {
  readonly id: string;
  readonly exec: string;
  /** Each is asked twice. */
  readonly turn: 0 | 1;
}

/** Whatever is asked of a container at the moment in which somebody removes it. */
const verbs: Readonly<Record<string, (target: Target) => Request>> = {
  start: ({ id }) => ['POST', `/containers/${id}/start`],
  stop: ({ id }) => ['POST', `/containers/${id}/stop?t=1`],
  restart: ({ id }) => ['POST', `/containers/${id}/restart?t=0`],
  kill: ({ id }) => ['POST', `/containers/${id}/kill`],
  'kill -s USR1': ({ id }) => ['POST', `/containers/${id}/kill?signal=USR1`],
  pause: ({ id }) => ['POST', `/containers/${id}/pause`],
  unpause: ({ id }) => ['POST', `/containers/${id}/unpause`],
  rename: ({ id, turn }) => ['POST', `/containers/${id}/rename?name=renamed-${turn}-${id}`],
  update: ({ id }) => ['POST', `/containers/${id}/update`, { Memory: 64 << 20, MemorySwap: -1 }],
  resize: ({ id }) => ['POST', `/containers/${id}/resize?h=10&w=10`],
  wait: ({ id }) => ['POST', `/containers/${id}/wait`],
  'exec create': ({ id }) => ['POST', `/containers/${id}/exec`, { Cmd: ['true'] }],
  'exec start': ({ exec }) => ['POST', `/exec/${exec}/start`, { Detach: false, Tty: false }],
  'exec start -d': ({ exec }) => ['POST', `/exec/${exec}/start`, { Detach: true }],
  'exec resize': ({ exec }) => ['POST', `/exec/${exec}/resize?h=10&w=10`],
  'exec inspect': ({ exec }) => ['GET', `/exec/${exec}/json`],
  top: ({ id }) => ['GET', `/containers/${id}/top`],
  'logs -f': ({ id }) => ['GET', `/containers/${id}/logs?stdout=1&follow=1`],
  attach: ({ id }) => ['POST', `/containers/${id}/attach?stdout=1&stream=1&logs=1`],
  diff: ({ id }) => ['GET', `/containers/${id}/changes`],
  export: ({ id }) => ['GET', `/containers/${id}/export`],
  'cp out': ({ id }) => ['GET', `/containers/${id}/archive?path=/etc`],
  'cp stat': ({ id }) => ['HEAD', `/containers/${id}/archive?path=/etc`],
  'cp in': ({ id }) => ['PUT', `/containers/${id}/archive?path=/`],
  stats: ({ id }) => ['GET', `/containers/${id}/stats?stream=0&one-shot=1`],
  inspect: ({ id }) => ['GET', `/containers/${id}/json?size=1`],
  ps: () => ['GET', '/containers/json?all=1&size=1'],
  df: () => ['GET', '/system/df'],
  commit: ({ id }) => ['POST', `/commit?container=${id}&repo=races/committed&tag=${id}`, {}],
  rm: ({ id }) => ['DELETE', `/containers/${id}`],
  'rm -f': ({ id }) => ['DELETE', `/containers/${id}?force=1`],
  plan: ({ id }) => ['GET', `/porthole/v1/containers/${id}/plan`],
  trace: ({ id }) => ['GET', `/porthole/v1/containers/${id}/trace`],
  history: ({ id }) => ['GET', `/porthole/v1/containers/${id}/history`],
  cgroup: ({ id }) => ['GET', `/porthole/v1/containers/${id}/cgroup`],
  namespaces: ({ id }) => ['GET', `/porthole/v1/containers/${id}/namespaces`],
};

describe('a container that is removed meanwhile', function () {
  this.timeout(240_000);
  let agent: RunningAgent;

  before(async function () {
    requires(this, { root: true, programs: ['docker', 'busybox'] });
    agent = await startAgent();
    const engine = { name: 'porthole', host: `unix://${agent.socket}` } as const;
    const { code, stderr } = await docker(engine, ['import', '-', image], { input: await busyboxTar() });
    assert.equal(code, 0, stderr);
  });

  after(async () => {
    await agent?.stop();
  });

  for (const [name, request] of Object.entries(verbs)) {
    it(`answers ${name} with its outcome or in the words of a client’s mistake`, async () => {
      for (let round = 0; round < 3; round++) {
        const target = await running();
        const removal = ask(agent.socket, 'DELETE', `/containers/${target.id}?force=1`);
        // Another moment each time; whichever it is, the answer has to be right.
        await pause(round * 5);
        const asked = ([0, 1] as const).map((turn) => ask(agent.socket, ...request({ ...target, turn })));
        for (const { status, body } of await Promise.all(asked)) {
          assert.ok(status < 400 || status === 404 || status === 409, `${status} ${body}`);
          // What would be told in the stream of an exec that could not begin.
          if (name === 'exec start') assert.doesNotMatch(body, /users and groups|nsenter|unable to start/);
        }
        const { status, body } = await removal;
        // Somebody else may have been faster.
        assert.ok([204, 404, 409].includes(status), `${status} ${body}`);
        await ask(agent.socket, 'DELETE', `/containers/${target.id}?force=1`);
      }
    });
  }

  async function running(): Promise<Omit<Target, 'turn'>> {
    const body = { Image: image, Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'none' } };
    const { Id: id } = await must('POST', '/containers/create', body);
    await must('POST', `/containers/${id}/start`);
    const { Id: exec } = await must('POST', `/containers/${id}/exec`, { Cmd: ['echo', 'x'], AttachStdout: true });
    return { id, exec };
  }

  async function must(method: string, path: string, body?: unknown): Promise<{ Id: string }> {
    const answer = await ask(agent.socket, method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.body}`);
    return answer.body === '' ? { Id: '' } : JSON.parse(answer.body);
  }
});
