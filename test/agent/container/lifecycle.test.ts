import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTicks } from '../../../src/agent/sys/proc.ts';
import { isKind, type PortholeError } from '../../../src/base/errors.ts';
import { cgroupsOf, never, openRig, type Rig, until } from './rig.ts';

const refused = (kind: PortholeError['kind'], words: RegExp | string) => (failure: unknown) => {
  assert.ok(isKind(failure, kind), `${kind} expected: ${failure}`);
  if (typeof words === 'string') assert.equal(failure.message, words);
  else assert.match(failure.message, words);
  return true;
};

describe('containers: life', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  it('runs a program to its exit code and tells every step', async () => {
    const done = await rig.output(['sh', '-c', 'echo out; echo err >&2; exit 3']);
    assert.deepEqual([done.stdout, done.stderr, done.exitCode], ['out\n', 'err\n', 3]);
    const { state } = rig.containers.get(done.id);
    assert.equal(state.status, 'exited');
    assert.equal(state.pid, 0);
    assert.equal(state.exitCode, 3);
    assert.match(state.finishedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    assert.ok(state.finishedAt > state.startedAt);
    assert.deepEqual(rig.eventsOf(done.id), ['create', 'attach', 'start', 'die']);
    const die = rig.events.find((event) => event.id === done.id && event.action === 'die');
    assert.equal(die?.attributes['exitCode'], '3');
    assert.equal(die?.attributes['image'], 'bb');
    assert.deepEqual(await cgroupsOf(rig.host, done.id), []);
    await until('its runtime directory is gone', () => !existsSync(join(rig.execRoot, 'containers', done.id)));
    await rig.containers.remove(done.id, { force: false, volumes: true });
    assert.throws(() => rig.containers.get(done.id), refused('not-found', `No such container: ${done.id}`));
    assert.ok(!existsSync(join(rig.dataRoot, 'containers', done.id)));
  });

  for (const [program, code, words] of [
    ['nosuch', 127, 'exec: "nosuch": executable file not found in $PATH: unknown'],
    ['/no/such', 127, 'exec: "/no/such": stat /no/such: no such file or directory: unknown'],
    ['/etc/passwd', 126, 'exec: "/etc/passwd": permission denied: unknown'],
    ['/etc', 126, 'exec: "/etc": permission denied: unknown'],
  ] as const) {
    it(`says ${code} for ${program} and leaves nothing behind`, async () => {
      const id = await rig.create([program]);
      await assert.rejects(rig.containers.start(id), (failure: unknown) => {
        assert.ok(isKind(failure, 'invalid'));
        assert.ok(failure.message.endsWith(words), failure.message);
        return true;
      });
      const { state } = rig.containers.get(id);
      assert.deepEqual([state.status, state.exitCode, state.pid], ['created', code, 0]);
      assert.ok(state.error.endsWith(words));
      assert.deepEqual(await cgroupsOf(rig.host, id), []);
      assert.ok(!existsSync(join(rig.execRoot, 'containers', id)));
      const trace = await rig.containers.trace(id);
      assert.ok(trace.steps.some((step) => step.op === 'exec' && step.result.state === 'failed'));
      assert.equal(trace.pid, undefined);
    });
  }

  it('removes itself after the end, also when the program was not found', async () => {
    for (const command of [['true'], ['nosuch']]) {
      const id = await rig.create(command, { hostConfig: { NetworkMode: 'none', AutoRemove: true } });
      const removed = rig.containers.wait(id, 'removed', never);
      await rig.containers.start(id).catch(() => undefined);
      assert.equal((await removed).exitCode, command[0] === 'true' ? 0 : 127);
      assert.equal(rig.eventsOf(id).at(-1), 'destroy');
      assert.throws(() => rig.containers.get(id));
    }
    await until('directories are gone', async () => {
      const names = await readdir(join(rig.dataRoot, 'containers'));
      return !names.some((name) => name.startsWith('.'));
    });
  });

  it('stops by the stop signal, else by SIGKILL after the grace', async () => {
    const gentle = await rig.run(['sh', '-c', 'trap "exit 7" TERM; echo ready; while :; do sleep 0.01; done']);
    await until('it is ready', async () => (await rig.logs(gentle)).stdout === 'ready\n');
    await rig.containers.stop(gentle, { seconds: 10 });
    assert.equal(rig.containers.get(gentle).state.exitCode, 7);
    const stubborn = await rig.run(['sleep', '100']);
    await rig.containers.stop(stubborn, { seconds: 0 });
    assert.equal(rig.containers.get(stubborn).state.exitCode, 137);
    assert.deepEqual(rig.eventsOf(stubborn), ['create', 'start', 'kill', 'kill', 'die', 'stop']);
    await assert.rejects(rig.containers.stop(stubborn, {}), refused('not-modified', /already stopped/));
  });

  it('restarts with the same root, appending to the log', async () => {
    const id = await rig.run(['sh', '-c', 'echo x >> /count; wc -l < /count; sleep 100']);
    await until('the first line', async () => (await rig.logs(id)).stdout === '1\n');
    await rig.containers.restart(id, { seconds: 0 });
    await until('the second line', async () => (await rig.logs(id)).stdout === '1\n2\n');
    assert.deepEqual(rig.eventsOf(id).slice(-5), ['kill', 'die', 'stop', 'start', 'restart']);
    await rig.containers.remove(id, { force: true, volumes: true });
    assert.deepEqual(rig.eventsOf(id).slice(-3), ['kill', 'die', 'destroy']);
  });

  it('pauses and goes on', async () => {
    const id = await rig.run(['sh', '-c', 'while :; do echo x; sleep 0.01; done']);
    await until('it prints', async () => (await rig.logs(id)).stdout.length > 10);
    await rig.containers.pause(id);
    assert.equal(rig.containers.get(id).state.status, 'paused');
    const printed = async () => (await rig.logs(id)).stdout.length;
    let before = 0;
    // What was in its pipe when it was paused is still written to the log.
    await until('it is silent', async () => {
      before = await printed();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return (await printed()) === before;
    });
    await assert.rejects(rig.containers.pause(id), refused('conflict', `Container ${id} is already paused`));
    await assert.rejects(rig.exec(id, ['true']), refused('conflict', /is paused, unpause the container before exec/));
    await assert.rejects(
      rig.containers.remove(id, { force: false, volumes: true }),
      refused('conflict', /^You cannot remove a paused container/),
    );
    await rig.containers.unpause(id);
    await until('it prints again', async () => (await printed()) > before);
    await rig.containers.pause(id);
    await rig.containers.remove(id, { force: true, volumes: true });
    assert.deepEqual(await cgroupsOf(rig.host, id), []);
  });

  it('waits for the exit that is asked for', async () => {
    const id = await rig.create(['sh', '-c', 'exit 5']);
    assert.equal((await rig.containers.wait(id, 'not-running', never)).exitCode, 0);
    const next = rig.containers.wait(id, 'next-exit', never);
    await rig.containers.start(id);
    assert.equal((await next).exitCode, 5);
    assert.equal((await rig.containers.wait(id, 'not-running', never)).exitCode, 5);
    const gone = new AbortController();
    const canceled = rig.containers.wait(id, 'next-exit', gone.signal);
    gone.abort();
    await assert.rejects(canceled, refused('canceled', /canceled/));
  });

  it('has Docker’s words for names', async () => {
    const id = await rig.create(['true'], { name: 'taken' });
    await assert.rejects(
      rig.create(['true'], { name: '/taken' }),
      refused(
        'conflict',
        `Conflict. The container name "/taken" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
      ),
    );
    await assert.rejects(
      rig.create(['true'], { name: '!x' }),
      refused('invalid', 'Invalid container name (!x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed'),
    );
    await rig.containers.rename('taken', 'other');
    assert.equal(rig.containers.get('other').id, id);
    assert.equal(rig.containers.get(id.slice(0, 12)).id, id);
    assert.throws(() => rig.containers.get('taken'), refused('not-found', 'No such container: taken'));
    assert.match(rig.containers.get(await rig.create(['true'])).name, /^[a-z]+_[a-z]+\d?$/);
    await assert.rejects(rig.containers.rename('other', 'other'), refused('invalid', /same name as its current/));
  });

  it('kills only what runs', async () => {
    const id = await rig.run(['sleep', '100']);
    await assert.rejects(rig.containers.kill(id, 'NOPE'), refused('invalid', 'Invalid signal: NOPE'));
    const pid = rig.containers.get(id).state.pid;
    assert.ok(await startTicks(pid));
    const ended = rig.containers.wait(id, 'next-exit', never);
    await rig.containers.kill(id, 'KILL');
    assert.equal((await ended).exitCode, 137);
    await assert.rejects(
      rig.containers.kill(id, undefined),
      refused('conflict', `Cannot kill container: ${id}: Container ${id} is not running`),
    );
    await assert.rejects(
      rig.containers.kill('nosuch', undefined),
      refused('not-found', 'Cannot kill container: nosuch: No such container: nosuch'),
    );
  });

  it('starts again by its restart policy, with a back-off, until it is stopped', async () => {
    const id = await rig.run(['sh', '-c', 'echo run; exit 1'], {
      hostConfig: { NetworkMode: 'none', RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } },
    });
    await until('it gave up', () => rig.eventsOf(id).filter((action) => action === 'die').length === 3);
    await until('it is exited', () => rig.containers.get(id).state.status === 'exited');
    assert.equal((await rig.logs(id)).stdout, 'run\nrun\nrun\n');
    assert.equal(rig.containers.get(id).restartCount, 2);
    const always = await rig.run(['true'], { hostConfig: { NetworkMode: 'none', RestartPolicy: { Name: 'always' } } });
    await until('it waits for its next attempt', () => rig.containers.get(always).state.status === 'restarting');
    await rig.containers.stop(always, {});
    assert.equal(rig.containers.get(always).state.status, 'exited');
    const starts = rig.eventsOf(always).filter((action) => action === 'start').length;
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(rig.eventsOf(always).filter((action) => action === 'start').length, starts);
  });

  it('shows plan, trace, pids and readings', async () => {
    const id = await rig.create(['sleep', '100']);
    const planned = await rig.containers.plan(id);
    assert.ok(planned.steps.some((step) => step.op === 'pivotRoot'));
    assert.ok((await rig.containers.trace(id)).steps.every((step) => step.result.state === 'not-run'));
    await rig.containers.start(id);
    await until('the trace is written', async () =>
      (await rig.containers.trace(id)).steps.some((step) => step.result.state === 'done'),
    );
    const { pid } = rig.containers.get(id).state;
    const trace = await rig.containers.trace(id);
    assert.equal(trace.pid, pid);
    const notRun = trace.steps.filter((step) => step.result.state === 'not-run' && step.list !== 'after');
    assert.deepEqual(notRun, []);
    assert.deepEqual(await rig.containers.pids(id), [pid]);
    const reading = await rig.containers.reading(id);
    assert.equal(reading.pids?.current, 1);
    assert.ok((reading.memory?.current ?? 0) > 0);
    await rig.containers.remove(id, { force: true, volumes: true });
  });

  it('writes a bundle that the specification describes', async () => {
    const id = await rig.run(['sleep', '100'], { config: { Hostname: 'here' } });
    const spec = JSON.parse(await readFile(join(rig.containers.get(id).bundle, 'config.json'), 'utf8'));
    assert.equal(spec.root.path, 'rootfs');
    assert.equal(spec.hostname, 'here');
    assert.deepEqual(spec.process.args, ['sleep', '100']);
    await rig.containers.remove(id, { force: true, volumes: true });
  });
});
