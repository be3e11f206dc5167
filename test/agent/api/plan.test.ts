import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { starterImage } from '../../../scripts/starter-image.ts';
import type { PlannedContainer, PlanView } from '../../../src/protocol/trace.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { loadStarterImage } from '../../support/starter.ts';
import { requires } from '../../support/tools.ts';

describe('api: the plan of a container that is not made', function () {
  this.timeout(60_000);
  let agent: RunningAgent;
  let docker: Docker;
  before(async function () {
    requires(this, { root: true });
    agent = await startAgent();
    docker = new Docker({ socketPath: agent.socket });
    await loadStarterImage(docker);
  });
  after(() => agent?.stop());

  /** Everything below the agent's roots, with sizes and times. */
  const onDisk = (): string =>
    execFileSync('find', [agent.dataRoot, agent.execRoot, '-printf', '%p %y %s %T@\\n'], { encoding: 'utf8' });
  const post = (path: string, body: object) => send(agent.socket, path, body);

  const missing = `/tmp/porthole-plan-${process.pid}-never-made`;
  const bodies: Readonly<Record<string, Docker.ContainerCreateOptions>> = {
    plain: { Image: starterImage, Cmd: ['true'] },
    'limits, a user, mounts and rights': {
      Image: starterImage,
      Cmd: ['sh', '-c', 'id'],
      User: '1000',
      Tty: true,
      HostConfig: {
        NetworkMode: 'none',
        Memory: 64 << 20,
        CapDrop: ['ALL'],
        ReadonlyRootfs: true,
        Binds: ['/etc:/host-etc:ro'],
        Tmpfs: { '/scratch': 'size=1m' },
      },
    },
  };
  for (const [what, body] of Object.entries(bodies)) {
    it(`${what}: the plan that the container then has, without a trace of it on disk`, async () => {
      const before = onDisk();
      const events = await docker.getEvents({});
      const planned: PlannedContainer = JSON.parse((await post('/porthole/v1/containers/plan', body)).body);
      assert.equal(onDisk(), before);
      assert.deepEqual(await docker.listContainers({ all: true }), []);

      const made = await docker.createContainer(body);
      const real: PlanView = JSON.parse(
        (await ask(agent.socket, 'GET', `/porthole/v1/containers/${made.id}/plan`)).body,
      );
      const zeros = (shown: string): string =>
        shown.replaceAll(made.id, '0'.repeat(64)).replaceAll(made.id.slice(0, 12), '0'.repeat(12));
      assert.equal(planned.text, zeros(real.text));
      assert.deepEqual(
        planned.steps.map(({ op, why }) => [op, why]),
        real.steps.map(({ op, why }) => [op, why]),
      );
      await made.remove();
      // The first event about containers is that of the real one.
      const [first] = await firstEvent(events);
      assert.equal(first?.Actor?.ID, made.id);
    });
  }

  it('does not make the missing source of a bind', async () => {
    const HostConfig = { Binds: [`${missing}:/x`] };
    const { status, body } = await post('/porthole/v1/containers/plan', { Image: starterImage, HostConfig });
    assert.equal(status, 200, body);
    assert.ok(JSON.parse(body).text.includes(missing));
    const made = await docker.createContainer({ Image: starterImage, HostConfig });
    assert.equal((await ask(agent.socket, 'GET', `/porthole/v1/containers/${made.id}/plan`)).status, 200);
    assert.ok(!existsSync(missing));
    await made.remove();
  });

  const refusals: readonly (readonly [query: string, body: object])[] = [
    ['', { Image: 'no/such:image' }],
    ['', { Image: starterImage, HostConfig: { Memory: 5 } }],
    ['', { Image: starterImage, HostConfig: { Links: ['a:b'] } }],
    ['', { Image: starterImage, Cmd: [5] }],
    ['?name=taken', { Image: starterImage }],
    ['?name=!', { Image: starterImage }],
    ['?platform=windows/amd64', { Image: starterImage }],
    ['', { Image: starterImage, HostConfig: { CapAdd: ['FLY'] } }],
    ['', { Image: starterImage, WorkingDir: 'x' }],
  ];
  it('refuses what a creation refuses, in the same words, and warns in the same', async () => {
    const taken = await docker.createContainer({ Image: starterImage, name: 'taken' });
    for (const [query, body] of refusals) {
      const planned = await post(`/porthole/v1/containers/plan${query}`, body);
      assert.ok(planned.status >= 400, planned.body);
      assert.deepEqual(planned, await post(`/containers/create${query}`, body));
    }
    const body = { Image: starterImage };
    const planned: PlannedContainer = JSON.parse((await post('/porthole/v1/containers/plan', body)).body);
    const made: { Id: string; Warnings: string[] } = JSON.parse((await post('/containers/create', body)).body);
    assert.deepEqual(planned.warnings, made.Warnings);
    await Promise.all([taken, docker.getContainer(made.Id)].map((one) => one.remove()));
  });
});

async function firstEvent(stream: NodeJS.ReadableStream): Promise<{ Actor?: { ID?: string } }[]> {
  for await (const chunk of stream) {
    const events = String(chunk)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ Type }) => Type === 'container');
    if (events.length > 0) return events;
  }
  return [];
}

function send(socketPath: string, path: string, body: object): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' };
    request({ socketPath, path, method: 'POST', headers }, async (response) => {
      resolve({ status: response.statusCode ?? 0, body: await text(response) });
    })
      .once('error', reject)
      .end(JSON.stringify(body));
  });
}
