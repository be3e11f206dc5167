import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { docker, type Engine, importBusybox } from '../conformance/engine.ts';
import { agentCommand, agentFlags } from '../support/agent.ts';
import { requires } from '../support/tools.ts';
import { compiled } from './compiled.ts';

const secret = 'PORTHOLE_TEST_SECRET';

/**
 * The agent of this suite was itself started carelessly: with a secret in its environment and with descriptors that stay open
 * over execve: a file, a directory of the host, and one far above the others.
 */
describe('what the agent was born with', function () {
  this.timeout(60_000);
  const root = `/tmp/porthole-inherited-${process.pid}`;
  let agent: ChildProcess | undefined;
  let engine: Engine;
  before(async function () {
    requires(this, { root: true, programs: ['docker', 'busybox', 'script'] });
    mkdirSync(root);
    writeFileSync(join(root, 'private'), 'of the host');
    compiled('inherited.c', join(root, 'inherited'));
    const places = { dataRoot: join(root, 'data'), execRoot: join(root, 'exec'), socket: join(root, 'socket') };
    const careless = `exec 30<${root}/private 31</ 32>>${root}/private; ulimit -n 20000; exec 63<${root}/private; exec "$@"`;
    agent = spawn('bash', ['-c', careless, 'bash', ...agentCommand('serve', ...agentFlags(places))], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, [secret]: 'secret' },
      cwd: root,
    });
    engine = { name: 'porthole', host: `unix://${places.socket}` };
    if (agent.stdout) await once(agent.stdout, 'data');
    await importBusybox(engine, 'busybox');
    // One probe is enough to look at.
    const health = ['--health-cmd', '/inherited', '--health-interval', '50ms'];
    const long = ['--name', 'long', ...health, '-v', `${root}/inherited:/inherited:ro`, 'busybox', 'sleep', '1000'];
    const { code, stderr } = await docker(engine, ['run', '-d', ...long]);
    assert.equal(code, 0, stderr);
  });
  after(async () => {
    if (!agent) return;
    const left = (await docker(engine, ['ps', '-aq'])).stdout.split('\n').filter((id) => id !== '');
    if (left.length > 0) await docker(engine, ['rm', '-f', ...left]);
    agent.kill();
    await once(agent, 'exit');
    rmSync(root, { recursive: true, force: true });
  });

  it('it has', () => {
    const descriptors = linksOf(agent?.pid ?? 0);
    assert.ok(descriptors.includes('/') && descriptors.filter((path) => path === join(root, 'private')).length === 3);
    assert.match(readFileSync(`/proc/${agent?.pid}/environ`, 'utf8'), new RegExp(secret));
  });

  const own = ['environment HOME=/root', 'environment HOSTNAME=', 'environment PATH='];
  const born = (stdin: string, others: string, more: readonly string[] = []) =>
    [
      ...own,
      ...more,
      `descriptor 0 ${stdin}`,
      `descriptor 1 ${others}`,
      `descriptor 2 ${others}`,
      'directory /',
    ].sort();
  const run = (...options: string[]) => ['run', '--rm', ...options, '-v', `${root}/inherited:/inherited:ro`, 'busybox'];
  const ways: Readonly<
    Record<string, { readonly line: readonly string[]; readonly sees: readonly string[]; readonly terminal?: true }>
  > = {
    'a container': { line: [...run(), '/inherited'], sees: born('/dev/null', 'pipe') },
    'a container with standard input': { line: [...run('-i'), '/inherited'], sees: born('pipe', 'pipe') },
    'a container with a terminal': {
      line: [...run('-t'), '/inherited'],
      sees: born('/dev/pts/0', '/dev/pts/0', ['environment TERM=xterm']),
    },
    'a container with an init': { line: [...run('--init'), '/inherited'], sees: born('/dev/null', 'pipe') },
    'a user’s container': {
      line: [...run('-u', 'user'), '/inherited'],
      sees: born('/dev/null', 'pipe').map((line) => line.replace('/root', '/home')),
    },
    'a privileged exec': { line: ['exec', '--privileged', 'long', '/inherited'], sees: born('/dev/null', 'pipe') },
    'an exec': { line: ['exec', 'long', '/inherited'], sees: born('/dev/null', 'pipe') },
    'an exec with a terminal': {
      line: ['exec', '-t', 'long', '/inherited'],
      sees: born('/dev/pts/0', '/dev/pts/0', ['environment TERM=xterm']),
    },
  };
  for (const [what, { line, sees }] of Object.entries(ways)) {
    it(`does not reach ${what}`, async () => {
      const { stdout, stderr, code } = await docker(engine, line);
      assert.equal(code, 0, stderr);
      assert.deepEqual(lines(stdout), sees);
    });
  }

  it('does not reach a health check', async () => {
    for (;;) {
      const { stdout } = await docker(engine, ['inspect', '-f', '{{json .State.Health}}', 'long']);
      const health: { Log: readonly { Output: string }[] } = JSON.parse(stdout);
      const [first] = health.Log;
      if (!first) continue;
      // A shell runs it.
      const shells = ['environment PWD=/', 'environment SHLVL=1'];
      assert.deepEqual(lines(first.Output), born('/dev/null', 'pipe', shells));
      return;
    }
  });

  it('does not stay with the shim', async () => {
    const pid = (await docker(engine, ['inspect', '-f', '{{.State.Pid}}', 'long'])).stdout.trim();
    const [, shim = ''] = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    assert.equal(readFileSync(`/proc/${shim}/comm`, 'utf8'), 'porthole-shim\n');
    assert.equal(readFileSync(`/proc/${shim}/environ`, 'utf8'), '');
    assert.equal(readlinkSync(`/proc/${shim}/cwd`), '/');
    const links = linksOf(Number(shim)).filter((path) => !/^(socket|pipe|anon_inode|\/dev\/null)/.test(path));
    const expected = ['exec/containers/ID', 'exec/containers/ID', 'data/containers/ID/log'].map((path) =>
      join(root, path),
    );
    assert.deepEqual(
      links
        .map((path) => path.replace(/[0-9a-f]{64}/, 'ID').replace(/(ID\/log).*$/, '$1'))
        .filter((path) => !/memory/.test(path))
        .sort(),
      expected.sort(),
    );
  });
});

/** Without what differs from one container to the next. */
const lines = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => line.replace(/^(environment (HOSTNAME|PATH)=).*$/, '$1'))
    .sort();

const linksOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
