import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { freePort } from '../../../scripts/processes.ts';
import { isKind } from '../../../src/base/errors.ts';
import { SshConnector } from '../../../src/extension/ssh/connector.ts';
import { shellCommand } from '../../../src/extension/ssh/quote.ts';
import type { RemoteShell } from '../../../src/extension/ssh/shell.ts';
import { ScriptedUser } from '../../support/ssh-services.ts';
import { makeKey, type Sshd, sshdMissing, startSshd } from '../../support/sshd.ts';

const run = promisify(execFile);
const never = new AbortController().signal;

async function hello(shell: RemoteShell): Promise<string> {
  const program = await shell.exec(shellCommand('echo "$1 $(cat)"', ["it's"]), { signal: never });
  program.stdio.end('hello');
  const said = await text(program.stdio);
  assert.deepEqual(await program.exit, { code: 0 });
  return said.trim();
}

describe('SSH connector against a real sshd', function () {
  this.timeout(20_000);
  let sshd: Sshd;
  let user: ScriptedUser;
  let connector: SshConnector;
  const open: RemoteShell[] = [];

  before(function () {
    const missing = sshdMissing();
    if (!missing) return;
    console.log(`skipped: ${missing}`);
    this.skip();
  });
  beforeEach(async () => {
    sshd = await startSshd();
    user = new ScriptedUser();
    connector = new SshConnector(user, { configFile: sshd.configFile });
  });
  afterEach(async () => {
    for (const shell of open.splice(0)) shell.close();
    await sshd.stop();
  });

  const connect = async (target = 'sshd', through = connector) => {
    const shell = await through.connect(target, { signal: never });
    open.push(shell);
    return shell;
  };
  const edit = (line: string) => appendFile(sshd.configFile, `  ${line}\n`);
  const replaceKeyLine = async (line: string) => {
    const config = await readFile(sshd.configFile, 'utf8');
    await writeFile(sshd.configFile, config.replace(/ {2}IdentityFile .*/, `  ${line}`));
  };
  const letIn = async (key: string) => writeFile(sshd.authorizedKeys, await readFile(`${key}.pub`));

  it('logs in with a key file and runs a program', async () => {
    assert.equal(await hello(await connect()), "it's hello");
    assert.deepEqual(user.hostKeyQuestions, []);
    assert.deepEqual(user.secretQuestions, []);
  });

  it('logs in the same way where there is no ssh command', async () => {
    const without = new SshConnector(user, { configFile: sshd.configFile, command: null });
    assert.equal(await hello(await connect('sshd', without)), "it's hello");
  });

  it('gives exit code, standard error and signal of a program', async () => {
    const shell = await connect();
    const failing = await shell.exec(shellCommand('echo oops >&2; exit 7'), { signal: never });
    failing.stdio.resume();
    assert.deepEqual(await failing.exit, { code: 7 });
    assert.equal(failing.stderr(), 'oops\n');
    const killed = await shell.exec(shellCommand('kill -TERM $$'), { signal: never });
    killed.stdio.resume();
    assert.equal((await killed.exit).signal, 'SIGTERM');
  });

  it('asks for a passphrase only when the server takes the key, and keeps it when told to', async () => {
    const key = path.join(sshd.dir, 'locked');
    await makeKey(key, 'rsa', 'open sesame');
    await replaceKeyLine(`IdentityFile ${key}`);
    user.answer = (question) => ({ value: question.again ? 'open sesame' : 'wrong', remember: true });

    await assert.rejects(connect(), /was not let in/);
    assert.equal(user.secretQuestions.length, 0, 'the server does not know this key');

    await letIn(key);
    await rm(`${key}.pub`);
    assert.equal(await hello(await connect()), "it's hello");
    assert.deepEqual(
      user.secretQuestions.map((question) => [question.kind, question.again]),
      [
        ['passphrase', false],
        ['passphrase', true],
      ],
    );
    assert.deepEqual([...user.kept.values()], ['open sesame']);

    assert.equal(await hello(await connect()), "it's hello");
    assert.equal(user.secretQuestions.length, 2, 'the stored passphrase was used');
  });

  it('opens a PEM key with a passphrase', async () => {
    const key = path.join(sshd.dir, 'pem');
    await makeKey(key, 'rsa', 'secret', ['-m', 'PEM']);
    await letIn(key);
    await rm(`${key}.pub`);
    await replaceKeyLine(`IdentityFile ${key}`);
    user.answer = () => ({ value: 'secret', remember: false });
    assert.equal(await hello(await connect()), "it's hello");
    assert.equal(user.kept.size, 0);
  });

  it('says what was tried when no key is right', async () => {
    const key = path.join(sshd.dir, 'other');
    await makeKey(key, 'ed25519');
    await replaceKeyLine(`IdentityFile ${key}`);
    await assert.rejects(connect(), (error: Error) => {
      assert.ok(isKind(error, 'unauthorized'));
      assert.match(error.message, /root@sshd was not let in\. Tried: key .*\/other\. The server accepts: publickey\./);
      return true;
    });
  });

  describe('with an SSH agent', () => {
    let agent: { socket: string; pid: number };
    beforeEach(async () => {
      const socket = path.join(sshd.dir, 'agent.sock');
      const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
      // It names its socket once it listens.
      await once(child.stdout, 'data');
      agent = { socket, pid: child.pid ?? 0 };
    });
    afterEach(() => process.kill(agent.pid));

    for (const type of ['ed25519', 'rsa', 'ecdsa']) {
      it(`uses its ${type} key`, async () => {
        const key = path.join(sshd.dir, 'agent-key');
        await makeKey(key, type);
        await letIn(key);
        await run('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: agent.socket } });
        await rm(key);
        await replaceKeyLine(`IdentityFile ${key}`);
        const config = await readFile(sshd.configFile, 'utf8');
        await writeFile(sshd.configFile, config.replace('IdentityAgent none', `IdentityAgent ${agent.socket}`));
        // IdentitiesOnly is set: only the .pub file says that this key of the agent may be used.
        assert.equal(await hello(await connect()), "it's hello");
        await rm(`${key}.pub`);
        await assert.rejects(connect(), /was not let in/);
      });
    }
  });

  describe('host keys', () => {
    it('finds hashed names', async () => {
      await run('ssh-keygen', ['-q', '-H', '-f', sshd.knownHosts]).catch(() => undefined);
      assert.match(await readFile(sshd.knownHosts, 'utf8'), /^\|1\|/);
      assert.equal(await hello(await connect()), "it's hello");
      assert.deepEqual(user.hostKeyQuestions, []);
    });

    for (const hash of [false, true]) {
      it(`asks about an unknown key once and records it ${hash ? 'hashed' : 'plainly'}`, async () => {
        await writeFile(sshd.knownHosts, '# no line break at the end');
        if (hash) await edit('HashKnownHosts yes');
        assert.equal(await hello(await connect()), "it's hello");
        const { stdout } = await run('ssh-keygen', ['-l', '-f', sshd.hostKeys[0] ?? '']);
        assert.deepEqual(user.hostKeyQuestions, [
          {
            host: `[127.0.0.1]:${sshd.port}`,
            keyType: 'ssh-ed25519',
            fingerprint: stdout.split(' ')[1],
            knownTypes: [],
          },
        ]);
        assert.equal(await hello(await connect()), "it's hello");
        assert.equal(user.hostKeyQuestions.length, 1);
        // OpenSSH itself must find what we wrote.
        await run('ssh-keygen', ['-F', `[127.0.0.1]:${sshd.port}`, '-f', sshd.knownHosts]);
        assert.equal((await readFile(sshd.knownHosts, 'utf8')).includes('127.0.0.1'), !hash);
      });
    }

    it('goes no further when the user says no', async () => {
      await writeFile(sshd.knownHosts, '');
      user.trust = false;
      await assert.rejects(connect(), (error) => isKind(error, 'canceled'));
      assert.equal(await readFile(sshd.knownHosts, 'utf8'), '');
      assert.doesNotMatch(await sshd.log(), /Accepted publickey/);
    });

    it('refuses an unknown key without a question when StrictHostKeyChecking is yes', async () => {
      await writeFile(sshd.knownHosts, '');
      const config = await readFile(sshd.configFile, 'utf8');
      await writeFile(sshd.configFile, config.replace('StrictHostKeyChecking ask', 'StrictHostKeyChecking yes'));
      await assert.rejects(connect(), /not in known_hosts and StrictHostKeyChecking is "yes"/);
      assert.deepEqual(user.hostKeyQuestions, []);
    });

    for (const checking of ['ask', 'no']) {
      it(`refuses a changed key and says so (StrictHostKeyChecking ${checking})`, async () => {
        const config = await readFile(sshd.configFile, 'utf8');
        await writeFile(
          sshd.configFile,
          config.replace('StrictHostKeyChecking ask', `StrictHostKeyChecking ${checking}`),
        );
        const old = (await run('ssh-keygen', ['-l', '-f', sshd.hostKeys[0] ?? ''])).stdout.split(' ')[1] ?? '';
        await sshd.rekey();
        const now = (await run('ssh-keygen', ['-l', '-f', sshd.hostKeys[0] ?? ''])).stdout.split(' ')[1] ?? '';
        await assert.rejects(connect(), (error: Error) => {
          assert.ok(isKind(error, 'forbidden'));
          assert.match(error.message, /has CHANGED/);
          for (const part of [old, now, `${sshd.knownHosts} line 1`, `[127.0.0.1]:${sshd.port}`]) {
            assert.ok(error.message.includes(part), `${part} in: ${error.message}`);
          }
          return true;
        });
        assert.deepEqual(user.hostKeyQuestions, []);
        assert.doesNotMatch(await sshd.log(), /Accepted publickey/);
      });
    }

    it('refuses a revoked key', async () => {
      const pub = await readFile(sshd.hostKeys[0] ?? '', 'utf8');
      await appendFile(sshd.knownHosts, `@revoked * ${pub}`);
      await assert.rejects(connect(), /marked as revoked in .*known_hosts line 2/);
    });
  });

  it('prefers the host key type that is on record', async () => {
    const several = await startSshd({ hostKeyTypes: ['ed25519', 'ecdsa', 'rsa'] });
    try {
      const lines = (await readFile(several.knownHosts, 'utf8')).split('\n');
      await writeFile(several.knownHosts, `${lines.find((line) => line.includes('ssh-rsa'))}\n`);
      const through = new SshConnector(user, { configFile: several.configFile });
      assert.equal(await hello(await connect('sshd', through)), "it's hello");
      assert.deepEqual(user.hostKeyQuestions, []);
    } finally {
      for (const shell of open.splice(0)) shell.close();
      await several.stop();
    }
  });

  it('goes through a jump host, and through two', async () => {
    const jump = await startSshd();
    try {
      const jumpConfig = (await readFile(jump.configFile, 'utf8')).replace('Host sshd', 'Host jump');
      const again = (await readFile(jump.configFile, 'utf8')).replace('Host sshd', 'Host again');
      await edit('ProxyJump jump');
      await appendFile(sshd.configFile, `${jumpConfig}${again}`);
      assert.equal(await hello(await connect()), "it's hello");
      assert.match(await jump.log(), /Accepted publickey/);

      const config = await readFile(sshd.configFile, 'utf8');
      await writeFile(sshd.configFile, config.replace('ProxyJump jump', 'ProxyJump jump,again'));
      const shell = await connect();
      assert.equal(await hello(shell), "it's hello");
      // When a hop breaks, what went through it is gone too.
      const lost = new Promise<Error | undefined>((resolve) => shell.onDidClose(resolve));
      await jump.cut();
      assert.match((await lost)?.message ?? '', /was lost/);
    } finally {
      await jump.stop();
    }
  });

  it('names the jump host when that cannot reach the target', async () => {
    const jump = await startSshd({ config: ['AllowTcpForwarding no'] });
    try {
      await edit('ProxyJump jump');
      await appendFile(sshd.configFile, (await readFile(jump.configFile, 'utf8')).replace('Host sshd', 'Host jump'));
      await assert.rejects(connect(), /The jump host jump could not connect to 127\.0\.0\.1 port \d+/);
    } finally {
      await jump.stop();
    }
  });

  it('ends a configuration that jumps in circles', async () => {
    await edit('ProxyJump other');
    await appendFile(sshd.configFile, 'Host other\n  HostName 127.0.0.1\n  ProxyJump sshd\n');
    await assert.rejects(connect(), /goes round in circles/);
  });

  it('goes through a ProxyCommand', async () => {
    const relay = path.join(sshd.dir, 'relay.mjs');
    await writeFile(
      relay,
      `import net from 'node:net';
       const socket = net.connect(Number(process.argv[3]), process.argv[2]);
       process.stdin.pipe(socket).pipe(process.stdout);`,
    );
    await edit(`ProxyCommand ${process.execPath} ${relay} %h %p`);
    assert.equal(await hello(await connect()), "it's hello");
    const config = await readFile(sshd.configFile, 'utf8');
    await writeFile(sshd.configFile, config.replace(/ProxyCommand .*/, 'ProxyCommand sh -c "echo no way >&2; exit 3"'));
    await assert.rejects(connect(), /ProxyCommand for .* failed: exit code 3: no way/);
  });

  it('says that nobody listens, that a name does not exist, that nothing answers', async () => {
    const port = await freePort();
    await assert.rejects(connect(`127.0.0.1:${port}`), /Cannot reach .* the connection was refused/);
    await assert.rejects(connect('no-such-host.invalid'), /Cannot reach .* cannot be resolved/);
    const { createServer } = await import('node:net');
    const mute = createServer().listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const address = mute.address();
    try {
      await appendFile(sshd.configFile, 'Host mute\n  HostName 127.0.0.1\n  ConnectTimeout 1\n');
      const at = typeof address === 'object' && address !== null ? address.port : 0;
      await assert.rejects(connect(`mute:${at}`), /did not answer within 1 s \(SSH handshake\)/);
    } finally {
      mute.close();
    }
  });

  it('can be canceled on the way', async () => {
    await writeFile(sshd.knownHosts, '');
    const stop = new AbortController();
    user.prompts.confirmHostKey = () => {
      stop.abort();
      return new Promise(() => undefined);
    };
    await assert.rejects(connector.connect('sshd', { signal: stop.signal }), (error) => isKind(error, 'canceled'));
  });

  it('rejects what runs when the connection is cut', async () => {
    const shell = await connect();
    const lost = new Promise<Error | undefined>((resolve) => shell.onDidClose(resolve));
    const program = await shell.exec('exec sleep 60', { signal: never });
    program.stdio.resume();
    assert.ok((await sshd.cut()) > 0);
    assert.ok(isKind(await lost, 'unavailable'));
    assert.deepEqual(await program.exit, {});
    await assert.rejects(shell.exec('true', { signal: never }), (error) => isKind(error, 'unavailable'));
  });
});
