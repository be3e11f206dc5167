import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootsOf } from '../../../src/agent/cgroup/tree.ts';
import { startTicks } from '../../../src/agent/sys/proc.ts';
import { cgroupsOf, never, openRig, type Rig, until } from './rig.ts';

describe('containers: adoption by a new engine', function () {
  this.timeout(120_000);
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig();
  });
  afterEach(() => rig.close());
  const none = { NetworkMode: 'none' };

  it('takes over ten containers of an engine that was killed: no line lost or doubled, every exit code right', async () => {
    await rig.containers.shutdown();
    const signals = join(rig.root, 'signals');
    const engine = spawnEngine(rig, signals);
    const ids = await engine.ids;
    engine.process.kill('SIGKILL');
    await once(engine.process, 'exit');
    await writeFile(join(signals, 'end'), '');
    await until('three have ended without an engine', async () => {
      const ended = await Promise.all(
        ids.slice(2, 5).map((id) => exists(join(rig.execRoot, 'containers', id, 'exit'))),
      );
      return ended.every(Boolean);
    });

    await rig.reopen();
    const states = ids.map((id) => rig.containers.get(id).state);
    assert.deepEqual(
      states.map((state) => state.status),
      ['running', 'running', 'exited', 'exited', 'exited', ...Array(5).fill('running')],
    );
    assert.deepEqual(
      states.slice(2, 5).map((state) => state.exitCode),
      [0, 1, 42],
    );
    assert.equal(rig.eventsOf(ids[4] ?? '').at(-1), 'die');
    for (const id of ids.slice(5)) {
      const { pid } = rig.containers.get(id).state;
      assert.ok(await startTicks(pid));
      assert.equal((await rig.containers.pids(id))[0], pid);
    }
    for (const id of ids.slice(0, 2)) {
      await until('two more seconds of lines', async () => (await linesOf(id)).length > 300);
      await rig.containers.stop(id, { seconds: 0 });
      const lines = await linesOf(id);
      assert.deepEqual(
        lines,
        lines.map((_, i) => `line ${i}`),
      );
    }
    // What was adopted is as good as what was started: exec, attach, stop.
    const last = ids[9] ?? '';
    assert.equal((await rig.exec(last, ['echo', 'inside'])).stdout, 'inside\n');
    const { duplex } = await rig.containers.attach(last, {
      stdin: false,
      stdout: true,
      stderr: true,
      logs: false,
      stream: true,
    });
    duplex.resume();
    await rig.containers.stop(last, { seconds: 0 });
    assert.equal(rig.containers.get(last).state.exitCode, 137);
    assert.deepEqual(await cgroupsOf(rig.host, last), []);
  });

  it('knows the OOM kill of a container that ended without it', async () => {
    const signals = join(rig.root, 'signals');
    await mkdir(signals);
    const script = [
      'until [ -e /signals/go ]; do usleep 10000; done',
      // Alone: a second process might be refused memory too while the kernel still takes the first apart.
      'dd if=/dev/zero of=/dev/null bs=200M count=1',
      'exit 5',
    ];
    const id = await rig.run(['sh', '-c', script.join('; ')], {
      hostConfig: { ...none, Memory: 16 * 1024 * 1024, Binds: [`${signals}:/signals`] },
    });
    await rig.containers.shutdown();
    // Only now: an end that the first engine saw would be no news for the second.
    await writeFile(join(signals, 'go'), '');
    await until('it ended', () => exists(join(rig.execRoot, 'containers', id, 'exit')));
    await rig.reopen();
    const { state } = rig.containers.get(id);
    assert.deepEqual([state.status, state.exitCode, state.oomKilled], ['exited', 5, true]);
    assert.ok(!existsSync(join(rig.execRoot, 'containers', id)));
  });

  it('ends and cleans what a killed shim left, and says so', async () => {
    const id = await rig.run(['sleep', '1000']);
    const { pid } = rig.containers.get(id).state;
    await rig.containers.shutdown();
    const shim = Number(/^PPid:\s+(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
    process.kill(shim, 'SIGKILL');
    await until('the shim is gone', async () => (await startTicks(shim)) === undefined);
    await rig.reopen();
    const { state } = rig.containers.get(id);
    assert.deepEqual([state.status, state.exitCode], ['exited', 137]);
    assert.match(state.error, /supervisor was killed/);
    await until('its process is gone', async () => (await startTicks(pid)) === undefined);
    assert.deepEqual(await cgroupsOf(rig.host, id), []);
    await rig.containers.start(id);
    assert.equal(rig.containers.get(id).state.status, 'running');
  });

  it('sees at once when a shim is killed beside it', async () => {
    const id = await rig.run(['sleep', '1000']);
    const { pid } = rig.containers.get(id).state;
    const ended = rig.containers.wait(id, 'next-exit', never);
    const shim = Number(/^PPid:\s+(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
    process.kill(shim, 'SIGKILL');
    assert.equal((await ended).exitCode, 137);
    await until('its process is gone', async () => (await startTicks(pid)) === undefined);
    assert.deepEqual(await cgroupsOf(rig.host, id), []);
  });

  it('a start whose shim is killed on the way leaves nothing, and can be tried again', async () => {
    const id = await rig.create(['sleep', '1000']);
    const log = rig.containers.get(id).logPath;
    // Nobody reads it: the shim has made the cgroups and waits in open(2) for its log.
    execFileSync('mkfifo', [log]);
    const before = await ownShims();
    const start = assert.rejects(rig.containers.start(id), /shim/);
    await until('its cgroups are there', async () => (await cgroupsOf(rig.host, id)).length > 0);
    const shims = (await ownShims()).filter((pid) => !before.includes(pid));
    assert.equal(shims.length, 1);
    process.kill(shims[0] ?? 0, 'SIGKILL');
    await start;
    assert.deepEqual(await cgroupsOf(rig.host, id), []);
    assert.ok(!existsSync(join(rig.execRoot, 'containers', id)));
    await rm(log);
    await rig.containers.start(id);
    assert.equal(rig.containers.get(id).state.status, 'running');
  });

  it('removes the cgroups of a start that was cut off together with its engine', async () => {
    const id = await rig.create(['true']);
    await rig.containers.shutdown();
    await mkdir(join(rig.execRoot, 'containers', id));
    for (const root of rootsOf(rig.host.cgroup)) await mkdir(join(root, 'porthole', id), { recursive: true });
    assert.notDeepEqual(await cgroupsOf(rig.host, id), []);
    await rig.reopen();
    assert.deepEqual(await cgroupsOf(rig.host, id), []);
    assert.ok(!existsSync(join(rig.execRoot, 'containers', id)));
    assert.equal(rig.containers.get(id).state.status, 'created');
  });

  it('nothing runs of a start that could not write its files', async () => {
    const id = await rig.create(['sleep', '1000']);
    const inTheWay = join(rig.containers.get(id).bundle, 'config.json.new');
    await mkdir(inTheWay);
    await assert.rejects(rig.containers.start(id), /EISDIR/);
    assert.equal(rig.containers.get(id).state.status, 'created');
    assert.deepEqual(await cgroupsOf(rig.host, id), []);
    await rmdir(inTheWay);
    await rig.containers.start(id);
    assert.equal((await rig.containers.pids(id)).length, 1);
  });

  it('leaves the shim alone whose container it cannot read', async () => {
    const id = await rig.run(['sleep', '1000']);
    const { pid, status } = rig.containers.get(id).state;
    const file = join(rig.containers.get(id).bundle, 'container.json');
    await rig.containers.shutdown();
    const record = await readFile(file);
    await writeFile(file, 'damaged');
    await rig.reopen();
    assert.throws(() => rig.containers.get(id), /No such container/);
    await rig.containers.shutdown();
    await writeFile(file, record);
    await rig.reopen();
    assert.deepEqual([rig.containers.get(id).state.pid, rig.containers.get(id).state.status], [pid, status]);
  });

  it('finishes what a crash cut off: creations, removals, temporary files', async () => {
    const id = await rig.create(['true'], { name: 'stays' });
    await rig.containers.shutdown();
    const root = join(rig.dataRoot, 'containers');
    await mkdir(join(root, '.new-abc', 'upper'), { recursive: true });
    await mkdir(join(root, '.removing-abc', 'upper'), { recursive: true });
    await writeFile(join(root, id, '.tmp-container.json.123'), 'half');
    await rig.reopen();
    assert.deepEqual(await readdir(root), [id]);
    assert.ok(!(await readdir(join(root, id))).some((name) => name.startsWith('.tmp')));
    assert.equal(rig.containers.get('stays').state.status, 'created');
    await assert.rejects(rig.create(['true'], { name: 'stays' }), /already in use/);
  });

  it('goes on with restart policies', async () => {
    const policy = (Name: string) => ({ ...none, RestartPolicy: { Name } });
    const always = await rig.run(['sleep', '1000'], { hostConfig: policy('always') });
    const unless = await rig.run(['sleep', '1000'], { hostConfig: policy('unless-stopped') });
    const plain = await rig.run(['sleep', '1000']);
    for (const id of [always, unless, plain]) await rig.containers.stop(id, { seconds: 0 });
    await rig.containers.shutdown();
    await rig.reopen();
    await until('always is back', () => rig.containers.get(always).state.status === 'running');
    assert.equal(rig.containers.get(unless).state.status, 'exited');
    assert.equal(rig.containers.get(plain).state.status, 'exited');
  });

  it('keeps a pause', async () => {
    const id = await rig.run(['sleep', '1000']);
    await rig.containers.pause(id);
    await rig.containers.shutdown();
    await rig.reopen();
    assert.equal(rig.containers.get(id).state.status, 'paused');
    await rig.containers.unpause(id);
    assert.equal((await rig.exec(id, ['echo', 'awake'])).stdout, 'awake\n');
  });

  async function linesOf(id: string): Promise<string[]> {
    return (await rig.logs(id)).stdout.split('\n').slice(0, -1);
  }
});

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}

/** Pids of the shims that this process has started. */
async function ownShims(): Promise<number[]> {
  const found: number[] = [];
  for (const thread of await readdir('/proc/self/task')) {
    const children = (await readFile(`/proc/self/task/${thread}/children`, 'utf8')).split(' ').map(Number);
    for (const pid of children.filter((each) => each > 0)) {
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
      if (name.trim() === 'porthole-shim') found.push(pid);
    }
  }
  return found;
}

/** An engine in a process of its own, which starts ten containers and then only lives. */
function spawnEngine(rig: Rig, signals: string): { readonly process: ChildProcess; readonly ids: Promise<string[]> } {
  const child = spawn(
    process.execPath,
    ['--import=tsx', join(import.meta.dirname, 'engine-to-kill.ts'), rig.dataRoot, rig.execRoot, signals],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ids = (async () => {
    let text = '';
    for await (const chunk of child.stdout) {
      text += String(chunk);
      if (text.includes('\n')) return text.trim().split(' ');
    }
    throw new Error('the engine ended early');
  })();
  return { process: child, ids };
}
