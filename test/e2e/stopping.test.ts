import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../scripts/processes.ts';
import type { HistoryEntry } from '../../src/protocol/history.ts';
import { busyboxTar, docker, type Engine } from '../conformance/engine.ts';
import { ask, type RunningAgent, startAgent } from '../support/agent.ts';
import { requires } from '../support/tools.ts';

const image = 'stopping/busybox:1';
const never = '0001-01-01T00:00:00Z';
/** Notes each SIGTERM and lives on, until the file appears in its root. */
const stubborn = (code: number): string =>
  `trap 'echo term' TERM; echo up; while ! [ -e /go ]; do usleep 20000; done; exit ${code}`;

interface State {
  readonly Status: string;
  readonly Pid: number;
  readonly ExitCode: number;
  readonly StartedAt: string;
  readonly FinishedAt: string;
}

/** The agent is killed in the middle of an end that a user asked for; the next one brings it to its end. */
describe('an end that is under way when the agent is killed', function () {
  this.timeout(300_000);
  let agent: RunningAgent;
  let engine: Engine;

  before(async function () {
    requires(this, { root: true, programs: ['docker', 'busybox'] });
    agent = await startAgent();
    engine = { name: 'porthole', host: `unix://${agent.socket}` };
    const { code, stderr } = await docker(engine, ['import', '-', image], { input: await busyboxTar() });
    assert.equal(code, 0, stderr);
  });

  after(async () => {
    await agent?.stop();
  });

  it('a stop gets its SIGKILL when its grace is over, counted from the beginning', async () => {
    const id = await run(stubborn(0), ['--restart', 'always']);
    const asked = Date.now();
    await cutOff(id, 'POST', `/containers/${id}/stop?t=10`);
    const ended = await exited(id);
    assert.equal(ended.State.ExitCode, 137);
    assert.ok(Date.parse(ended.State.FinishedAt) >= asked + 10_000, ended.State.FinishedAt);
    assert.equal(ended.RestartCount, 0);
    assert.equal(await logs(id), 'up\nterm\n', 'the stop signal was sent once');
    const { cause } = await endingOf(id);
    assert.deepEqual(cause, { kind: 'grace-over', by: 'stop', signal: 15, seconds: 10 });
  });

  for (const policy of ['always', 'unless-stopped', 'on-failure']) {
    it(`a stopped container that ends while no agent is there stays down: ${policy}`, async () => {
      const id = await run(stubborn(3), ['--restart', policy]);
      await cutOff(id, 'POST', `/containers/${id}/stop?t=100`, { meanwhile: () => end(id) });
      const { State, RestartCount } = await exited(id);
      assert.deepEqual([State.ExitCode, RestartCount], [3, 0]);
      assert.deepEqual((await endingOf(id)).cause, { kind: 'stopped', by: 'stop', signal: 15 });
    });
  }

  it('so does one that was sent a signal to end it', async () => {
    const id = await run(stubborn(5), ['--restart', 'always']);
    await cutOff(id, 'POST', `/containers/${id}/kill?signal=TERM`, { meanwhile: () => end(id) });
    const { State, RestartCount } = await exited(id);
    assert.deepEqual([State.ExitCode, RestartCount], [5, 0]);
  });

  it('a restart is brought to its end: SIGKILL, then a new life, also with --rm', async () => {
    for (const flags of [[], ['--rm']]) {
      const id = await run(stubborn(0), flags);
      const { State: before } = await inspect(id);
      await cutOff(id, 'POST', `/containers/${id}/restart?t=6`);
      await until('it lives again', async () => {
        const { State } = await inspect(id);
        return State.Status === 'running' && State.StartedAt > before.StartedAt;
      });
      const { State: now } = await inspect(id);
      assert.notEqual(now.Pid, before.Pid);
      // Of the restart nothing is left that a third agent could take up.
      await agent.kill9();
      await agent.restart();
      assert.equal((await inspect(id)).State.Pid, now.Pid);
    }
  });

  it('a restart whose container ended while no agent is there starts it', async () => {
    const id = await run(stubborn(0), []);
    const { State: before } = await inspect(id);
    await cutOff(id, 'POST', `/containers/${id}/restart?t=100`, { meanwhile: () => end(id) });
    await until('it has ended or lives again', async () => (await inspect(id)).State.FinishedAt !== never);
    await until('it lives again', async () => (await inspect(id)).State.StartedAt > before.StartedAt);
  });

  for (const flags of [[], ['--restart', 'always']]) {
    it(`a removal by force is finished ${flags.join(' ')}`, async () => {
      const id = await run(stubborn(0), ['-v', '/data', ...flags]);
      const [volume] = (await inspect(id)).Mounts;
      assert.ok(volume);
      // Its shim tells nobody that it has ended.
      const shim = await parentOf((await inspect(id)).State.Pid);
      process.kill(shim, 'SIGSTOP');
      const goOn = async () => {
        process.kill(shim, 'SIGCONT');
      };
      await cutOff(id, 'DELETE', `/containers/${id}?force=1&v=1`, { meanwhile: goOn });
      await until('it is gone', async () => (await ask(agent.socket, 'GET', `/containers/${id}/json`)).status === 404);
      await until('so is its volume', async () => {
        return (await ask(agent.socket, 'GET', `/volumes/${volume.Name}`)).status === 404;
      });
    });
  }

  /** Asks, waits until the record tells of it, and puts a new agent in the place of this one. */
  async function cutOff(
    id: string,
    method: string,
    path: string,
    { meanwhile }: { meanwhile?: () => Promise<void> } = {},
  ): Promise<void> {
    const isTerm = !path.includes('force');
    const asked = ask(agent.socket, method, path).catch(() => undefined);
    const file = join(agent.dataRoot, 'containers', id, 'container.json');
    await until('it is under way', async () => {
      const { stopping } = JSON.parse(await readFile(file, 'utf8'));
      return stopping?.isSent === true;
    });
    if (isTerm) await until('it was told', async () => (await logs(id)).includes('term'));
    await agent.kill9();
    await asked;
    await meanwhile?.();
    await agent.restart();
  }

  async function run(script: string, flags: string[]): Promise<string> {
    const args = ['run', '-d', '--net', 'none', ...flags, image, 'sh', '-c', script];
    const { code, stdout, stderr } = await docker(engine, args);
    assert.equal(code, 0, stderr);
    const id = stdout.trim();
    await until('it is up', async () => (await logs(id)).startsWith('up'));
    return id;
  }

  async function inspect(id: string): Promise<{ State: State; RestartCount: number; Mounts: { Name: string }[] }> {
    const { status, body } = await ask(agent.socket, 'GET', `/containers/${id}/json`);
    assert.equal(status, 200, body);
    return JSON.parse(body);
  }

  async function exited(id: string) {
    const { body } = await ask(agent.socket, 'POST', `/containers/${id}/wait`);
    assert.equal(typeof JSON.parse(body).StatusCode, 'number', body);
    const found = await inspect(id);
    assert.equal(found.State.Status, 'exited');
    return found;
  }

  async function logs(id: string): Promise<string> {
    return (await docker(engine, ['logs', id])).stdout;
  }

  async function endingOf(id: string) {
    const { body } = await ask(agent.socket, 'GET', `/porthole/v1/containers/${id}/history`);
    const entries: HistoryEntry[] = JSON.parse(body);
    const last = entries.findLast((entry) => entry.event === 'ended');
    assert.ok(last?.event === 'ended', body);
    return last.ending;
  }

  /** No agent takes part: through the root link of its process. Resolves when it has ended. */
  async function end(id: string): Promise<void> {
    const record = JSON.parse(await readFile(join(agent.dataRoot, 'containers', id, 'container.json'), 'utf8'));
    const { pid } = record.state;
    await writeFile(`/proc/${pid}/root/go`, '');
    await until('it has ended', async () => !(await isThere(pid)));
  }
});

async function isThere(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return /^\d+ \(.*\) [^ZX]/.test(stat);
}

async function parentOf(pid: number): Promise<number> {
  return Number(/^PPid:\s+(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
