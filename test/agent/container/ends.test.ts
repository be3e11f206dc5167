import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { processesIn } from '../../../src/agent/cgroup/tree.ts';
import { nextBackOff, wantsRestart } from '../../../src/agent/container/restart-policy.ts';
import type { HostConfig } from '../../../src/protocol/docker.ts';
import { cgroupsOf, never, openRig, type Rig, until } from './rig.ts';

describe('restart policies as data', () => {
  const record = (
    policy: HostConfig['RestartPolicy'],
    other: { manuallyStopped?: boolean; restartCount?: number } = {},
  ) => ({
    hostConfig: { RestartPolicy: policy },
    manuallyStopped: false,
    restartCount: 0,
    ...other,
  });

  for (const [name, on0, on1, manual] of [
    ['no', false, false, false],
    ['always', true, true, true],
    ['unless-stopped', true, true, false],
    ['on-failure', false, true, true],
  ] as const) {
    it(`${name}: after success ${on0}, after failure ${on1}, after a signal of the user’s ${manual}`, () => {
      assert.equal(wantsRestart(record({ Name: name }), 0), on0);
      assert.equal(wantsRestart(record({ Name: name }), 1), on1);
      assert.equal(wantsRestart(record({ Name: name }, { manuallyStopped: true }), 1), manual);
    });
  }

  it('on-failure counts', () => {
    const policy = { Name: 'on-failure', MaximumRetryCount: 2 };
    assert.equal(wantsRestart(record(policy, { restartCount: 1 }), 1), true);
    assert.equal(wantsRestart(record(policy, { restartCount: 2 }), 1), false);
  });

  it('wait twice as long each time, a minute at most, and from the beginning after ten seconds of running', () => {
    const waits = [0];
    for (let round = 0; round < 12; round++) waits.push(nextBackOff(waits.at(-1) ?? 0, 10));
    assert.deepEqual(waits.slice(1), [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
    assert.deepEqual([nextBackOff(60_000, 9_999), nextBackOff(60_000, 10_000)], [60_000, 100]);
  });
});

describe('containers: the end', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  const pathOf = (id: string) => `/porthole/${id}`;
  const inside = (id: string) => processesIn(rig.host.cgroup, pathOf(id));
  const isUp = (id: string, count: number) =>
    until(`${count} processes`, async () => (await inside(id)).length >= count);

  /** What is left of a container's processes when its end is told. */
  async function leftAtEnd(id: string, end: () => Promise<unknown>): Promise<string[]> {
    const pids = await inside(id);
    const alive: Promise<string[]>[] = [];
    const told = rig.containers.wait(id, 'next-exit', never).then(() => {
      alive.push(
        Promise.all(
          pids.map(async (pid) => {
            const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
            return /^State:\s+[^ZX]/m.test(status) ? [status.split('\n')[0] ?? ''] : [];
          }),
        ).then((found) => found.flat()),
      );
    });
    await end();
    await told;
    assert.deepEqual(await cgroupsOf(rig.host, id), []);
    return (await Promise.all(alive)).flat();
  }

  const crowd = ['sh', '-c', 'sleep 1000 & sleep 1000 & (sleep 1000 & sleep 1000) & echo up; read stop; exit 4'];
  const waiting = { config: { OpenStdin: true } };
  for (const [name, hostConfig] of [
    ['its own PID namespace', {}],
    ['the host’s PID namespace', { PidMode: 'host' }],
    ['an init', { Init: true }],
    ['an init in the host’s PID namespace', { Init: true, PidMode: 'host' }],
  ] as const) {
    it(`takes every other process with it: ${name}`, async () => {
      const id = await rig.run(crowd, { ...waiting, hostConfig: { NetworkMode: 'none', ...hostConfig } });
      const { id: execId } = await rig.containers.execCreate(id, {
        ...{ argv: ['sh', '-c', 'sleep 1000 & sleep 1000'], env: [], tty: false, privileged: false },
        ...{ attachStdin: false, attachStdout: false, attachStderr: false },
      });
      await rig.containers.execStart(execId, { detach: true, tty: false });
      await isUp(id, 7);
      const init = rig.containers.get(id).state.pid;
      assert.deepEqual(await leftAtEnd(id, async () => process.kill(init, 'SIGKILL')), []);
      assert.equal(rig.containers.execInspect(execId).exitCode, 137);
      const last = rig.eventsOf(id).slice(-2);
      assert.deepEqual(last, ['exec_die', 'die']);
    });
  }

  it('takes along those in a PID namespace of another container, and nothing of that one', async () => {
    const host = await rig.run(['sleep', '1000']);
    const guest = await rig.run(crowd, {
      ...waiting,
      hostConfig: { NetworkMode: 'none', PidMode: `container:${host}` },
    });
    await isUp(guest, 5);
    assert.deepEqual(await leftAtEnd(guest, () => rig.containers.kill(guest, 'KILL')), []);
    assert.equal(rig.containers.get(host).state.status, 'running');
    assert.equal((await inside(host)).length, 1);
    await rig.containers.remove(host, { force: true, volumes: true });
  });

  it('of a fork bomb in the host’s PID namespace leaves nobody', async () => {
    const bomb = 'bomb() { while :; do (bomb) & done; }; echo up; bomb & read stop';
    const id = await rig.run(['sh', '-c', bomb], {
      ...waiting,
      hostConfig: { NetworkMode: 'none', PidMode: 'host', PidsLimit: 60, NanoCpus: 500_000_000 },
    });
    await isUp(id, 50);
    const init = rig.containers.get(id).state.pid;
    await leftAtEnd(id, async () => process.kill(init, 'SIGKILL'));
    assert.deepEqual(await inside(id), []);
  });

  it('comes to a paused container, and to one that somebody else froze', async () => {
    const paused = await rig.run(crowd, waiting);
    await isUp(paused, 5);
    await rig.containers.pause(paused);
    assert.deepEqual(await leftAtEnd(paused, () => rig.containers.kill(paused, undefined)), []);

    const { cgroup } = rig.host;
    if (cgroup.version === 2) return;
    const freezer = cgroup.hierarchies.find(({ controllers }) => controllers.includes('freezer'));
    assert.ok(freezer);
    const frozen = await rig.run(crowd, waiting);
    await isUp(frozen, 5);
    const nested = `${freezer.root}${pathOf(frozen)}/nested`;
    mkdirSync(nested);
    for (const pid of await inside(frozen)) writeFileSync(`${nested}/cgroup.procs`, String(pid));
    writeFileSync(`${nested}/freezer.state`, 'FROZEN');
    assert.deepEqual(await leftAtEnd(frozen, () => rig.containers.remove(frozen, { force: true, volumes: true })), []);
    assert.throws(() => rmdirSync(nested), { code: 'ENOENT' });
  });

  it('by docker kill is over when the call returns', async () => {
    const id = await rig.run(['sleep', '1000']);
    await rig.containers.kill(id, undefined);
    assert.equal(rig.containers.get(id).state.status, 'exited');
  });

  const always = { hostConfig: { NetworkMode: 'none', RestartPolicy: { Name: 'always' } } };
  const status = (id: string) => rig.containers.get(id).state.status;
  const countOf = (id: string) => rig.containers.get(id).restartCount;

  it('is taken for a user’s by the rule of dockerd', async () => {
    const trap = ['sh', '-c', 'trap "exit 3" HUP; echo up; while :; do sleep 0.01; done'];
    const up = (id: string, lines: number) =>
      until('it is up', async () => (await rig.logs(id)).stdout === 'up\n'.repeat(lines));
    const any = await rig.run(trap, always);
    await up(any, 1);
    await rig.containers.kill(any, 'HUP');
    await rig.containers.wait(any, 'not-running', never);
    assert.deepEqual([status(any), countOf(any)], ['exited', 0]);
    const own = await rig.run(trap, { ...always, config: { StopSignal: 'QUIT' } });
    await up(own, 1);
    await rig.containers.kill(own, 'HUP');
    await up(own, 2);
    assert.equal(countOf(own), 1);
    // A user's start counts anew.
    await rig.containers.stop(own, { seconds: 0 });
    await rig.containers.start(own);
    assert.equal(countOf(own), 0);
    for (const id of [any, own]) await rig.containers.remove(id, { force: true, volumes: true });
  });

  it('between two attempts of a policy is where stop and kill leave it', async () => {
    for (const end of ['stop', 'kill'] as const) {
      const id = await rig.run(['false'], always);
      await until('it is waiting', () => status(id) === 'restarting' && countOf(id) > 1);
      await (end === 'stop' ? rig.containers.stop(id, {}) : rig.containers.kill(id, undefined));
      assert.equal(status(id), 'exited');
      const count = countOf(id);
      await rig.containers.shutdown();
      await rig.reopen();
      // `always` comes back with the engine, also what a user had stopped.
      await until('it is tried again', () => countOf(id) > count || status(id) === 'restarting');
      await rig.containers.remove(id, { force: true, volumes: true });
    }
  });
});
