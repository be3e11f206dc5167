import assert from 'node:assert/strict';
import type { HealthState, ProbeResult } from '../../../src/agent/container/contract.ts';
import {
  afterProbe,
  checkHealthcheck,
  healthCheckOf,
  mergeHealthcheck,
  startingHealth,
  untilNextProbe,
} from '../../../src/agent/container/health.ts';
import type { ContainerConfig } from '../../../src/protocol/docker.ts';
import { openRig, type Rig, until } from './rig.ts';

const second = 1_000_000_000;
const born = Date.parse('2026-01-01T00:00:00Z');

function checkOf(check: ContainerConfig['Healthcheck']) {
  const found = healthCheckOf({ Healthcheck: check });
  assert.ok(found);
  return found;
}

const probe = (exitCode: number, after = 0): ProbeResult => ({
  start: new Date(born + after).toISOString(),
  end: new Date(born + after + 1).toISOString(),
  exitCode,
  output: '',
});

describe('health checks as data', () => {
  it('knows the forms and the defaults of Docker', () => {
    assert.equal(healthCheckOf({}), undefined);
    assert.equal(healthCheckOf({ Healthcheck: { Test: ['NONE'] } }), undefined);
    assert.equal(healthCheckOf({ Healthcheck: { Test: ['true'] } }), undefined);
    assert.deepEqual(checkOf({ Test: ['CMD', 'a', 'b'] }), {
      argv: ['a', 'b'],
      interval: 30_000,
      timeout: 30_000,
      startPeriod: 0,
      startInterval: 5_000,
      retries: 3,
    });
    assert.deepEqual(checkOf({ Test: ['CMD-SHELL', 'a b'] }).argv, ['/bin/sh', '-c', 'a b']);
    const own = healthCheckOf({ Shell: ['/bin/ash', '-ec'], Healthcheck: { Test: ['CMD-SHELL', 'a'] } });
    assert.deepEqual(own?.argv, ['/bin/ash', '-ec', 'a']);
  });

  it('turns unhealthy after as many failures in a row as it may have', () => {
    const life = { check: checkOf({ Test: ['CMD', 'x'], Retries: 2 }), startedAt: born };
    const states: HealthState[] = [];
    for (const code of [1, 1, 0, 1, 0, 1, 1, 1]) {
      states.push(afterProbe(states.at(-1) ?? startingHealth(undefined), probe(code), life));
    }
    assert.deepEqual(
      states.map(({ status, failingStreak }) => `${status} ${failingStreak}`),
      ['starting 1', 'unhealthy 2', 'healthy 0', 'healthy 1', 'healthy 0', 'healthy 1', 'unhealthy 2', 'unhealthy 3'],
    );
    assert.equal(states.at(-1)?.log.length, 5);
  });

  it('does not count failures within the start period of what has not been healthy yet', () => {
    const life = { check: checkOf({ Test: ['CMD', 'x'], Retries: 1, StartPeriod: 10 * second }), startedAt: born };
    const early = afterProbe(startingHealth(undefined), probe(1, 9_999), life);
    assert.deepEqual([early.status, early.failingStreak, early.log.length], ['starting', 0, 1]);
    assert.equal(afterProbe(early, probe(1, 10_000), life).status, 'unhealthy');
    const healthy = afterProbe(early, probe(0, 10), life);
    assert.equal(afterProbe(healthy, probe(1, 20), life).status, 'unhealthy');
  });

  it('probes by the start interval only while it starts', () => {
    const check = checkOf({
      Test: ['CMD', 'x'],
      Interval: 7 * second,
      StartPeriod: 10 * second,
      StartInterval: second,
    });
    const next = (status: HealthState['status'], after: number) =>
      untilNextProbe(status, { check, startedAt: born, now: born + after });
    assert.deepEqual([next('starting', 0), next('starting', 10_000), next('healthy', 0)], [1_000, 7_000, 7_000]);
  });

  it('completes a check of the user by that of the image', () => {
    assert.deepEqual(mergeHealthcheck({ Interval: second }, { Test: ['CMD', 'x'], Interval: 2 * second, Retries: 4 }), {
      Test: ['CMD', 'x'],
      Interval: second,
      Timeout: undefined,
      StartPeriod: undefined,
      StartInterval: undefined,
      Retries: 4,
    });
  });

  it('refuses what cannot be in the words of dockerd', () => {
    for (const field of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
      assert.throws(() => checkHealthcheck({ [field]: 999_999 }), {
        message: `${field} in Healthcheck cannot be less than 1ms`,
      });
    }
    assert.throws(() => checkHealthcheck({ Retries: -1 }), { message: 'Retries in Healthcheck cannot be negative' });
    checkHealthcheck({ Test: ['CMD', 'x'], Interval: 1_000_000, Retries: 0 });
  });
});

