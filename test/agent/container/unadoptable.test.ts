import assert from 'node:assert/strict';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { frameHead } from '../../../src/agent/shim/wire.ts';
import { startTicks } from '../../../src/agent/sys/proc.ts';
import { isKind } from '../../../src/base/errors.ts';
import { openRig, type Rig, until } from './rig.ts';

/** One container that a new engine cannot take over keeps nobody else from being served. */
describe('containers: those that cannot be taken over', function () {
  this.timeout(120_000);
  let rig: Rig;
  let bad: string;
  let good: string;

  beforeEach(async () => {
    rig = await openRig();
    bad = await rig.run(['sleep', '1000'], { name: 'bad' });
    good = await rig.run(['sleep', '1000'], { name: 'good' });
  });
  afterEach(() => rig.close());

  const unavailable = (failure: unknown) => isKind(failure, 'unavailable');
  const socketOf = (id: string) => join(rig.execRoot, 'containers', id, 'shim.sock');

  async function othersLive(): Promise<void> {
    assert.equal((await rig.exec(good, ['echo', 'here'])).stdout, 'here\n');
    await until('it is named', () => rig.problems.some((one) => one.includes(bad)), 60_000);
    assert.deepEqual(rig.problems.filter((one) => one.includes(bad)).length, 1, rig.problems.join('; '));
    assert.ok(!rig.problems.some((one) => one.includes(good)));
  }

  /** It is what it was, and says why nothing can be done with it. */
  async function isLeftAsItIs(pid: number): Promise<void> {
    assert.ok(await startTicks(pid), 'its process lives');
    assert.equal(rig.containers.get(bad).state.status, 'running');
    await assert.rejects(rig.exec(bad, ['true']), unavailable);
    await assert.rejects(rig.containers.stop(bad, { seconds: 0 }), unavailable);
    await assert.rejects(rig.containers.kill(bad, undefined), unavailable);
    await assert.rejects(rig.containers.remove(bad, { force: true, volumes: false }), unavailable);
    assert.ok(await startTicks(pid), 'its process lives');
  }

  const answers: readonly (readonly [string, Buffer | undefined])[] = [
    ['words', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['half a greeting', Buffer.concat([frameHead(65, 3), Buffer.from('abc')])],
    ['a greeting of nobody', Buffer.concat([frameHead(65, 24), Buffer.alloc(24)])],
    ['nothing, and hangs up', Buffer.alloc(0)],
    ['nobody: its socket is gone', undefined],
  ];
  for (const [name, answer] of answers) {
    it(`its shim answers ${name}`, async () => {
      const { pid } = rig.containers.get(bad).state;
      await rig.containers.shutdown();
      await rename(socketOf(bad), `${socketOf(bad)}.away`);
      const liar = answer && (await listening(socketOf(bad), answer));
      try {
        await rig.reopen();
        await othersLive();
        await isLeftAsItIs(pid);
        await rig.containers.shutdown();
      } finally {
        liar?.close();
        await rename(`${socketOf(bad)}.away`, socketOf(bad));
      }
      await rig.reopen();
      assert.equal((await rig.exec(bad, ['echo', 'back'])).stdout, 'back\n');
    });
  }

  it('its shim hangs; it is taken over when that goes on', async () => {
    const { pid } = rig.containers.get(bad).state;
    const shim = Number(/^PPid:\s+(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
    await rig.containers.shutdown();
    process.kill(shim, 'SIGSTOP');
    try {
      await rig.reopen();
      await othersLive();
      await isLeftAsItIs(pid);
      // An engine that leaves does not wait for it either.
      await rig.containers.shutdown();
      await rig.reopen();
      assert.equal((await rig.exec(good, ['echo', 'here'])).stdout, 'here\n');
    } finally {
      process.kill(shim, 'SIGCONT');
    }
    await until('it can be used', async () => {
      return rig.exec(bad, ['true']).then(
        () => true,
        () => false,
      );
    });
    await rig.containers.stop(bad, { seconds: 0 });
    assert.equal(rig.containers.get(bad).state.exitCode, 137);
  });

  for (const [name, damage] of [
    ['its record is none', (file: string) => writeFile(file, 'damaged')],
    ['its record is a directory', (file: string) => rm(file).then(() => mkdir(file))],
  ] as const) {
    it(name, async () => {
      const { pid } = rig.containers.get(bad).state;
      const file = join(rig.containers.get(bad).bundle, 'container.json');
      await rig.containers.shutdown();
      const record = await readFile(file);
      await damage(file);
      try {
        await rig.reopen();
        await othersLive();
        assert.throws(() => rig.containers.get(bad), /No such container/);
        assert.ok(await startTicks(pid), 'its process lives');
        await rig.containers.shutdown();
      } finally {
        await rm(file, { recursive: true });
        await writeFile(file, record);
      }
      await rig.reopen();
      assert.equal(rig.containers.get(bad).state.pid, pid);
    });
  }

  it('a shim of nobody that hangs keeps no engine from starting', async () => {
    const id = '0'.repeat(64);
    await rig.containers.shutdown();
    await mkdir(join(rig.execRoot, 'containers', id));
    const silent = await listening(socketOf(id));
    try {
      await rig.reopen();
      assert.equal((await rig.exec(good, ['echo', 'here'])).stdout, 'here\n');
      assert.ok(rig.problems.some((one) => one.includes(id)));
    } finally {
      await new Promise((resolve) => silent.close(resolve));
    }
  });
});

/** Somebody who says this to whoever comes, and hangs up; without an answer it says nothing and waits. */
async function listening(path: string, answer?: Buffer): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (answer) socket.end(answer);
  });
  // A socket's address is shorter than the path.
  const directory = await open(dirname(path), 'r');
  await new Promise<void>((resolve) => server.listen(`/proc/self/fd/${directory.fd}/${basename(path)}`, resolve));
  await directory.close();
  return server;
}
