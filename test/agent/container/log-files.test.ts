import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { checkLogConfig, keepsLog, logRotationOf, withLogDefaults } from '../../../src/agent/container/log-options.ts';
import type { HostConfig } from '../../../src/protocol/docker.ts';
import { never, openRig, type Rig, until } from './rig.ts';

const of = (Type: string, Config: Record<string, string> = {}) => ({ Type, Config });

describe('log options', () => {
  for (const [name, config, words] of [
    ['a driver', of('nosuch'), 'error looking up logging plugin nosuch: plugin "nosuch" not found'],
    ['an option', of('json-file', { foo: 'x' }), "unknown log opt 'foo' for json-file log driver"],
    ['an option of local', of('local', { tag: 'x' }), "unknown log opt 'tag' for log driver local"],
    ['a mode', of('local', { mode: 'x' }), 'logger: logging mode not supported: x'],
    [
      'a buffer without its mode',
      of('json-file', { 'max-buffer-size': '1m' }),
      "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
    ],
    [
      'a buffer',
      of('json-file', { mode: 'non-blocking', 'max-buffer-size': 'zz' }),
      "error parsing option max-buffer-size: invalid size: 'zz'",
    ],
    ['compression', of('json-file', { compress: 'true' }), 'The log option compress is not supported yet'],
  ] as const) {
    it(`${name} that cannot be is refused at the creation`, () =>
      assert.throws(() => checkLogConfig(config), { message: words }));
  }

  for (const [config, words] of [
    [of('json-file', { 'max-size': 'zz' }), "invalid size: 'zz'"],
    [of('json-file', { 'max-size': '-1' }), "invalid size: '-1'"],
    [of('local', { 'max-size': 'zz' }), "invalid value for max-size: zz: invalid size: 'zz'"],
    [of('json-file', { 'max-file': '0' }), 'max-file cannot be less than 1'],
    [of('json-file', { 'max-file': 'zz' }), 'strconv.Atoi: parsing "zz": invalid syntax'],
    [of('local', { 'max-size': '9999999999p' }), 'max size should be a positive number'],
    [of('local', { 'max-file': '1' }), 'compression cannot be enabled when max file count is 1'],
    [of('json-file', { compress: 'zz' }), 'strconv.ParseBool: parsing "zz": invalid syntax'],
  ] as const) {
    it(`${JSON.stringify(config.Config)} of ${config.Type} is refused at the start`, () => {
      checkLogConfig(config);
      assert.throws(() => logRotationOf(config), { message: `failed to initialize logging driver: ${words}` });
    });
  }

  it('are sizes and numbers of files', () => {
    checkLogConfig(of('json-file', { labels: 'a', env: 'b', tag: 'c', mode: 'non-blocking', 'max-buffer-size': '4m' }));
    checkLogConfig(of('none', { whatever: 'x' }));
    assert.equal(logRotationOf(of('json-file')), undefined);
    assert.deepEqual(logRotationOf(of('json-file', { 'max-size': '1.5k' })), { limit: 1500, keep: 1 });
    assert.deepEqual(logRotationOf(of('json-file', { 'max-size': '1MB', 'max-file': '3' })), { limit: 1e6, keep: 3 });
    assert.deepEqual(logRotationOf(of('local')), { limit: 20 * 1024 * 1024, keep: 5 });
    assert.deepEqual(logRotationOf(of('local', { 'max-size': '1k', 'max-file': '2' })), { limit: 1024, keep: 2 });
  });

  it('come from the engine where the driver is the same', () => {
    const standard = of('local', { 'max-size': '1m' });
    assert.deepEqual(withLogDefaults(undefined, standard), standard);
    assert.deepEqual(withLogDefaults(of('', { 'max-file': '2' }), standard).Config, {
      'max-size': '1m',
      'max-file': '2',
    });
    assert.deepEqual(withLogDefaults(of('json-file'), standard), of('json-file'));
    assert.deepEqual(withLogDefaults(undefined), of('json-file'));
    assert.equal(keepsLog(of('none')), false);
  });
});

/** A signal that is aborted once it has been asked so many times whether it is. */
function abortedWhenAsked(times: number): AbortSignal {
  const { signal } = new AbortController();
  let asked = 0;
  Object.defineProperty(signal, 'aborted', { get: () => asked++ >= times });
  return signal;
}

/** What this process has open below a directory. */
function openBelow(directory: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(`${directory}/`) ? [path] : [];
    } catch {
      return []; // The one that lists them is gone by now.
    }
  });
}

