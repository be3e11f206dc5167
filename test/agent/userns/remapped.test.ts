import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { docker, type Outcome } from '../../conformance/engine.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { type Dockerd, startDockerd } from '../../support/dockerd.ts';
import { makeUser, type TestUser } from '../../support/test-user.ts';
import { requires } from '../../support/tools.ts';
import { imageTar } from './image.ts';

type Engine = Parameters<typeof docker>[0];

describe('containers with ids of their own', function () {
  this.timeout(120_000);
  let agent: RunningAgent;
  let engine: Engine;
  let scratch: string;

  before(async function () {
    requires(this, { root: true, programs: ['busybox', 'docker'] });
    agent = await startAgent({ flags: ['--userns-remap', 'auto'] });
    engine = { name: 'porthole', host: `unix://${agent.socket}` };
    scratch = await mkdtemp('/tmp/porthole-userns-');
    await chmod(scratch, 0o755);
    await succeed(['import', '-', 'img'], await imageTar({ owners: true }));
  });
  after(async () => {
    await agent?.stop();
    if (scratch) await rm(scratch, { recursive: true, force: true });
  });

  async function succeed(args: readonly string[], input?: Buffer): Promise<string> {
    return output(await docker(engine, args, input ? { input } : {}), args);
  }
  const inside = (name: string, script: string) => succeed(['exec', name, 'sh', '-c', script]);
  const pidOf = async (name: string) => (await succeed(['inspect', '-f', '{{.State.Pid}}', name])).trim();
  const upperOf = async (name: string) =>
    (await succeed(['inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', name])).trim();

  it('root inside is nobody of importance outside, and two containers have no id in common', async () => {
    await succeed(['run', '-d', '--name', 'one', 'img', 'sleep', '1000']);
    await succeed(['run', '-d', '--name', 'two', 'img', 'sleep', '1000']);
    const maps = await Promise.all(
      ['one', 'two'].map(async (name) => {
        const outside = await readFile(`/proc/${await pidOf(name)}/status`, 'utf8');
        const map = (await inside(name, 'cat /proc/self/uid_map')).trim().split(/\s+/).map(Number);
        assert.match(await inside(name, 'id -u'), /^0$/m);
        assert.equal(Number(/^Uid:\s+(\d+)/m.exec(outside)?.[1]), map[1]);
        return map;
      }),
    );
    const [one = [], two = []] = maps;
    assert.deepEqual([one[0], one[2], two[0], two[2]], [0, 65536, 0, 65536]);
    assert.ok(Math.abs((one[1] ?? 0) - (two[1] ?? 0)) >= 65536);
    const granted = (await readFile('/etc/subuid', 'utf8').catch(() => ''))
      .split('\n')
      .map((line) => line.split(':').map(Number));
    for (const [, start = 0, size = 0] of granted) {
      for (const map of maps) assert.ok((map[1] ?? 0) >= start + size || (map[1] ?? 0) + 65536 <= start);
    }
  });

  it('a range is free again when its container is removed', async () => {
    const map = (await inside('two', 'cat /proc/self/uid_map')).trim();
    await succeed(['rm', '-f', 'two']);
    assert.equal((await succeed(['run', '--rm', 'img', 'cat', '/proc/self/uid_map'])).trim(), map);
  });

  it('files keep their owners on disk: layers are shared, and diff, commit and cp see what the container sees', async () => {
    assert.equal(await inside('one', 'stat -c "%u:%g %a" /home/mine /bin/busybox'), '1000:50 600\n0:0 755\n');
    await inside(
      'one',
      'touch /new; chown 1000:50 /new; chmod 4755 /new; echo more >> /home/mine; rm /etc/group; mkdir /opt/d',
    );
    const upper = await upperOf('one');
    const [made, changed] = await Promise.all([stat(join(upper, 'new')), stat(join(upper, 'home/mine'))]);
    assert.deepEqual([made.uid, made.gid, made.mode & 0o7777], [1000, 50, 0o4755]);
    assert.deepEqual([changed.uid, changed.gid], [1000, 50]);
    const diff = (await succeed(['diff', 'one'])).trim().split('\n').sort();
    assert.deepEqual(diff, ['A /new', 'A /opt/d', 'C /etc', 'C /home', 'C /home/mine', 'C /opt', 'D /etc/group']);
    const { body } = await ask(agent.socket, 'GET', '/containers/one/archive?path=/new');
    assert.equal(Number.parseInt(body.slice(108, 115), 8), 1000, 'the owner in the archive');
    await writeFile(join(scratch, 'in'), 'in');
    await succeed(['cp', '-a', join(scratch, 'in'), 'one:/in']);
    assert.equal(await inside('one', 'stat -c "%u:%g" /in'), '0:0\n');
    assert.equal((await stat(join(upper, 'in'))).uid, 0);
  });

  it('a volume shows each container the same owners, whatever their ranges are', async () => {
    await succeed(['run', '--rm', '-v', 'shared:/v', 'img', 'sh', '-c', 'touch /v/f; chown 1000:50 /v/f']);
    const look = ['run', '--rm', '-v', 'shared:/v', 'img', 'stat', '-c', '%u:%g', '/v/f'];
    assert.equal(await succeed(look), '1000:50\n');
    await succeed(['run', '-d', '--name', 'holder', 'img', 'sleep', '1000']);
    assert.equal(await succeed(look), '1000:50\n');
    assert.equal(await succeed([...look.slice(0, 2), '--userns', 'host', ...look.slice(2)]), '1000:50\n');
    await succeed(['rm', '-f', 'holder']);
  });

  it('a bind shows the host’s owners, and root inside has no power over them', async () => {
    await writeFile(join(scratch, 'secret'), 'secret\n', { mode: 0o600 });
    await writeFile(join(scratch, 'open'), 'open\n', { mode: 0o644 });
    const script =
      'cat /host/open; cat /host/secret; echo x >> /host/open; chown 0 /host/open; rm /host/open; touch /host/new; mount -o remount,rw /host';
    const { stdout, stderr } = await docker(engine, [
      'run',
      '--rm',
      '-v',
      `${scratch}:/host`,
      'img',
      'sh',
      '-c',
      script,
    ]);
    assert.equal(stdout, 'open\n');
    assert.match(stderr, /secret.*Permission denied/);
    assert.equal(await readFile(join(scratch, 'open'), 'utf8'), 'open\n');
    assert.equal((await stat(join(scratch, 'open'))).uid, 0);
    await assert.rejects(stat(join(scratch, 'new')));
  });

  it('file capabilities of an image work, and no device can be made', async () => {
    const asUser = ['run', '--rm', '-u', '1000', 'img'];
    assert.match(await succeed([...asUser, '/opt/cat', '/proc/self/status']), /^CapEff:\s+0000000000002000$/m);
    assert.match(await succeed([...asUser, 'cat', '/proc/self/status']), /^CapEff:\s+0000000000000000$/m);
    const { code, stderr } = await docker(engine, ['run', '--rm', 'img', 'mknod', '/n', 'c', '1', '3']);
    assert.notEqual(code, 0);
    assert.match(stderr, /Operation not permitted/);
  });

  it('devices, terminal, streams and settings work as ever', async () => {
    const run = [
      'run',
      '--rm',
      '--read-only',
      '--tmpfs',
      '/tmp',
      '--sysctl',
      'net.ipv4.ip_forward=1',
      '--device',
      '/dev/fuse',
    ];
    const script =
      'echo to >/dev/null; head -c 4 /dev/zero | cat >/dev/null; echo err > /dev/stderr; stat -c "%u:%g %t" /dev/null /dev/fuse; cat /proc/sys/net/ipv4/ip_forward; touch /tmp/t /x';
    const { stdout, stderr } = await docker(engine, [...run, 'img', 'sh', '-c', script]);
    assert.equal(stdout, '0:0 1\n0:0 a\n1\n');
    assert.match(stderr, /^err$/m);
    assert.match(stderr, /\/x: Read-only file system/);
    const terminal = await docker(engine, ['exec', '-it', 'one', 'sh', '-c', 'tty; stat -c %u:%g /dev/pts/0'], {
      terminal: true,
    });
    // script(1) passes the end of its input on, and the terminal echoes it whenever it comes.
    assert.match(terminal.stdout.replaceAll('^@', ''), /\/dev\/pts\/0\r?\n0:5/);
    assert.equal(
      output(await docker(engine, ['run', '--rm', '-i', '-u', '1000', 'img', 'cat'], { input: 'in\n' }), []),
      'in\n',
    );
  });

  it('a cpuset that it is put into is seen inside', async function () {
    if (!existsSync('/sys/fs/cgroup/cpuset')) this.skip();
    await succeed(['run', '-d', '--name', 'placed', 'img', 'sleep', '1000']);
    await succeed(['update', '--cpuset-cpus', '0', 'placed']);
    const seen = await inside(
      'placed',
      'cat /sys/fs/cgroup/cpuset/cpuset.cpus; mkdir /sys/fs/cgroup/cpuset/x 2>&1 || true',
    );
    assert.match(seen, /^0\n.*Read-only file system/);
    await succeed(['rm', '-f', 'placed']);
  });

  it('who shares a namespace of a container is in its user namespace', async () => {
    const own = await inside('one', 'cat /proc/self/uid_map; stat -Lc %i /proc/self/ns/user /proc/self/ns/net');
    const script = 'cat /proc/self/uid_map; stat -Lc %i /proc/self/ns/user /proc/self/ns/net';
    assert.equal(await succeed(['run', '--rm', '--net', 'container:one', 'img', 'sh', '-c', script]), own);
    assert.match(await succeed(['run', '--rm', '--pid', 'container:one', 'img', 'ps']), /sleep 1000/);
  });

  it('goes on under the next agent, and after a restart with the same ids', async () => {
    const map = await inside('one', 'cat /proc/self/uid_map');
    await agent.kill9();
    await agent.restart();
    assert.equal(await inside('one', 'cat /proc/self/uid_map'), map);
    await succeed(['restart', '-t', '0', 'one']);
    assert.equal(await inside('one', 'cat /proc/self/uid_map; stat -c %u /new'), `${map}1000\n`);
    await succeed(['pause', 'one']);
    await succeed(['unpause', 'one']);
    await succeed(['stop', '-t', '0', 'one']);
    assert.equal((await ask(agent.socket, 'GET', '/containers/one/archive?path=/new')).status, 200);
  });

  it('cannot touch what is the agent’s, by any path that a container knows', async () => {
    const roots = `${agent.dataRoot} ${agent.execRoot} /etc/shadow`;
    const script = `cat /proc/mounts; for at in ${roots}; do ls -d /proc/1/root$at $at && echo REACHED; done; true`;
    const { stdout } = await docker(engine, ['run', '--rm', 'img', 'sh', '-c', script]);
    assert.doesNotMatch(stdout, /REACHED/);
    assert.ok(!stdout.includes(agent.dataRoot), 'no path of the host is in its mounts');
    assert.equal((await stat(agent.socket)).mode & 0o777, 0o600);
  });

  it('UsernsMode: host is none, auto and private are a range, others are refused', async () => {
    assert.match(await succeed(['run', '--rm', '--userns', 'host', 'img', 'cat', '/proc/self/uid_map']), /4294967295/);
    const create = (UsernsMode: string) =>
      ask(agent.socket, 'POST', '/containers/create', { Image: 'img', Cmd: ['true'], HostConfig: { UsernsMode } });
    assert.equal((await create('auto')).status, 201);
    assert.equal((await create('private')).status, 201);
    assert.equal((await create('nonsense')).status, 400);
  });

  it('tells it in info', async () => {
    assert.match(await succeed(['info', '-f', '{{.SecurityOptions}}']), /name=userns/);
    const info: unknown = JSON.parse((await ask(agent.socket, 'GET', '/porthole/v1/info')).body);
    assert.ok(typeof info === 'object' && info !== null && 'userns' in info);
    assert.deepEqual(info.userns, { containers: 'auto' });
  });
});

