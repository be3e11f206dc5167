import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { deferred } from '../../../src/base/async.ts';
import { isKind } from '../../../src/base/errors.ts';
import { exists, Rig, shell, shimPath, until, why } from './rig.ts';

const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /;

describe('the supervising shim', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.dispose());

  const log = (): string[] => readFileSync(rig.path('log'), 'utf8').split('\n').slice(0, -1);
  const logged = (): string[] => log().map((line) => line.replace(stamp, ''));

  it('writes CRI lines: parts of long lines and of an unfinished end', async () => {
    const before = Date.now();
    const script = `echo one; echo; echo bad >&2; dd if=/dev/zero bs=16384 count=1 2>/dev/null | tr '\\0' x; echo; dd if=/dev/zero bs=20000 count=1 2>/dev/null | tr '\\0' y; echo; printf end`;
    await rig.output([shell(script)], { files: ['log'] });
    const out = logged().filter((line) => line.startsWith('stdout'));
    const text = (line: string): string =>
      line.replace(/(.)\1{99,}/g, (run, letter: string) => `${letter}*${run.length}`);
    assert.deepEqual(out.map(text), [
      'stdout F one',
      'stdout F ',
      'stdout F x*16384',
      'stdout P y*16384',
      'stdout F y*3616',
      'stdout P end',
    ]);
    assert.deepEqual(
      logged().filter((line) => line.startsWith('stderr')),
      ['stderr F bad'],
    );
    for (const line of log()) {
      const time = Date.parse(line.slice(0, 30));
      assert.ok(time >= before - 1 && time <= Date.now() + 1, line.slice(0, 40));
    }
    assert.equal(statSync(rig.path('log')).mode & 0o777, 0o640);
  });

  it('appends to the log of an earlier life', async () => {
    await rig.output([shell('echo first')], { files: ['log'] });
    await rig.output([shell('echo second')], { files: ['log'] });
    assert.deepEqual(logged(), ['stdout F first', 'stdout F second']);
  });

  it('greets a new client with the trace, and tells it the exit', async () => {
    const first = await rig.start([{ op: 'umask', mask: 0, why }, shell('read line; echo got $line; exit 42')], {
      files: ['listen', 'log', 'record'],
      stdin: true,
      after: [{ op: 'read', path: '/proc/version', limit: 5, why }],
    });
    first.disconnect();
    await assert.rejects(first.exited, (error) => isKind(error, 'canceled'));
    assert.equal(statSync(rig.path('listen')).mode & 0o777, 0o600);

    const again = await rig.shims.connect(rig.path('listen'));
    assert.deepEqual([again.pid, again.shimPid, again.startedAt], [first.pid, first.shimPid, first.startedAt]);
    assert.deepEqual(
      again.results.map(({ id }) => id),
      [0, 1, 2, 3, 4, 5],
    );
    const got: string[] = [];
    again.subscribe(({ data }) => void got.push(data.toString()));
    await again.write(Buffer.from('it\n'));
    const exit = await again.exited;
    assert.deepEqual([exit.exitCode, exit.after[0]?.data?.toString(), got.join('')], [42, 'Linux', 'got it\n']);
    assert.deepEqual(await rig.shims.readRecord(rig.path('record')), exit);
    again.disconnect();
    assert.equal(existsSync(rig.path('listen')), false);
  });

  it('writes the exit record when nobody is connected', async () => {
    const shim = await rig.start([shell('read line; exit 9')], { files: ['record', 'listen'], stdin: true });
    assert.equal(await rig.shims.readRecord(rig.path('record')), undefined);
    shim.closeStdin();
    shim.disconnect();
    const record = await until(() => existsSync(rig.path('record')), 'a record').then(() =>
      rig.shims.readRecord(rig.path('record')),
    );
    assert.deepEqual([record?.exitCode, record?.signal], [9, undefined]);
    assert.equal(existsSync(rig.path('record.tmp')), false);
    await until(() => !exists(shim.shimPid), 'the shim ends');
    await assert.rejects(rig.shims.connect(rig.path('listen')), (error) => isKind(error, 'not-found'));
  });

  it('says when it was killed itself', async () => {
    const shim = await rig.start([shell('read line')], { stdin: true });
    process.kill(shim.shimPid, 'SIGKILL');
    await assert.rejects(shim.exited, (error) => isKind(error, 'unavailable'));
    await until(() => !exists(shim.pid), 'its pipe closed, the process ends');
  });

  it('works with paths longer than a socket address', async () => {
    const deep = rig.path('d'.repeat(120), 'e'.repeat(120));
    mkdirSync(deep, { recursive: true });
    const listen = { op: 'listen', path: `${deep}/shim.sock`, why } as const;
    const shim = await rig.start([shell('read line; exit 4')], { before: [listen], stdin: true });
    const other = await rig.shims.connect(listen.path);
    other.closeStdin();
    assert.equal((await other.exited).exitCode, 4);
    assert.equal((await shim.exited).exitCode, 4);
    other.disconnect();
  });

  it('serves sixteen clients, and the next one when one leaves', async () => {
    const shim = await rig.start([shell('read line')], { files: ['listen'], stdin: true });
    const others = await Promise.all(Array.from({ length: 15 }, () => rig.shims.connect(rig.path('listen'))));
    let seventeenth = false;
    const late = rig.shims.connect(rig.path('listen')).then((found) => {
      seventeenth = true;
      return found;
    });
    // The others are answered in the meantime: the seventeenth would have been too.
    others[0]?.resize({ rows: 1, columns: 1 });
    await others[1]?.write(Buffer.from(''));
    assert.equal(seventeenth, false);
    others[2]?.disconnect();
    shim.closeStdin();
    assert.equal((await (await late).exited).exitCode, 1);
    for (const other of [...others, await late]) other.disconnect();
  });

  it('ten thousand lines with a slow subscriber arrive complete, in order, before the exit', async () => {
    const chunks: Buffer[] = [];
    let last = '';
    const shim = await rig.start(
      [shell('i=0; while [ $i -lt 10000 ]; do echo line $i and some more text; i=$((i+1)); done')],
      {
        files: ['log'],
        onOutput: async ({ data }) => {
          await new Promise((resolve) => setImmediate(resolve));
          chunks.push(data);
          last = 'output';
        },
      },
    );
    await shim.exited;
    assert.equal(last, 'output');
    const expected = Array.from({ length: 10_000 }, (_, i) => `line ${i} and some more text`);
    assert.deepEqual(Buffer.concat(chunks).toString().trimEnd().split('\n'), expected);
    assert.deepEqual(
      logged(),
      expected.map((line) => `stdout F ${line}`),
    );
  });

  it('a subscriber that takes nothing holds the process back; when it goes the process goes on', async () => {
    const never = deferred<void>();
    const shim = await rig.start([shell('yes | head -c 3000000; exit 5')], {
      files: ['log', 'listen', 'record'],
      onOutput: () => never.promise,
    });
    const size = (): number => statSync(rig.path('log')).size;
    let before = -1;
    // Still while it is looked at for a quarter of a second: full, not slow.
    for (let now = size(); now !== before; before = now, now = size(), await new Promise((r) => setTimeout(r, 250)))
      before = now;
    assert.ok(existsSync(`/proc/${shim.pid}`) && !existsSync(rig.path('record')));
    const other = await rig.shims.connect(rig.path('listen'));
    shim.disconnect();
    assert.equal((await other.exited).exitCode, 5);
    other.disconnect();
    assert.equal(logged().length, 1_500_000);
  });

  it('a subscriber that never takes the rest does not keep the record from being written', async () => {
    const never = deferred<void>();
    const shim = await rig.start([shell('echo a; exit 6')], { files: ['record'], onOutput: () => never.promise });
    await until(() => existsSync(rig.path('record')), 'the record');
    assert.equal((await rig.shims.readRecord(rig.path('record')))?.exitCode, 6);
    shim.disconnect();
  });

  it('does not wait for a stray that holds the pipe', async () => {
    const shim = await rig.start([shell('sleep 100 & echo $!; exit 7')], { files: ['log'] });
    assert.equal((await shim.exited).exitCode, 7);
    process.kill(Number(logged()[0]?.split(' ')[2]), 'SIGKILL');
  });

  it('stdin has back-pressure, and all of it arrives', async () => {
    const shim = await rig.start([shell('sleep 100')], { stdin: true, files: ['log', 'listen'] });
    const data = Buffer.alloc(1 << 20, 'x');
    let done = false;
    const writing = shim.write(data).then(() => {
      done = true;
    });
    // A client's other requests are not held up by its own stdin.
    const other = await rig.shims.connect(rig.path('listen'));
    shim.resize({ rows: 1, columns: 1 });
    await other.write(Buffer.alloc(0));
    assert.equal(done, false, 'a pipe holds 64 KiB, not a megabyte');
    other.disconnect();
    shim.signal(9);
    await writing;
    assert.equal((await shim.exited).signal, 9);

    const counted = await rig.start([shell('wc -c; exit 3')], { stdin: true, files: ['log'] });
    await counted.write(data);
    counted.closeStdin();
    assert.equal((await counted.exited).exitCode, 3);
    assert.deepEqual(logged().at(-1), 'stdout F 1048576');
  });

  it('writing to a process that closed its stdin is no failure', async () => {
    const shim = await rig.start([shell('exec <&-; echo closed; sleep 0.2; exit 8')], { stdin: true, files: ['log'] });
    await until(() => existsSync(rig.path('log')) && logged().length === 1, 'stdin is closed');
    await shim.write(Buffer.from('nobody reads this'));
    assert.equal((await shim.exited).exitCode, 8);
  });

  it('its resident memory stays below 256 KiB', async () => {
    const shim = await rig.start([shell('echo hello; read line')], { stdin: true, files: ['log', 'listen', 'record'] });
    await until(() => logged().length === 1, 'it has worked');
    const status = readFileSync(`/proc/${shim.shimPid}/status`, 'utf8');
    const resident = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]);
    console.log(`      resident ${resident} kB`);
    assert.ok(resident > 0 && resident < 256, status);
  });

  it('an agent killed with SIGKILL while the child writes: no line is lost or doubled', async () => {
    const agent = spawn(
      process.execPath,
      ['--import', 'tsx', fileURLToPath(new URL('./agent-to-kill.ts', import.meta.url)), shimPath, rig.directory],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const pid = await new Promise<number>((resolve) =>
      agent.stdout.once('data', (data: Buffer) => resolve(Number(data))),
    );
    await until(() => existsSync(rig.path('log')) && log().length > 100, 'lines are written');
    agent.kill('SIGKILL');
    await new Promise((resolve) => agent.once('exit', resolve));
    assert.ok(exists(pid), 'the process goes on');
    const adopted = await rig.shims.connect(rig.path('listen'));
    assert.equal(adopted.pid, pid);
    const exit = await adopted.exited;
    adopted.disconnect();
    assert.equal(exit.exitCode, 11);
    assert.deepEqual(
      logged(),
      Array.from({ length: 3000 }, (_, i) => `stdout F line ${i}`),
    );
  });

  it('a full disk costs log lines, never half of one, and never the process', async () => {
    const small = rig.path('small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]);
    try {
      const logFile = { op: 'log', path: `${small}/log`, why } as const;
      const { exit } = await rig.output(
        [shell('i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; exit 2')],
        { before: [logFile] },
      );
      assert.equal(exit.exitCode, 2);
      const text = readFileSync(logFile.path, 'utf8');
      assert.ok(text.length > 50_000);
      for (const line of text.split('\n').slice(0, -1)) assert.match(line, /^\S{30} stdout F line \d+$/);
    } finally {
      execFileSync('umount', [small]);
    }
  });
});
