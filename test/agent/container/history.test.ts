import assert from 'node:assert/strict';
import { existsSync, readFileSync, utimesSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskHistory } from '../../../src/agent/container/history.ts';
import type { HistoryEntry } from '../../../src/protocol/history.ts';
import { never, openRig, type Rig, until } from './rig.ts';

describe('containers: history', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  const of = (id: string, query = {}) => rig.containers.history(id, { withTrace: true, ...query });
  const events = (entries: readonly HistoryEntry[]) => entries.map(({ event }) => event);
  const ended = async (id: string) => {
    const last = (await of(id)).findLast((entry) => entry.event === 'ended');
    assert.ok(last?.event === 'ended');
    return last.ending;
  };
  const finished = (id: string) => rig.containers.wait(id, 'not-running', never);

  it('tells a whole life, from the creation to the removal and after', async () => {
    const id = await rig.run(['sleep', '1000'], { name: 'told' });
    await rig.containers.pause(id);
    await rig.containers.unpause(id);
    await rig.containers.rename(id, 'retold');
    await rig.containers.restart(id, { seconds: 0 });
    await rig.containers.remove(id, { force: true, volumes: true });
    const told = await of('retold');
    assert.deepEqual(events(told), [
      ...['created', 'started', 'paused', 'unpaused', 'renamed', 'signaled', 'signaled', 'ended', 'stopped', 'started'],
      ...['restarted', 'signaled', 'ended', 'removed'],
    ]);
    assert.deepEqual(told, await of(id.slice(0, 12)));
    assert.deepEqual([told[0]?.name, told.at(-1)?.name], ['told', 'retold']);
    const [created, started] = told;
    assert.ok(created?.event === 'created' && started?.event === 'started');
    assert.equal(created.image, 'bb');
    assert.equal(started.trace?.pid, started.pid);
    assert.ok(started.trace?.steps.some(({ op, result }) => op === 'exec' && result.state === 'done'));
    const times = told.map(({ time }) => time);
    assert.deepEqual(times, [...times].sort());
    const bare = await of(id, { withTrace: false, limit: 2 });
    assert.deepEqual(events(bare), ['ended', 'removed']);
    assert.deepEqual(await of(id, { since: times[3], until: times[4] }), told.slice(3, 5));
    await assert.rejects(of('nobody'), { message: 'No such container: nobody' });
  });

  it('tells which step of a start failed', async () => {
    const id = await rig.create(['nosuch']);
    await rig.containers.start(id).catch(() => undefined);
    const failed = (await of(id)).at(-1);
    assert.ok(failed?.event === 'start-failed');
    assert.deepEqual([failed.exitCode, failed.step?.startsWith('exec')], [127, true]);
    assert.ok(failed.trace?.steps.some(({ result }) => result.state === 'failed'));
  });

  it('knows who ended it', async () => {
    const itself = await rig.run(['sh', '-c', 'exit 3']);
    await finished(itself);
    assert.deepEqual(await ended(itself), { exitCode: 3, cause: { kind: 'exited' } });

    const trap = 'trap "exit 7" TERM; echo ready; while :; do sleep 0.01; done';
    const gentle = await rig.run(['sh', '-c', trap]);
    await until('it is ready', async () => (await rig.logs(gentle)).stdout === 'ready\n');
    await rig.containers.stop(gentle, { seconds: 30 });
    assert.deepEqual(await ended(gentle), { exitCode: 7, cause: { kind: 'stopped', by: 'stop', signal: 15 } });

    const stubborn = await rig.run(['sleep', '1000']);
    await rig.containers.stop(stubborn, { seconds: 0 });
    const cause = { kind: 'grace-over', by: 'stop', signal: 15, seconds: 0 };
    assert.deepEqual(await ended(stubborn), { exitCode: 137, signal: 9, cause });

    const killed = await rig.run(['sleep', '1000']);
    await rig.containers.kill(killed, 'KILL');
    assert.deepEqual(await ended(killed), { exitCode: 137, signal: 9, cause: { kind: 'killed', signal: 9 } });

    const foreign = await rig.run(['sleep', '1000']);
    process.kill(rig.containers.get(foreign).state.pid, 'SIGKILL');
    await finished(foreign);
    assert.deepEqual(await ended(foreign), { exitCode: 137, signal: 9, cause: { kind: 'signal', signal: 9 } });
    assert.deepEqual(rig.containers.get(foreign).state.ending, await ended(foreign));
  });

  it('tells the limit and the peak of what ran out of memory', async () => {
    const limit = 16 * 1024 * 1024;
    const id = await rig.run(['sh', '-c', 'exec tail /dev/zero'], {
      hostConfig: { NetworkMode: 'none', Memory: limit, MemorySwap: limit },
    });
    await finished(id);
    const { cause, outOfMemory } = await ended(id);
    assert.deepEqual(cause, { kind: 'out-of-memory' });
    assert.equal(outOfMemory?.limit, limit);
    assert.ok((outOfMemory?.kills ?? 0) >= 1);
    const peak = outOfMemory?.peak ?? 0;
    assert.ok(peak > limit / 2 && peak <= limit, `${peak}`);
    const told = events(await of(id));
    assert.ok(told.includes('out-of-memory') && told.at(-1) === 'ended', told.join(' '));
  });

  it('knows of a supervisor that was killed, and of what happened without an agent', async () => {
    const lost = await rig.run(['sleep', '1000']);
    const here = await rig.run(['sleep', '1000']);
    const slow = 'trap : TERM; echo up; while [ ! -e /go ]; do sleep 0.01; done; exit 143';
    const asked = await rig.run(['sh', '-c', slow]);
    await until('it is up', async () => (await rig.logs(asked)).stdout === 'up\n');
    await rig.containers.kill(asked, 'TERM');
    await rig.containers.shutdown();
    process.kill(rig.containers.get(here).state.pid, 'SIGKILL');
    await rig.reopen();
    await rig.exec(asked, ['touch', '/go']);
    await finished(asked);
    assert.deepEqual((await ended(asked)).cause, { kind: 'killed', signal: 15 });
    await finished(here);
    assert.deepEqual((await ended(here)).cause, { kind: 'signal', signal: 9 });
    const parent = /^PPid:\s+(\d+)$/m.exec(
      readFileSync(`/proc/${rig.containers.get(lost).state.pid}/status`, 'utf8'),
    )?.[1];
    process.kill(Number(parent), 'SIGKILL');
    await finished(lost);
    assert.deepEqual((await ended(lost)).cause, { kind: 'supervisor-lost' });
  });

  it('of all containers is one list, the newest of it', async () => {
    const all = await rig.containers.wholeHistory({ withTrace: false });
    const ids = new Set(all.map(({ id }) => id));
    assert.ok(ids.size >= 5);
    const times = all.map(({ time }) => time);
    assert.deepEqual(times, [...times].sort());
    assert.ok(all.every((entry) => !('trace' in entry) && !('gzipTrace' in entry)));
    assert.deepEqual(await rig.containers.wholeHistory({ withTrace: false, limit: 3 }), all.slice(-3));
    const since = times.at(-4);
    assert.ok(since);
    assert.deepEqual(await rig.containers.wholeHistory({ withTrace: false, since }), all.slice(-4));
  });

  it('is bounded, survives a torn line, and is kept for as long as was said', async () => {
    const root = join(rig.root, 'own-history');
    const history = await DiskHistory.open(root, { days: 2 });
    const [old, live] = ['a'.repeat(64), 'b'.repeat(64)];
    history.add({ id: old, name: 'old' }, { event: 'created', image: 'x', imageId: 'y' });
    for (let batch = 0; batch < 12; batch++) {
      for (let number = 0; number < 1000; number++) history.add({ id: old, name: 'old' }, { event: 'paused' });
      await history.flush();
    }
    history.add({ id: old, name: 'old' }, { event: 'removed' });
    await history.flush();
    const path = join(root, `${old}.jsonl`);
    assert.ok(readFileSync(path).length < 700_000);
    await appendFile(path, '{"time":"20');
    const kept = await history.of(old, { withTrace: false });
    assert.deepEqual([kept[0]?.event, kept.at(-1)?.event], ['created', 'removed']);
    history.add({ id: live, name: 'live' }, { event: 'paused' });
    await history.flush();
    const threeDaysAgo = Date.now() / 1000 - 3 * 86_400;
    for (const id of [old, live]) utimesSync(join(root, `${id}.jsonl`), threeDaysAgo, threeDaysAgo);
    await history.keepClean((id) => id === live);
    assert.deepEqual([existsSync(path), existsSync(join(root, `${live}.jsonl`))], [false, true]);
    await history.close();
  });
});
