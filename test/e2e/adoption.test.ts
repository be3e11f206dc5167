import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import Docker from 'dockerode';
import { until } from '../../scripts/processes.ts';
import { busyboxTar, docker, type Engine } from '../conformance/engine.ts';
import { type RunningAgent, startAgent } from '../support/agent.ts';
import { requires } from '../support/tools.ts';

const image = 'adoption/busybox:1';
/** A line every 10 ms, numbered without a gap. */
const writer = 'i=0; while :; do echo line $i; i=$((i+1)); usleep 10000; done';
/** Ends by itself when the file appears in its root, which the test makes while no agent runs. */
const endsWith = (code: number) => `while ! [ -e /go ]; do usleep 20000; done; echo last words; exit ${code}`;

/** The agent is killed as the kernel kills; what it ran goes on, and a new one takes over. */
describe('a killed agent', function () {
  this.timeout(120_000);
  let agent: RunningAgent;
  let engine: Engine;
  let api: Docker;

  before(async function () {
    requires(this, { root: true, programs: ['docker', 'busybox'] });
    agent = await startAgent();
    engine = { name: 'porthole', host: `unix://${agent.socket}` };
    api = new Docker({ socketPath: agent.socket });
    await must(['import', '-', image], await busyboxTar());
  });

  after(async () => {
    await agent?.stop();
  });

  it('leaves ten containers running; a new one adopts them, with every line and every exit code', async () => {
    const commands: Record<string, string> = {
      ...{ w1: writer, w2: writer, zero: endsWith(0), seven: endsWith(7), killed: 'sleep 1000' },
      ...{ s1: 'sleep 1000', s2: 'sleep 1000', s3: 'sleep 1000', s4: 'sleep 1000', s5: 'sleep 1000' },
    };
    for (const [name, command] of Object.entries(commands)) {
      await must(['run', '-d', '--name', name, image, 'sh', '-c', `trap "exit 0" TERM; ${command}`]);
    }
    const before = await states();
    assert.equal(before.size, 10);
    await until('the writers write', async () => (await must(['logs', 'w1'])).split('\n').length > 50);

    await agent.kill9();
    for (const name of ['zero', 'seven']) {
      await touchInside(pidOf(before, name));
      await until(`${name} ends`, () => !existsSync(`/proc/${pidOf(before, name)}`));
    }
    process.kill(pidOf(before, 'killed'), 'SIGKILL');
    await until('killed ends', () => !existsSync(`/proc/${pidOf(before, 'killed')}`));
    const aliveMeanwhile = ['w1', 'w2', 's1', 's2', 's3', 's4', 's5'];
    for (const name of aliveMeanwhile) assert.ok(existsSync(`/proc/${pidOf(before, name)}`), `${name} lives on`);
    await agent.restart();

    const after = await states();
    assert.deepEqual([...after.keys()].sort(), [...before.keys()].sort());
    for (const name of aliveMeanwhile) {
      assert.equal(after.get(name)?.Status, 'running', name);
      assert.equal(pidOf(after, name), pidOf(before, name), `${name} is the same process`);
    }
    for (const [name, code] of [
      ['zero', 0],
      ['seven', 7],
      ['killed', 137],
    ] as const) {
      assert.equal(after.get(name)?.Status, 'exited', name);
      assert.equal(after.get(name)?.ExitCode, code, name);
    }
    assert.equal(await must(['logs', 'seven']), 'last words\n');
    assert.equal(await must(['exec', 's1', 'echo', 'still here']), 'still here\n');
    await must(['stop', '-t', '5', 'w1', 'w2']);
    for (const name of ['w1', 'w2']) {
      const lines = (await must(['logs', name])).trimEnd().split('\n');
      assert.ok(lines.length > 60, `${name} went on writing`);
      assert.deepEqual(
        lines,
        lines.map((_, at) => `line ${at}`),
        `${name}: no line lost, none doubled`,
      );
    }
    await must(['rm', '-f', ...Object.keys(commands)]);
    assert.deepEqual(await api.listContainers({ all: true }), []);
  });

  async function states() {
    const found = new Map<string, Docker.ContainerInspectInfo['State']>();
    for (const { Id } of await api.listContainers({ all: true })) {
      const { Name, State } = await api.getContainer(Id).inspect();
      found.set(Name.replace(/^\//, ''), State);
    }
    return found;
  }

  async function must(args: readonly string[], input?: Buffer): Promise<string> {
    const { code, stdout, stderr } = await docker(engine, args, input ? { input } : {});
    assert.equal(code, 0, `docker ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
});

function pidOf(states: ReadonlyMap<string, Docker.ContainerInspectInfo['State']>, name: string): number {
  return states.get(name)?.Pid ?? 0;
}

/** Makes /go in the container's root, through the root link of its process: no agent takes part. */
async function touchInside(pid: number): Promise<void> {
  const { writeFile } = await import('node:fs/promises');
  await writeFile(`/proc/${pid}/root/go`, '');
}
