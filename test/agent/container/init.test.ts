import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { never, openRig, type Rig, until } from './rig.ts';

/** What tini's documentation says of an init, tried on ours; and the same programs without one, where that shows the difference. */
describe('containers: --init', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  const init = { hostConfig: { NetworkMode: 'none', Init: true } };
  const end = async (id: string) => (await rig.containers.wait(id, 'not-running', never)).exitCode;

  it('is the first process, with the program below it and no trace in the settings', async () => {
    const { stdout } = await rig.output(
      ['sh', '-c', 'echo $$ $PPID; tr "\\0" " " < /proc/1/cmdline; ls -l /sbin'],
      init,
    );
    const [pids, first, ...sbin] = stdout.trim().split('\n');
    assert.equal(pids, '2 1');
    assert.match(first ?? '', /^\/sbin\/docker-init -- sh -c echo/);
    assert.match(sbin.join('\n'), /-rwxr-xr-x.*docker-init/);
    const id = await rig.create(['sleep', '9'], init);
    assert.deepEqual([rig.containers.get(id).path, rig.containers.get(id).args], ['sleep', ['9']]);
    assert.deepEqual(rig.containers.get(id).mounts, []);
  });

  it('cannot be changed from inside', async () => {
    const { stderr, exitCode } = await rig.output(['sh', '-c', 'echo x > /sbin/docker-init'], init);
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /Read-only file system|Text file busy/);
    const own = await readFile(rig.shims.path);
    assert.equal(own.subarray(1, 4).toString(), 'ELF');
  });

  for (const [program, code] of [
    [['true'], 0],
    [['sh', '-c', 'exit 7'], 7],
    [['sh', '-c', 'kill -9 $$'], 137],
    [['sh', '-c', 'kill -TERM $$'], 143],
    [['nosuch'], 127],
    [['/etc/passwd'], 126],
  ] as const) {
    it(`ends with ${code} as ${program.join(' ')} does`, async () => {
      assert.equal((await rig.output([...program], init)).exitCode, code);
    });
  }

  it('reaps orphans, which a program that does not know of them leaves as zombies', async () => {
    const script = 'for i in 1 2 3; do sh -c "sleep 0.2 & exit"; done; exec sleep 1000';
    const zombies = async (id: string) => {
      const { stdout } = await rig.exec(id, ['ps', '-o', 'stat,comm']);
      return stdout.split('\n').filter((line) => line.startsWith('Z')).length;
    };
    const asleep = async (id: string) => (await rig.exec(id, ['ps', '-o', 'args'])).stdout.includes('sleep 1000');
    const [with_, without] = [await rig.run(['sh', '-c', script], init), await rig.run(['sh', '-c', script])];
    await until('both sleep', async () => (await asleep(with_)) && (await asleep(without)));
    await until('orphans became zombies of a sleep', async () => (await zombies(without)) > 0);
    await until('init reaped them all', async () => (await zombies(with_)) === 0);
    for (const id of [with_, without]) await rig.containers.remove(id, { force: true, volumes: true });
  });

  it('passes signals on: what has no handler ends by them, as it would outside', async () => {
    const [with_, without] = [await rig.run(['sleep', '1000'], init), await rig.run(['sleep', '1000'])];
    await rig.containers.stop(with_, { seconds: 60 });
    assert.equal(await end(with_), 143);
    // As the first process of a PID namespace it does not even hear of SIGTERM.
    await rig.containers.stop(without, { seconds: 0 });
    assert.equal(await end(without), 137);
    const traps = await rig.run(
      ['sh', '-c', 'trap "echo usr1" USR1; trap "exit 9" HUP; echo ready; while :; do sleep 0.01; done'],
      init,
    );
    await until('it is ready', async () => (await rig.logs(traps)).stdout === 'ready\n');
    await rig.containers.kill(traps, 'USR1');
    await until('it heard', async () => (await rig.logs(traps)).stdout === 'ready\nusr1\n');
    await rig.containers.kill(traps, 'HUP');
    assert.equal(await end(traps), 9);
  });

  it('gives the terminal to the program, so that Ctrl-C reaches it', async () => {
    const id = await rig.create(['sh', '-c', 'cut -d" " -f5,8 /proc/$$/stat; exec sleep 1000'], {
      hostConfig: init.hostConfig,
      config: { Tty: true, OpenStdin: true },
    });
    const { duplex } = await rig.containers.attach(id, {
      stdin: true,
      stdout: true,
      stderr: true,
      logs: false,
      stream: true,
    });
    let seen = '';
    duplex.on('data', (data: Buffer) => {
      seen += data.toString();
    });
    await rig.containers.start(id);
    await until('it tells its groups', () => /^(\d+) \1\r\n/.test(seen));
    duplex.write('\x03');
    assert.equal(await end(id), 130);
  });

  it('serves a program that is not root, and a root that is read-only', async () => {
    const done = await rig.output(['id', '-u'], {
      hostConfig: { ...init.hostConfig, ReadonlyRootfs: true },
      config: { User: 'fred' },
    });
    assert.deepEqual([done.stdout, done.exitCode], ['1000\n', 0]);
  });

  it('is in the bundle, which runc runs', async function () {
    if (spawnSync('runc', ['--version']).error) {
      console.log('      skipped: runc is not installed');
      this.skip();
    }
    const id = await rig.create(['sh', '-c', 'echo $PPID; exit 5'], init);
    const { bundle, imageId } = rig.containers.get(id);
    const { base, lowers } = rig.images.containerRootfs(imageId);
    const options = `lowerdir=${lowers.map((each) => `${base}/${each}`).join(':')},upperdir=${bundle}/upper,workdir=${bundle}/work`;
    const script = `mount -t overlay overlay -o ${options} ${bundle}/rootfs && runc --root ${rig.root}/runc run -b ${bundle} i${id.slice(0, 12)}`;
    const done = spawnSync('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script], { encoding: 'utf8' });
    assert.deepEqual([done.stdout, done.status], ['1\n', 5], done.stderr);
  });
});
