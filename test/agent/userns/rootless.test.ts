import assert from 'node:assert/strict';
import { lstat, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readAgentFiles } from '../../../src/extension/hosts/agent-files.ts';
import { SshHost } from '../../../src/extension/hosts/ssh.ts';
import { SshConnector } from '../../../src/extension/ssh/connector.ts';
import { docker } from '../../conformance/engine.ts';
import { ask } from '../../support/agent.ts';
import { endAgentsBelow } from '../../support/detached-agents.ts';
import { ScriptedUser } from '../../support/ssh-services.ts';
import { sshdMissing, startSshd } from '../../support/sshd.ts';
import { makeUser, type TestUser } from '../../support/test-user.ts';
import { requires } from '../../support/tools.ts';
import { imageTar } from './image.ts';
import { processesOf, RootlessAgent, until } from './rootless-agent.ts';

const never = new AbortController().signal;

describe('the engine without root', function () {
  this.timeout(120_000);
  let user: TestUser;
  let agent: RootlessAgent;
  let host: string;

  before(async function () {
    requires(this, { root: true, programs: ['busybox', 'docker', 'newuidmap', 'useradd'] });
    user = await makeUser('rootless');
    agent = await RootlessAgent.bring(user);
    host = `unix://${agent.socket}`;
    await agent.start();
    await succeed(['import', '-', 'img'], await imageTar({ owners: true }));
  });
  after(async () => {
    if (!user) return;
    if (agent) {
      if ((await agent.end('SIGTERM')) !== null) await agent.start();
      const ids = (await docker({ name: 'porthole', host }, ['ps', '-aq'])).stdout.split('\n').filter(Boolean);
      if (ids.length > 0) await docker({ name: 'porthole', host }, ['rm', '-f', '-v', ...ids]);
      await agent.end('SIGTERM');
    }
    await until('no process of the user is left', async () => (await processesOf(user)).length === 0);
    await user.remove();
  });

  const run = (args: readonly string[], options: Parameters<typeof docker>[2] = {}) =>
    docker({ name: 'porthole', host }, args, options);
  async function succeed(args: readonly string[], input?: Buffer): Promise<string> {
    const { code, stdout, stderr } = await run(args, input ? { input } : {});
    assert.equal(code, 0, `docker ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
  const inside = (script: string) => succeed(['exec', 'one', 'sh', '-c', script]);
  const info = async (): Promise<Record<string, unknown>> =>
    JSON.parse((await ask(agent.socket, 'GET', '/porthole/v1/info')).body);

  it('keeps everything in the user’s own directories, and the socket to the user', async () => {
    const socket = await stat(agent.socket);
    assert.deepEqual([socket.uid, socket.mode & 0o777], [user.uid, 0o600]);
    const { dataRoot, rootless, cgroups } = await info();
    assert.deepEqual({ dataRoot, rootless }, { dataRoot: agent.dataRoot, rootless: true });
    const security = await succeed(['info', '-f', '{{.SecurityOptions}} {{.CgroupDriver}}']);
    assert.match(security, /name=rootless/);
    if (cgroups === false) assert.match(security, / none$/m);
  });

  it('root inside is the user, the others are the ids that were given to him', async () => {
    await succeed(['run', '-d', '--name', 'one', '-v', 'vol:/v', '-v', `${user.home}:/theirs`, 'img', 'sleep', '1000']);
    const maps = (await inside('cat /proc/self/uid_map'))
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number));
    assert.deepEqual(maps, [
      [0, user.uid, 1],
      [1, user.subordinate.start, user.subordinate.size],
    ]);
    const pid = (await succeed(['inspect', '-f', '{{.State.Pid}}', 'one'])).trim();
    assert.match(await readFile(`/proc/${pid}/status`, 'utf8'), new RegExp(`^Uid:\\s+${user.uid}\\s`, 'm'));
    await inside('touch /theirs/mine /v/f; chown 1000:50 /v/f; echo x > /new; chown 1000 /new');
    assert.equal((await stat(join(user.home, 'mine'))).uid, user.uid);
    assert.equal(await inside('stat -c %u:%g /v/f /theirs/agent'), '1000:50\n65534:65534\n');
    assert.match((await run(['exec', 'one', 'touch', '/theirs/agent/x'])).stderr, /Permission denied/);
  });

  it('owners and capabilities of an image’s files are kept', async () => {
    assert.equal(await inside('stat -c "%u:%g %a" /opt/cat'), '0:0 755\n');
    const asUser = ['run', '--rm', '-u', '1000', 'img', '/opt/cat', '/proc/self/status'];
    assert.match(await succeed(asUser), /^CapEff:\s+0000000000002000$/m);
    assert.equal(await succeed(['run', '--rm', '-u', '1000', 'img', 'cat', '/home/mine']), 'mine\n');
  });

  it('terminals, streams, copies and differences work', async () => {
    const terminal = await run(['run', '--rm', '-it', 'img', 'sh', '-c', 'tty; stat -c %u:%g /dev/console'], {
      terminal: true,
    });
    // `script` has no input to give and types a NUL, which the terminal may echo.
    assert.match(terminal.stdout, /\/dev\/pts\/0\r?\n(\^@)?0:5/);
    const shell = await run(['exec', '-it', 'one', 'tty'], { terminal: true });
    assert.match(shell.stdout, /\/dev\/pts\/0/);
    assert.equal((await run(['run', '--rm', '-i', '-u', '1000', 'img', 'cat'], { input: 'in\n' })).stdout, 'in\n');
    const script =
      'echo to > /dev/null; head -c 1 /dev/urandom > /dev/null; echo err > /dev/stderr; cat /proc/sys/net/ipv4/ip_forward';
    const out = await run([
      'run',
      '--rm',
      '--sysctl',
      'net.ipv4.ip_forward=1',
      '-u',
      '1000',
      'img',
      'sh',
      '-c',
      script,
    ]);
    assert.equal(out.stdout, '1\n');
    assert.match(out.stderr, /^err$/m);
    assert.match(await succeed(['diff', 'one']), /^A \/new$/m);
    const { body } = await ask(agent.socket, 'GET', '/containers/one/archive?path=/new');
    assert.equal(Number.parseInt(body.slice(108, 115), 8), 1000);
    assert.match(await succeed(['top', 'one']), /sleep 1000/);
    assert.equal(
      (await succeed(['run', '--rm', '--privileged', 'img', 'sh', '-c', 'mount -t tmpfs t /tmp && echo yes'])).trim(),
      'yes',
    );
  });

  it('says what is not possible: limits are warned of, what could not be kept is refused by name', async () => {
    const { cgroups, unavailable } = await info();
    assert.ok(Array.isArray(unavailable) && unavailable.length > 0);
    assert.match(
      (await run(['create', '--device-cgroup-rule', 'c 1:3 r', 'img'])).stderr,
      /DeviceCgroupRules is not possible without root/,
    );
    if (cgroups !== false) return;
    assert.match((await run(['run', '--rm', '--pids-limit', '5', 'img', 'true'])).stderr, /PIDs limit discarded/);
    const limited = await run(['run', '--rm', '-m', '50m', 'img', 'true']);
    assert.equal(limited.code, 0, limited.stderr);
    assert.match(limited.stderr, /memory limit capabilities .* Limitation discarded/);
    assert.match((await run(['pause', 'one'])).stderr, /no freezer/);
    assert.match((await run(['create', '--pid', 'host', 'img'])).stderr, /PidMode host is not possible without root/);
  });

  it('containers go on when the agent is killed, and the next one is in the same user namespace', async () => {
    const namespace = await inside('stat -Lc %i /proc/self/ns/user');
    await agent.end('SIGKILL');
    await until(
      'the agent inside ends with the one outside',
      async () => !(await processesOf(user)).some((line) => /porthole-agent.cjs/.test(line)),
    );
    await agent.start();
    assert.equal(await inside('stat -Lc %i /proc/self/ns/user; stat -c %u /new'), `${namespace}1000\n`);
    await succeed(['restart', '-t', '0', 'one']);
    assert.equal(await inside('stat -Lc %i /proc/self/ns/user; stat -c %u /new'), `${namespace}1000\n`);
  });

  it('leaves nothing of root’s, and after the last container no process', async () => {
    await succeed(['rm', '-f', 'one']);
    assert.deepEqual(await ownersBelow(agent.dataRoot, user), []);
    assert.equal(await agent.end('SIGTERM'), 0);
    await until('no process of the user is left', async () => (await processesOf(user)).length === 0);
  });

  it('a login over SSH as this user gets this engine', async function () {
    const missing = sshdMissing();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    const keys = join(user.home, 'authorized_keys');
    const sshd = await startSshd({
      config: [`AuthorizedKeysFile ${keys}`],
      env: {
        HOME: user.home,
        XDG_RUNTIME_DIR: join(user.home, 'runtime'),
        PATH: `${join(agent.node, '..')}:/usr/bin:/bin`,
      },
    });
    try {
      await writeFile(keys, await readFile(sshd.authorizedKeys));
      const configFile = join(sshd.dir, 'config-of-user');
      const config = await readFile(sshd.configFile, 'utf8');
      await writeFile(configFile, config.replace(/^ {2}User .*$/m, `  User ${user.name}`));
      const remote = new SshHost(
        { id: 'test', target: 'sshd' },
        {
          connector: new SshConnector(new ScriptedUser(), { configFile }),
          files: () => readAgentFiles(join(import.meta.dirname, '../../../dist/agent')),
          node: { version: '0', fetch: () => Promise.reject(new Error('not needed')) },
        },
      );
      try {
        await remote.connect(never);
        const engine = remote.engine('porthole');
        assert.deepEqual(
          (await engine.listImages()).map(({ RepoTags }) => RepoTags),
          [['img:latest']],
        );
        const container = await engine.createContainer({ Image: 'img', Cmd: ['true'] });
        await container.start();
        assert.equal((await container.wait()).StatusCode, 0);
        await container.remove();
      } finally {
        await remote.disconnect();
        await endAgentsBelow(user.home);
      }
    } finally {
      await sshd.stop();
    }
    await until('no process of the user is left', async () => (await processesOf(user)).length === 0);
  });

  it('with one id alone: it runs, says so, and refuses an image with other owners', async () => {
    await user.forgetRanges();
    await agent.start();
    const { unavailable } = await info();
    assert.ok(Array.isArray(unavailable));
    assert.match(JSON.stringify(unavailable), /other users inside containers.*newuidmap/);
    const { stderr } = await run(['import', '-', 'other'], { input: await imageTar({ owners: true }) });
    assert.match(stderr, /home\/mine.*\/etc\/subuid/);
    await succeed(['import', '-', 'single'], await imageTar({ owners: false }));
    const script = 'cat /proc/self/uid_map; touch /x; stat -c %u /x';
    assert.match(
      await succeed(['run', '--rm', 'single', 'sh', '-c', script]),
      new RegExp(`^\\s+0\\s+${user.uid}\\s+1\\n0\\n$`),
    );
    assert.notEqual((await run(['run', '--rm', '-u', '1000', 'single', 'true'])).code, 0);
  });
});

/** Files that belong neither to the user nor to one of the ids that were given to him. */
async function ownersBelow(directory: string, { uid, subordinate }: TestUser): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const owner = (await lstat(path)).uid;
    const isHis = owner === uid || (owner >= subordinate.start && owner < subordinate.start + subordinate.size);
    if (!isHis) found.push(`${owner} ${path}`);
  }
  return found;
}
