import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Operation } from '../../../src/agent/plan/operations.ts';
import { createShims } from '../../../src/agent/shim/client.ts';
import { PlanFailed } from '../../../src/agent/shim/errors.ts';
import { PortholeError } from '../../../src/base/errors.ts';
import { clone, exists, Rig, shell, until, why } from './rig.ts';

describe('spawn', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.dispose());

  async function failed(child: readonly Operation[], more: Parameters<Rig['start']>[1] = {}): Promise<PlanFailed> {
    const error = await rig.start(child, more).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof PlanFailed, String(error));
    return error;
  }

  it('gives exit codes and signals', async () => {
    assert.equal((await rig.output([shell('exit 0')])).exit.exitCode, 0);
    assert.equal((await rig.output([shell('exit 255')])).exit.exitCode, 255);
    const { exit } = await rig.output([shell('kill -TERM $$')]);
    assert.deepEqual([exit.exitCode, exit.signal], [143, 15]);
  });

  it('reports the failing step of the child, runs `after` all the same, to its end', async () => {
    const path = rig.path('made');
    const error = await failed(
      [{ op: 'umask', mask: 0o22, why }, { op: 'chdir', path: '/no/where', why }, shell('exit 0')],
      {
        before: [{ op: 'mkdir', path, mode: 0o755, why }],
        after: [
          { op: 'unlink', path: '/no/file', why },
          { op: 'rmdir', path, why },
        ],
      },
    );
    assert.deepEqual([error.step.id, error.step.list, error.errnoName], [3, 'child', 'ENOENT']);
    assert.match(error.message, /\/no\/where: chdir: ENOENT \(no such file or directory\)$/);
    assert.deepEqual(
      error.results.map(({ id, errno }) => [id, errno]),
      [
        [0, 0],
        [1, 2],
        [2, 0],
        [3, 2],
        [5, 2],
        [6, 0],
      ],
    );
    assert.throws(() => readFileSync(path), { code: 'ENOENT' });
  });

  it('runs `after` when the host list fails before the spawn', async () => {
    const error = await failed([shell('exit 0')], {
      before: [
        { op: 'mkdir', path: rig.path('made'), mode: 0o755, why },
        { op: 'write', path: rig.path('missing'), data: Buffer.from('x'), why },
      ],
      after: [{ op: 'rmdir', path: rig.path('made'), why }],
    });
    assert.deepEqual([error.step.id, error.errnoName], [1, 'ENOENT']);
    assert.throws(() => readFileSync(rig.path('made')), { code: 'ENOENT' });
  });

  it('tolerates the errors that a step names, and no others', async () => {
    const rmdir: Operation = { op: 'rmdir', path: '/no', tolerate: ['EBUSY', 'ENOENT'], why };
    assert.equal((await rig.output([rmdir, shell('exit 3')])).exit.exitCode, 3);
    assert.equal((await failed([{ ...rmdir, tolerate: ['EBUSY', 'EEXIST'] }, shell('')])).errnoName, 'ENOENT');
  });

  it('says that a list without exec is no program', async () => {
    assert.equal((await failed([{ op: 'umask', mask: 0, why }])).errnoName, 'ENOEXEC');
  });

  it('looks a program up as execvp does', async () => {
    const exec = (file: string, search: string): Operation => ({
      op: 'exec',
      file,
      argv: [file],
      env: [],
      search,
      why,
    });
    writeFileSync(rig.path('plain'), 'no program', { mode: 0o644 });
    writeFileSync(rig.path('odd'), 'neither ELF nor script', { mode: 0o755 });
    const reasons = [
      await failed([exec('nowhere', '/bin:/usr/bin')]),
      await failed([exec('plain', `/no:${rig.directory}:/bin/busybox:/usr/bin`)]),
      await failed([exec('odd', `/no:${rig.directory}`)]),
      await failed([exec('/bin', '')]),
      await failed([exec('', '/bin')]),
      await failed([exec('true', '')]),
    ].map(({ errnoName, step }) => `${step.operation.op} ${errnoName}`);
    assert.deepEqual(reasons, [
      'exec ENOENT',
      'exec EACCES',
      'exec ENOEXEC',
      'exec EACCES',
      'exec ENOENT',
      'exec ENOENT',
    ]);
    const found = await rig.start([exec('true', '/no:/bin')]);
    assert.equal((await found.exited).exitCode, 0);
  });

  it('says so when the child is killed on its way', async () => {
    // Filter: any system call kills the process, and the next one is chdir.
    const kill = Buffer.from([0x06, 0, 0, 0, 0, 0, 0, 0x80]);
    const error = await failed([
      { op: 'seccomp', filter: kill, flags: 0, why },
      { op: 'chdir', path: '/', why },
      shell(''),
    ]);
    assert.match(error.message, /killed by signal 31/);
  });

  it('lets nothing but stdio, and no signal state, into the program', async () => {
    const exec: Operation = { op: 'exec', file: '/bin/busybox', argv: ['cat'], env: [], search: '', why };
    const shim = await rig.start([exec], { files: ['log', 'listen', 'record'], stdin: true });
    assert.deepEqual(readdirSync(`/proc/${shim.pid}/fd`), ['0', '1', '2']);
    const signals = readFileSync(`/proc/${shim.pid}/status`, 'utf8').match(/^(Shd|Sig)(Pnd|Blk|Ign|Cgt):.*$/gm);
    assert.deepEqual(signals?.length, 5);
    for (const line of signals ?? []) assert.match(line, /:\t0{16}$/);
  });

  it('leaves no way out through /proc/self/fd while the child sets itself up (CVE-2024-21626)', async () => {
    for (let fd = 3; fd < 16; fd++) {
      const through: Operation = { op: 'chdir', path: `/proc/self/fd/${fd}`, why };
      const { step, errnoName } = await failed([through, shell('')], {
        files: ['log', 'listen', 'record'],
        stdin: true,
      });
      assert.equal(step.operation, through);
      assert.ok(['ENOENT', 'ENOTDIR'].includes(errnoName), `${fd} ${errnoName}`);
    }
  });

  it('gives exactly the arguments and the environment', async () => {
    const { stdout } = await rig.output([
      { op: 'exec', file: 'busybox', argv: ['env'], env: ['EMPTY=', 'X=a b', 'NAME=中'], search: '/usr/bin:/bin', why },
    ]);
    assert.equal(stdout, 'EMPTY=\nX=a b\nNAME=中\n');
  });

  it('keeps ids and times of every step', async () => {
    const shim = await rig.start([{ op: 'umask', mask: 0o22, why }, shell('exit 0')], { files: ['log'] });
    assert.deepEqual(
      shim.results.map(({ id, errno }) => [id, errno]),
      [
        [0, 0],
        [1, 0],
        [2, 0],
        [3, 0],
      ],
    );
    const spawnTime = shim.results[1]?.nanoseconds ?? 0;
    const execTime = shim.results[3]?.nanoseconds ?? 0;
    assert.ok(execTime > 10_000 && spawnTime > execTime, `${spawnTime} ${execTime}`);
    assert.ok(Math.abs(shim.startedAt - Date.now()) < 5000);
  });

  it('reaps strays of a container without its own PID namespace', async () => {
    const shim = await rig.start([shell('(sleep 0.05 & echo $! ) > /dev/null; sleep 30')]);
    const children = (): string => readFileSync(`/proc/${shim.shimPid}/task/${shim.shimPid}/children`, 'utf8').trim();
    await until(() => children().split(' ').length === 2, 'the stray comes to the shim');
    await until(() => children() === String(shim.pid), 'the stray is gone, zombie included');
  });

  it('sends signals to the process', async () => {
    const shim = await rig.start([
      { op: 'exec', file: '/bin/busybox', argv: ['sleep', '100'], env: [], search: '', why },
    ]);
    shim.signal(15);
    assert.deepEqual((await shim.exited).signal, 15);
  });

  it('an abort ends what was started', async () => {
    const controller = new AbortController();
    const starting = rig.start([shell('sleep 100')], { files: ['record'], signal: controller.signal });
    controller.abort();
    await assert.rejects(starting, (error) => error instanceof PortholeError && error.kind === 'canceled');
    assert.equal((await rig.shims.readRecord(rig.path('record')))?.signal, 9);
  });

  it('the shim is not what lies on disk, and cannot be written to', async () => {
    const shim = await rig.start([shell('sleep 100')], { flags: clone.pid });
    const exe = `/proc/${shim.shimPid}/exe`;
    assert.match(readFileSync(`/proc/${shim.shimPid}/maps`, 'utf8'), /memfd:porthole-shim/);
    assert.throws(() => writeFileSync(exe, 'x', { flag: 'r+' }), /ETXTBSY|EPERM/);
    shim.signal(9);
    await shim.exited;
    await until(() => !exists(shim.shimPid), 'the shim ends with its process');
  });

  it('refuses a shim that cannot be started', async () => {
    const none = createShims({ path: '/no/shim' });
    const isUnavailable = (error: unknown): boolean => error instanceof PortholeError && error.kind === 'unavailable';
    await assert.rejects(none.start(rig.plan([shell('')]), {}), isUnavailable);
    const executor = none.execute();
    await assert.rejects(executor.run({ operations: [] }), isUnavailable);
  });
});