describe('--userns-remap USER, beside dockerd', function () {
  this.timeout(180_000);
  let user: TestUser | undefined;
  let agent: RunningAgent | undefined;
  let dockerd: Dockerd | undefined;
  const engines: Engine[] = [];

  before(async function () {
    requires(this, { root: true, programs: ['busybox', 'docker', 'dockerd', 'useradd'] });
    user = await makeUser('remap');
    agent = await startAgent({ flags: ['--userns-remap', user.name] });
    dockerd = await startDockerd({ flags: ['--userns-remap', user.name] });
    engines.push({ name: 'porthole', host: `unix://${agent.socket}` }, { name: 'dockerd', host: dockerd.host });
    const input = await imageTar({ owners: true });
    for (const engine of engines) output(await docker(engine, ['import', '-', 'img'], { input }), ['import']);
  });
  after(async () => {
    await agent?.stop();
    await dockerd?.stop();
    await user?.remove();
  });

  const lines: Readonly<Record<string, readonly string[]>> = {
    'the maps': ['run', '--rm', '--net', 'none', 'img', 'cat', '/proc/self/uid_map', '/proc/self/gid_map'],
    'owners inside': [
      'run',
      '--rm',
      '--net',
      'none',
      'img',
      'stat',
      '-c',
      '%u:%g %a %n',
      '/',
      '/home/mine',
      '/bin',
      '/etc/hosts',
      '/dev/pts',
    ],
    'file capabilities': ['run', '--rm', '--net', 'none', '-u', '1000', 'img', '/opt/cat', '/proc/self/status', '-e'],
    'a shared network': ['run', '--rm', '--net', 'host', 'img', 'true'],
    'shared processes': ['run', '--rm', '--net', 'none', '--pid', 'host', 'img', 'true'],
    'a privileged container': ['run', '--rm', '--net', 'none', '--privileged', 'img', 'true'],
    // Twice the same line: what was refused has not taken the name.
    'a privileged container with a name': ['create', '--name', 'refused', '--privileged', 'img', 'true'],
    'a privileged container with this name': ['create', '--name', 'refused', '--privileged', 'img', 'true'],
    nodes: ['run', '--rm', '--net', 'none', 'img', 'mknod', '/n', 'c', '1', '3'],
    'a user outside of the range': ['run', '--rm', '--net', 'none', 'img', 'chown', '70000', '/tmp'],
    'writing to the account files': [
      'run',
      '--rm',
      '--net',
      'none',
      'img',
      'sh',
      '-c',
      'echo 1.2.3.4 x >> /etc/hosts && echo yes',
    ],
  };
  for (const [name, args] of Object.entries(lines)) {
    it(`${name}: the same`, async () => {
      const [ours, theirs] = await Promise.all(engines.map((engine) => docker(engine, args)));
      assert.ok(ours && theirs);
      assert.equal(ours.code, theirs.code, ours.stderr);
      assert.equal(comparable(ours.stdout), comparable(theirs.stdout));
      assert.equal(comparable(ours.stderr), comparable(theirs.stderr));
    });
  }

  it('an account that is not there is named before the agent listens', async () => {
    await assert.rejects(startAgent({ flags: ['--userns-remap', 'nobodyofthisname'] }), /no user "nobodyofthisname"/);
  });
});

function output({ code, stdout, stderr }: Outcome, args: readonly string[]): string {
  assert.equal(code, 0, `docker ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** What differs from run to run: process numbers and counters of a status file, not rights and ids. */
function comparable(text: string): string {
  const kept = /^(Uid|Gid|Groups|Cap\w+|Name):/;
  const isStatus = text.includes('CapEff:');
  return text
    .split('\n')
    .filter((line) => (isStatus ? kept.test(line) : !line.startsWith('WARNING: ')))
    .join('\n');
}
