import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasEnded, readStat } from '../../../src/agent/sys/proc.ts';
import { collectFrames, openRig, type Rig, until } from './rig.ts';

/** Ends with its code when the file appears in the container's /tmp. */
const waits = (code: number) => ['sh', '-c', `until [ -e /tmp/go ]; do usleep 10000; done; exit ${code}`];

describe('containers: execs under a new engine', function () {
  this.timeout(180_000);
  let rig: Rig;
  let id: string;

  beforeEach(async () => {
    rig = await openRig();
    id = await rig.run(['sleep', '1000']);
  });
  afterEach(() => rig.close());

  const startExec = async (argv: string[], options: { stdin?: boolean; tty?: boolean } = {}): Promise<string> => {
    const { stdin = false, tty = false } = options;
    const streams = { attachStdin: stdin, attachStdout: true, attachStderr: true };
    const exec = await rig.containers.execCreate(id, { argv, env: ['A=b'], tty, privileged: false, ...streams });
    await rig.containers.execStart(exec.id, { detach: !stdin, tty });
    return exec.id;
  };
  const ended = (exec: string) => until('the exec ends', () => !rig.containers.execInspect(exec).running);
  const go = () => writeFile(`/proc/${rig.containers.get(id).state.pid}/root/tmp/go`, '');
  const shimFiles = async (exec: string) =>
    (await readdir(join(rig.execRoot, 'containers', id))).filter((name) => name.includes(exec));

  it('that run are known, as the same process, and end with their exit code', async () => {
    const exec = await startExec(waits(23));
    const terminal = await startExec(waits(24), { tty: true });
    const before = rig.containers.execInspect(exec);
    assert.deepEqual([before.running, before.exitCode], [true, undefined]);
    await rig.containers.shutdown();
    // Who asks the engine that leaves is told no end that was none.
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(rig.containers.execInspect(exec), before);
    await rig.reopen();
    assert.deepEqual(rig.containers.execIds(id), [exec, terminal]);
    assert.deepEqual(rig.containers.execInspect(exec), before);
    await go();
    await ended(exec);
    await ended(terminal);
    assert.deepEqual(
      [exec, terminal].map((one) => rig.containers.execInspect(one).exitCode),
      [23, 24],
    );
    assert.deepEqual(rig.containers.execIds(id), []);
    const dies = rig.events.filter(({ action }) => action === 'exec_die').map(({ attributes }) => attributes);
    assert.deepEqual(
      dies.map(({ execID, exitCode }) => [execID, exitCode]).sort(),
      [
        [exec, '23'],
        [terminal, '24'],
      ].sort(),
    );
  });

  it('that ended before or meanwhile are known with their exit code', async () => {
    const { id: earlier } = await rig.exec(id, ['sh', '-c', 'exit 5']);
    const exec = await startExec(waits(23));
    await rig.containers.shutdown();
    await go();
    await until('its exit is written', async () => (await shimFiles(exec)).some((name) => name.endsWith('.exit')));
    await rig.reopen();
    const { running, exitCode, options } = rig.containers.execInspect(exec);
    assert.deepEqual([running, exitCode, options.argv], [false, 23, waits(23)]);
    assert.equal(rig.containers.execInspect(earlier).exitCode, 5);
    await assert.rejects(rig.containers.execStart(exec, { detach: true, tty: false }), /has already run/);
  });

  it('that ended together with the container are known too', async () => {
    const exec = await startExec(['sleep', '1000']);
    await rig.containers.shutdown();
    process.kill(rig.containers.get(id).state.pid, 'SIGKILL');
    await until('the container has ended', () => existsSync(join(rig.execRoot, 'containers', id, 'exit')));
    await rig.reopen();
    assert.equal(rig.containers.get(id).state.status, 'exited');
    await ended(exec);
    assert.equal(rig.containers.execInspect(exec).exitCode, 137);
    assert.ok(!existsSync(join(rig.execRoot, 'containers', id)));
  });

  it('that wait for a client’s input get its end: nobody can come back to them', async () => {
    const exec = await startExec(['cat'], { stdin: true });
    await rig.containers.shutdown();
    await rig.reopen();
    await ended(exec);
    assert.equal(rig.containers.execInspect(exec).exitCode, 0);
  });

  it('whose shim was killed end with a code all the same', async () => {
    const exec = await startExec(['sleep', '1000']);
    const { pid } = rig.containers.execInspect(exec);
    await rig.containers.shutdown();
    const shim = (await readStat(pid))?.parent ?? 0;
    process.kill(shim, 'SIGKILL');
    await until('the shim is gone', () => hasEnded(shim));
    await rig.reopen();
    await ended(exec);
    assert.equal(rig.containers.execInspect(exec).exitCode, 137);
  });

  it('are ended when they are probes of a health check: nobody is left who could judge them', async () => {
    const exec = await startExec(['sleep', '1000']);
    const { pid } = rig.containers.execInspect(exec);
    await rig.containers.shutdown();
    const about = join(rig.execRoot, 'containers', id, `exec-${exec}.json`);
    await writeFile(about, JSON.stringify({ ...JSON.parse(await readFile(about, 'utf8')), isProbe: true }));
    await rig.reopen();
    await until('it has ended', () => hasEnded(pid));
    assert.throws(() => rig.containers.execInspect(exec), /No such exec/);
    assert.ok(!existsSync(about));
  });

  it('leave files of the last few only, and none after the container’s end', async () => {
    for (let turn = 0; turn < 20; turn++) await rig.exec(id, ['true']);
    const files = async () =>
      (await readdir(join(rig.execRoot, 'containers', id))).filter((name) => name.startsWith('exec-'));
    await until(
      'old ones are gone',
      async () => (await files()).filter((name) => name.endsWith('.json')).length === 16,
    );
    await rig.containers.stop(id, { seconds: 0 });
    await until('nothing is left', () => !existsSync(join(rig.execRoot, 'containers', id)));
  });

  it('have all their output, whatever is asked of others at the same time', async () => {
    const one = async (turn: number): Promise<void> => {
      const exec = await rig.containers.execCreate(id, {
        argv: ['sh', '-c', `echo one ${turn}; echo two ${turn}`],
        ...{ env: [], tty: false, privileged: false, attachStdin: false, attachStdout: true, attachStderr: true },
      });
      const streams = await rig.containers.execStart(exec.id, { detach: false, tty: false });
      assert.ok(streams);
      assert.equal((await collectFrames(streams.duplex)).stdout, `one ${turn}\ntwo ${turn}\n`);
    };
    for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 20 }, (_, turn) => one(turn)));
  });
});
