import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { collectFrames, collectRaw, never, openRig, type Rig, until } from './rig.ts';

const everything = { stdin: true, stdout: true, stderr: true, logs: false, stream: true };

describe('containers: attach, logs and exec', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  it('misses nothing of a short life, and stdin ends with the client’s', async () => {
    for (let round = 0; round < 10; round++) {
      const done = await rig.output(['sh', '-c', 'echo first; cat; echo last >&2'], { input: 'typed\n' });
      assert.deepEqual([done.stdout, done.stderr, done.exitCode], ['first\ntyped\n', 'last\n', 0]);
    }
  });

  it('carries megabytes both ways unchanged', async () => {
    const input = Array.from({ length: 100_000 }, (_, i) => `line ${i} ${'x'.repeat(20)}`).join('\n');
    const done = await rig.output(['cat'], { input });
    assert.equal(done.stdout.length, input.length);
    assert.ok(done.stdout === input);
  });

  it('has a terminal that echoes, resizes and is detached from by keys', async () => {
    const id = await rig.create(['sh'], { config: { Tty: true, OpenStdin: true, StdinOnce: true } });
    const { duplex, tty } = await rig.containers.attach(id, everything);
    assert.ok(tty);
    let seen = '';
    duplex.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    await rig.containers.start(id);
    await rig.containers.resize(id, { rows: 33, columns: 101 });
    duplex.write('stty size; tty\n');
    await until('the size is shown', () => seen.includes('33 101') && /\/dev\/(pts\/0|console)/.test(seen));
    const ended = once(duplex, 'end');
    duplex.write(Buffer.from([16, 17]));
    await ended;
    assert.equal(rig.containers.get(id).state.status, 'running');
    assert.ok(rig.eventsOf(id).includes('detach'));
    const again = await rig.containers.attach(id, { ...everything, detachKeys: 'ctrl-a,x' });
    let later = '';
    again.duplex.on('data', (chunk: Buffer) => {
      later += chunk.toString();
    });
    again.duplex.write('echo a$((1+1))b; exit 4\n');
    await once(again.duplex, 'end');
    assert.match(later, /a2b/);
    await until('it exited', () => rig.containers.get(id).state.exitCode === 4);
    await assert.rejects(
      rig.containers.attach(id, { ...everything, detachKeys: 'ctrl-1' }),
      /Invalid detach keys \(ctrl-1\) provided/,
    );
  });

  it('gives several clients the same, at the pace of the slowest', async () => {
    const id = await rig.create([
      'sh',
      '-c',
      'i=0; while [ $i -lt 20000 ]; do echo "line $i of many"; i=$((i+1)); done',
    ]);
    const [quick, slow] = await Promise.all([attached(id), attached(id)]);
    const quickText = collectFrames(quick);
    await rig.containers.start(id);
    // The slow one has read nothing yet, so the process cannot have finished: 360 KB do not fit into the pipes.
    await until('the quick client is held back', () => slow.readableLength > 0);
    const slowText = await collectFrames(slow);
    assert.equal(slowText.stdout.split('\n').length, 20_001);
    assert.ok((await quickText).stdout === slowText.stdout);
    assert.ok((await rig.logs(id)).stdout === slowText.stdout);
  });

  it('sees the end of a process whose client stands still, and the client still gets what was printed', async () => {
    const id = await rig.create(['sh', '-c', 'seq 1 200000']);
    const still = await attached(id);
    await rig.containers.start(id);
    await until('output has arrived', () => still.readableLength > 0);
    await rig.containers.kill(id, 'KILL');
    await until('the end is seen', () => rig.containers.get(id).state.status === 'exited');
    const { stdout } = await collectFrames(still);
    assert.ok(stdout.startsWith('1\n2\n3\n'));
  });

  it('reads logs by tail, time and stream, and follows to the end', async () => {
    const id = await rig.run([
      'sh',
      '-c',
      'for i in 1 2 3; do echo out$i; echo err$i >&2; sleep 0.05; done; printf tail',
    ]);
    const followed = await rig.logs(id, { follow: true });
    assert.deepEqual(followed, { stdout: 'out1\nout2\nout3\ntail', stderr: 'err1\nerr2\nerr3\n' });
    assert.deepEqual(await rig.logs(id, { stderr: false, tail: 3 }).then((each) => each.stdout), 'out3\ntail');
    assert.equal((await rig.logs(id, { tail: 0 })).stdout, '');
    const stamped = (await rig.logs(id, { timestamps: true, stderr: false })).stdout.split('\n');
    const times = stamped.map((line) => /^(\S+Z) /.exec(line)?.[1] ?? '');
    assert.ok(times.every((time) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(time)));
    const third = Date.parse(times[2] ?? '') / 1000 - 0.02;
    assert.equal((await rig.logs(id, { since: third, stderr: false })).stdout, 'out3\ntail');
    assert.equal((await rig.logs(id, { until: third, stderr: false })).stdout, 'out1\nout2\n');
    assert.deepEqual(await rig.logs(await rig.create(['true']), { follow: true }), { stdout: '', stderr: '' });
  });

  it('puts the parts of a long line together again', async () => {
    const id = await rig.run(['sh', '-c', 'head -c 100000 /dev/zero | tr "\\0" x; echo; echo short']);
    await rig.containers.wait(id, 'not-running', never);
    const { stdout } = await rig.logs(id);
    assert.equal(stdout, `${'x'.repeat(100_000)}\nshort\n`);
    assert.equal((await rig.logs(id, { tail: 2 })).stdout, stdout);
    assert.equal((await rig.logs(id, { tail: 1 })).stdout, 'short\n');
  });

  it('stops following when the client goes', async () => {
    const id = await rig.run(['sleep', '100']);
    const gone = new AbortController();
    const { stream } = rig.containers.logs(id, {
      follow: true,
      stdout: true,
      stderr: true,
      timestamps: false,
      signal: gone.signal,
    });
    const ended = collectFrames(stream);
    gone.abort();
    assert.deepEqual(await ended, { stdout: '', stderr: '' });
    await rig.containers.remove(id, { force: true, volumes: true });
  });

  describe('exec', () => {
    let id: string;
    before(async () => {
      id = await rig.run(['sleep', '1000'], { config: { Env: ['A=1', 'B=2'] } });
    });

    it('runs in the container’s namespaces and cgroups with its own exit code', async () => {
      const done = await rig.exec(id, [
        'sh',
        '-c',
        'hostname; test $(readlink /proc/self/ns/pid) = $(readlink /proc/1/ns/pid) && echo 1; exit 9',
      ]);
      assert.deepEqual([done.stdout, done.exitCode], [`${id.slice(0, 12)}\n1\n`, 9]);
      const events = rig.eventsOf(id).slice(-3);
      assert.match(events[0] ?? '', /^exec_create: sh -c/);
      assert.deepEqual(events.at(-1), 'exec_die');
    });

    it('takes user, environment, directory and stdin', async () => {
      const done = await rig.exec(
        id,
        ['sh', '-c', 'id -u; id -G; pwd; echo $A$B$HOME; cat /proc/self/status | grep CapEff'],
        {
          user: 'fred',
          env: ['B=3'],
          workingDir: '/data',
        },
      );
      assert.equal(done.stdout, '1000\n1000 50\n/data\n13/home/fred\nCapEff:\t0000000000000000\n');
      const { id: execId } = await rig.containers.execCreate(id, {
        argv: ['cat'],
        env: [],
        tty: false,
        privileged: false,
        attachStdin: true,
        attachStdout: true,
        attachStderr: true,
      });
      const streams = await rig.containers.execStart(execId, { detach: false, tty: false });
      assert.ok(streams);
      const text = collectFrames(streams.duplex);
      streams.duplex.end('through\n');
      assert.equal((await text).stdout, 'through\n');
      await until('its exit code is known', () => rig.containers.execInspect(execId).exitCode === 0);
      await assert.rejects(rig.containers.execStart(execId, { detach: false, tty: false }), /has already run/);
    });

    it('has a terminal of its own', async () => {
      const { id: execId } = await rig.containers.execCreate(id, {
        argv: ['sh'],
        env: [],
        tty: true,
        privileged: false,
        attachStdin: true,
        attachStdout: true,
        attachStderr: true,
      });
      const streams = await rig.containers.execStart(execId, { detach: false, tty: true });
      assert.ok(streams);
      await rig.containers.execResize(execId, { rows: 20, columns: 77 });
      const text = collectRaw(streams.duplex);
      streams.duplex.write('stty size; echo $TERM; exit 6\n');
      assert.match((await text).stdout, /20 77\r\n.*xterm\r\n/s);
      await until('its exit code is known', () => rig.containers.execInspect(execId).exitCode === 6);
    });

    for (const [argv, code, words] of [
      [
        ['nosuch'],
        127,
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown',
      ],
      [
        ['/etc/passwd'],
        126,
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "/etc/passwd": permission denied: unknown',
      ],
    ] as const) {
      it(`says ${code} for ${argv[0]}`, async () => {
        const { id: execId } = await rig.containers.execCreate(id, {
          argv,
          env: [],
          tty: false,
          privileged: false,
          attachStdin: false,
          attachStdout: true,
          attachStderr: true,
        });
        await assert.rejects(rig.containers.execStart(execId, { detach: false, tty: false }), { message: words });
        assert.equal(rig.containers.execInspect(execId).exitCode, code);
      });
    }

    it('sees users that were added while it runs', async () => {
      assert.equal((await rig.exec(id, ['id', '-u'], { user: 'fred' })).stdout, '1000\n');
      await rig.exec(id, ['sh', '-c', 'echo late:x:777:50::/:/bin/sh >> /etc/passwd']);
      assert.equal((await rig.exec(id, ['id', '-u'], { user: 'late' })).stdout, '777\n');
    });

    it('sees that a user became another, was replaced with its file, and went, through a link too', async () => {
      const own = await rig.run(['sleep', '1000']);
      const uid = async () => (await rig.exec(own, ['id', '-u'], { user: 'fred' })).stdout;
      const change = async (script: string) => assert.equal((await rig.exec(own, ['sh', '-c', script])).exitCode, 0);
      const line = (id: number) => `fred:x:${id}:50::/:/bin/sh`;
      assert.deepEqual([await uid(), await uid()], ['1000\n', '1000\n']);
      await change(`echo '${line(1001)}' > /etc/passwd`);
      assert.deepEqual([await uid(), await uid()], ['1001\n', '1001\n']);
      await change(`echo '${line(1002)}' > /etc/new; mv /etc/new /etc/passwd`);
      assert.deepEqual([await uid(), await uid()], ['1002\n', '1002\n']);
      await change(`echo '${line(1003)}' > /etc/other; ln -sf other /etc/passwd`);
      assert.deepEqual([await uid(), await uid()], ['1003\n', '1003\n']);
      await change(`echo '${line(1004)}' > /etc/other`);
      assert.deepEqual([await uid(), await uid()], ['1004\n', '1004\n']);
      await change('rm /etc/passwd');
      await assert.rejects(uid(), /unable to find user fred/);
    });

    it('names a user that is not there', async () => {
      await assert.rejects(rig.exec(id, ['id'], { user: 'ghost' }), {
        message: 'unable to find user ghost: no matching entries in passwd file',
      });
    });

    it('ends with the container', async () => {
      const other = await rig.run(['sleep', '1000']);
      const running = rig.exec(other, ['sleep', '1000']);
      await until('both run', async () => (await rig.containers.pids(other)).length === 2);
      await rig.containers.stop(other, { seconds: 0 });
      assert.equal((await running).exitCode, 137);
      await assert.rejects(rig.exec(other, ['true']), { message: `Container ${other} is not running` });
    });
  });

  async function attached(id: string): Promise<Duplex> {
    return (await rig.containers.attach(id, { ...everything, stdin: false })).duplex;
  }
});
