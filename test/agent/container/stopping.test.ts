import assert from 'node:assert/strict';
import { graceLeft, type Stopping, triedBy } from '../../../src/agent/container/stopping.ts';
import { isKind } from '../../../src/base/errors.ts';
import { never, openRig, type Rig, until } from './rig.ts';

describe('a stop as data', () => {
  const since = 1_700_000_000_000;
  const stopping = (seconds: number): Stopping => ({ by: 'stop', signal: 15, seconds, since, isSent: true });

  it('has a grace that counts from its beginning, whoever asks', () => {
    const left = (passed: number, seconds = 10) => graceLeft(stopping(seconds), since + passed);
    assert.deepEqual(
      [0, 4000, 10_000, 999_999].map((passed) => left(passed)),
      [10_000, 6000, 0, 0],
    );
    assert.equal(left(4000, -1), undefined);
    assert.equal(left(0, 0), 0);
    assert.equal(left(-3_600_000), 10_000, 'a clock that was set back');
  });

  it('is what an exit is put down to', () => {
    assert.deepEqual(triedBy(stopping(10), since + 9999), { by: 'stop', signal: 15 });
    assert.deepEqual(triedBy(stopping(10), since + 10_000), { by: 'stop', signal: 15, graceOver: 10 });
    assert.deepEqual(triedBy(stopping(-1), since + 10_000), { by: 'stop', signal: 15 });
    assert.deepEqual(triedBy({ ...stopping(-1), by: 'kill' }, since), { by: 'kill', signal: 15 });
  });
});

describe('containers: a stop across a handover', function () {
  this.timeout(180_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  const stubborn = ['sh', '-c', "trap 'echo term' TERM; echo up; while :; do usleep 10000; done"];
  const isUp = (id: string) => until('it is up', async () => (await rig.logs(id)).stdout.startsWith('up'));

  it('gets its SIGKILL from the next engine, and the stop signal once', async () => {
    const id = await rig.run(stubborn, { hostConfig: { RestartPolicy: { Name: 'always' } } });
    await isUp(id);
    const stop = rig.containers.stop(id, { seconds: 2 });
    stop.catch(() => undefined);
    await until('it was told', async () => (await rig.logs(id)).stdout.includes('term'));
    await rig.containers.shutdown();
    await assert.rejects(stop, (failure) => isKind(failure, 'canceled'));
    await rig.reopen();
    assert.equal(rig.containers.get(id).state.status, 'running');
    assert.equal((await rig.containers.wait(id, 'not-running', never)).exitCode, 137);
    const { state, restartCount } = rig.containers.get(id);
    assert.deepEqual([state.status, restartCount, (await rig.logs(id)).stdout], ['exited', 0, 'up\nterm\n']);
    await until('it is told', () => rig.eventsOf(id).at(-1) === 'stop');
  });

  it('that has no grace at its end goes on without one', async () => {
    const id = await rig.run(stubborn);
    await isUp(id);
    rig.containers.stop(id, { seconds: -1 }).catch(() => undefined);
    await until('it was told', async () => (await rig.logs(id)).stdout.includes('term'));
    await rig.containers.shutdown();
    await rig.reopen();
    assert.equal((await rig.exec(id, ['echo', 'alive'])).stdout, 'alive\n');
    await rig.containers.kill(id, undefined);
    assert.deepEqual(rig.containers.get(id).state.ending?.cause, { kind: 'killed', signal: 9 });
  });

  it('that a new life has made pointless is forgotten', async () => {
    const id = await rig.run(stubborn);
    await isUp(id);
    await rig.containers.restart(id, { seconds: 0 });
    const { pid } = rig.containers.get(id).state;
    await rig.containers.shutdown();
    await rig.reopen();
    await rig.exec(id, ['true']);
    assert.deepEqual([rig.containers.get(id).state.pid, rig.containers.get(id).state.status], [pid, 'running']);
  });
});