describe('logs of several files', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async () => {
    rig = await openRig();
  });
  after(() => rig.close());

  const host = (options: Record<string, string>): { hostConfig: HostConfig } => ({
    hostConfig: { NetworkMode: 'none', LogConfig: { Type: 'json-file', Config: options } },
  });
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join('');
  const filesOf = (id: string) => {
    const { bundle } = rig.containers.get(id);
    return readdirSync(bundle)
      .filter((name) => /^log(\.\d+)?$/.test(name))
      .map((name) => ({ name, size: statSync(join(bundle, name)).size }));
  };
  const finished = (id: string) => rig.containers.wait(id, 'not-running', never);

  it('are read as one, from any line of the end', async () => {
    const id = await rig.run(['seq', '1', '5000'], host({ 'max-size': '4k', 'max-file': '1000' }));
    await finished(id);
    const files = filesOf(id);
    assert.ok(files.length > 50, `${files.length} files`);
    for (const { name, size } of files) assert.ok(size <= 4000, `${name}: ${size}`);
    assert.equal((await rig.logs(id)).stdout, lines(1, 5000));
    for (const tail of [0, 1, 90, 91, 92, 93, 500, 4999, 5000, 6000]) {
      assert.equal((await rig.logs(id, { tail })).stdout, lines(Math.max(1, 5001 - tail), 5000), `tail ${tail}`);
    }
  });

  it('hold as much as they may and no more, the newest of it', async () => {
    for (const keep of [1, 3]) {
      const id = await rig.run(['seq', '1', '5000'], host({ 'max-size': '4k', 'max-file': String(keep) }));
      await finished(id);
      assert.equal(filesOf(id).length, keep);
      const kept = (await rig.logs(id)).stdout;
      const first = Number.parseInt(kept, 10);
      assert.ok(first > 4500 && first < 5000, `${first}`);
      assert.equal(kept, lines(first, 5000));
    }
  });

  it('lose and double nothing for a reader that follows while they are cut', async () => {
    const script = 'i=1; while [ $i -le 20000 ]; do echo $i; i=$((i+1)); done';
    const id = await rig.create(['sh', '-c', script], host({ 'max-size': '2k', 'max-file': '100000' }));
    await rig.containers.start(id);
    const followed = await Promise.all([1, 2, 3].map(() => rig.logs(id, { follow: true })));
    for (const { stdout } of followed) assert.ok(stdout === lines(1, 20_000), `${stdout.length} bytes`);
  });

  it('are held by nobody when a reader has left, at whatever moment', async () => {
    const id = await rig.run(['seq', '1', '2000'], host({ 'max-size': '10k', 'max-file': '3' }));
    await finished(id);
    const { bundle } = rig.containers.get(id);
    const whole = (await rig.logs(id)).stdout;
    for (let moment = 0, said = ''; said !== whole; moment++) {
      said = (await rig.logs(id, { signal: abortedWhenAsked(moment) })).stdout;
      assert.ok(whole.startsWith(said), `${said.length} bytes`);
      assert.deepEqual(openBelow(bundle), [], `left at moment ${moment}`);
    }
  });

  it('go on being cut without the agent, and in the next life', async () => {
    const script = 'seq 1 1000; while [ ! -e /go ]; do sleep 0.01; done; seq 1001 2000';
    const id = await rig.run(['sh', '-c', script], host({ 'max-size': '4k', 'max-file': '1000' }));
    await until('the first half', async () => (await rig.logs(id, { tail: 1 })).stdout === '1000\n');
    await rig.containers.shutdown();
    await rig.reopen();
    const following = rig.logs(id, { follow: true });
    await rig.exec(id, ['touch', '/go']);
    await finished(id);
    assert.equal((await following).stdout, lines(1, 2000));
    const before = filesOf(id).length;
    await rig.containers.start(id);
    await finished(id);
    assert.ok(filesOf(id).length > before);
    assert.equal((await rig.logs(id)).stdout, lines(1, 2000).repeat(2));
  });

  it('keep the parts of a long line together', async () => {
    const long = 'x'.repeat(50_000);
    const script = `echo first; head -c 50000 /dev/zero | tr '\\0' x; echo; echo last`;
    const id = await rig.run(['sh', '-c', script], host({ 'max-size': '20k', 'max-file': '10' }));
    await finished(id);
    assert.ok(filesOf(id).length > 2);
    assert.equal((await rig.logs(id)).stdout, `first\n${long}\nlast\n`);
    assert.equal((await rig.logs(id, { tail: 2 })).stdout, `${long}\nlast\n`);
  });

  it('are none of the driver none, which is said', async () => {
    const id = await rig.run(['echo', 'unheard'], {
      hostConfig: { NetworkMode: 'none', LogConfig: { Type: 'none' } },
    });
    await finished(id);
    assert.deepEqual(filesOf(id), []);
    await assert.rejects(rig.logs(id), { message: 'configured logging driver does not support reading' });
  });

  it('of the driver local are read like others', async () => {
    const id = await rig.run(['echo', 'heard'], { hostConfig: { NetworkMode: 'none', LogConfig: { Type: 'local' } } });
    await finished(id);
    assert.equal((await rig.logs(id)).stdout, 'heard\n');
  });

  it('that cannot be begun keep the container from starting', async () => {
    const id = await rig.create(['true'], host({ 'max-size': 'zz' }));
    await assert.rejects(rig.containers.start(id), {
      message: "failed to initialize logging driver: invalid size: 'zz'",
    });
    const { state } = rig.containers.get(id);
    assert.deepEqual([state.status, state.exitCode], ['created', 128]);
  });
});