describe('health checks of running containers', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  const fast = { Interval: 20_000_000, Retries: 2 };
  const health = (id: string) => rig.containers.get(id).state.health;
  const isStatus = (id: string, status: HealthState['status']) =>
    until(`${id} is ${status}`, () => health(id)?.status === status);

  it('follows a container from starting to healthy to unhealthy and back', async () => {
    const check = { Test: ['CMD-SHELL', 'echo looked; test -e /good'], ...fast };
    const id = await rig.run(['sleep', '1000'], { config: { Healthcheck: check } });
    assert.equal(health(id)?.status, 'starting');
    await isStatus(id, 'unhealthy');
    await rig.exec(id, ['touch', '/good']);
    await isStatus(id, 'healthy');
    const last = health(id)?.log.at(-1);
    assert.deepEqual([last?.exitCode, last?.output], [0, 'looked\n']);
    await rig.exec(id, ['rm', '/good']);
    await isStatus(id, 'unhealthy');
    const seen = rig.eventsOf(id).filter((action) => action.startsWith('health_status'));
    assert.deepEqual(
      seen,
      ['unhealthy', 'healthy', 'unhealthy'].map((status) => `health_status: ${status}`),
    );
    const first = rig.eventsOf(id).indexOf('exec_create: /bin/sh -c echo looked; test -e /good');
    assert.deepEqual(rig.eventsOf(id).slice(first, first + 3), [
      'exec_create: /bin/sh -c echo looked; test -e /good',
      'exec_start: /bin/sh -c echo looked; test -e /good',
      'exec_die',
    ]);
    assert.ok((health(id)?.log.length ?? 0) <= 5);
    await rig.containers.kill(id, undefined);
    await until('it ended', () => rig.containers.get(id).state.status === 'exited');
  });

  it('kills a probe that takes too long, and says so', async () => {
    const check = { Test: ['CMD', 'sh', '-c', 'echo slow; exec sleep 1000'], ...fast, Timeout: 150_000_000 };
    const id = await rig.run(['sleep', '1000'], { config: { Healthcheck: check } });
    await isStatus(id, 'unhealthy');
    const last = health(id)?.log.at(-1);
    assert.deepEqual([last?.exitCode, last?.output], [-1, 'Health check exceeded timeout (150ms): slow\n']);
    await rig.containers.remove(id, { force: true, volumes: true });
  });

  it('keeps the first 4096 bytes of an output, and says why a probe could not run', async () => {
    const long = await rig.run(['sleep', '1000'], {
      config: { Healthcheck: { Test: ['CMD', 'sh', '-c', 'yes | head -c 300000'], ...fast } },
    });
    await isStatus(long, 'healthy');
    assert.equal(health(long)?.log.at(-1)?.output, `${'y\n'.repeat(2048)}...`);
    const missing = await rig.run(['sleep', '1000'], { config: { Healthcheck: { Test: ['CMD', 'nosuch'], ...fast } } });
    await isStatus(missing, 'unhealthy');
    const last = health(missing)?.log.at(-1);
    assert.equal(last?.exitCode, -1);
    assert.match(last?.output ?? '', /exec: "nosuch": executable file not found in \$PATH: unknown$/);
    for (const id of [long, missing]) await rig.containers.remove(id, { force: true, volumes: true });
  });

  it('does not probe a paused container, and goes on afterwards', async () => {
    const id = await rig.run(['sleep', '1000'], { config: { Healthcheck: { Test: ['CMD', 'true'], ...fast } } });
    await isStatus(id, 'healthy');
    await rig.containers.pause(id);
    // As dockerd has it: nobody watches, so nothing good is known.
    assert.equal(health(id)?.status, 'unhealthy');
    const before = rig.eventsOf(id).length;
    await rig.containers.unpause(id);
    await isStatus(id, 'healthy');
    const after = rig.eventsOf(id).slice(before);
    assert.deepEqual(
      after.filter((action) => !action.startsWith('exec_')),
      ['unpause', 'health_status: healthy'],
    );
    await rig.containers.remove(id, { force: true, volumes: true });
  });

  it('goes on under the next agent with what was known', async () => {
    const id = await rig.run(['sleep', '1000'], {
      config: { Healthcheck: { Test: ['CMD', 'test', '!', '-e', '/bad'], ...fast } },
    });
    await isStatus(id, 'healthy');
    await rig.containers.shutdown();
    await rig.reopen();
    assert.equal(health(id)?.status, 'healthy');
    await rig.exec(id, ['touch', '/bad']);
    await isStatus(id, 'unhealthy');
    await rig.containers.remove(id, { force: true, volumes: true });
  });
});
