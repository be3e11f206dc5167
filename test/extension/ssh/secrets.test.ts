import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import ssh2, { type AuthContext, type Connection } from 'ssh2';
import { SshConnector } from '../../../src/extension/ssh/connector.ts';
import { ScriptedUser } from '../../support/ssh-services.ts';
import { makeKey } from '../../support/sshd.ts';

const never = new AbortController().signal;

/** Passwords need an account with one, which a test must not make on the machine: the server here is ssh2's own. */
describe('SSH passwords and questions', function () {
  this.timeout(10_000);
  let dir: string;
  let server: InstanceType<typeof ssh2.Server>;
  let user: ScriptedUser;
  let connector: SshConnector;
  let decide: (context: AuthContext) => void;
  let seen: string[];
  const connections = new Set<Connection>();

  before(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'porthole-secrets-'));
    const { private: hostKey } = ssh2.utils.generateKeyPairSync('ed25519');
    await makeKey(path.join(dir, 'key'), 'ed25519');
    server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
      connections.add(connection);
      connection.on('close', () => connections.delete(connection));
      connection.on('error', () => undefined);
      connection.on('authentication', (context) => {
        seen.push(context.method);
        decide(context);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address: unknown = server.address();
    const port = typeof address === 'object' && address !== null ? Reflect.get(address, 'port') : 0;
    await writeFile(
      path.join(dir, 'config'),
      `Host box
         HostName 127.0.0.1
         Port ${port}
         User me
         IdentityFile ${dir}/key
         IdentityAgent none
         UserKnownHostsFile ${dir}/known_hosts
         StrictHostKeyChecking accept-new
         ConnectTimeout 2`,
    );
  });
  after(async () => {
    server.close();
    await rm(dir, { recursive: true, force: true });
  });
  beforeEach(() => {
    seen = [];
    user = new ScriptedUser();
    connector = new SshConnector(user, { configFile: path.join(dir, 'config') });
  });
  afterEach(() => {
    for (const connection of connections) connection.end();
  });

  const passwords = (right: string) => (context: AuthContext) => {
    if (context.method === 'password' && context.password === right) context.accept();
    else context.reject(['password']);
  };

  it('asks until the password is right and keeps that one only', async () => {
    decide = passwords('right');
    user.answer = (question) => ({ value: question.again ? 'right' : 'wrong', remember: true });
    (await connector.connect('box', { signal: never })).close();
    assert.deepEqual(
      user.secretQuestions.map(({ kind, subject, again }) => [kind, subject, again]),
      [
        ['password', 'me@box', false],
        ['password', 'me@box', true],
      ],
    );
    assert.deepEqual([...user.kept.values()], ['right']);

    (await connector.connect('box', { signal: never })).close();
    assert.equal(user.secretQuestions.length, 2, 'the kept one was used');

    decide = passwords('changed');
    user.answer = () => undefined;
    await assert.rejects(connector.connect('box', { signal: never }), /me@box was not let in.*password/);
    assert.equal(user.kept.size, 0, 'a kept password that is wrong is forgotten');
  });

  it('gives up after three wrong passwords', async () => {
    decide = passwords('right');
    user.answer = () => ({ value: 'wrong', remember: true });
    await assert.rejects(connector.connect('box', { signal: never }), /The server accepts: password/);
    assert.equal(user.secretQuestions.length, 3);
    assert.equal(user.kept.size, 0);
  });

  it('does not offer keys or passwords that the server does not want', async () => {
    decide = (context) => context.reject(['hostbased']);
    await assert.rejects(connector.connect('box', { signal: never }), /The server accepts: hostbased/);
    assert.deepEqual(seen, ['none']);
    assert.deepEqual(user.secretQuestions, []);
  });

  it('answers what the server asks', async () => {
    decide = (context) => {
      if (context.method !== 'keyboard-interactive') {
        context.reject(['keyboard-interactive']);
        return;
      }
      context.prompt(
        [
          { prompt: 'Code:', echo: true },
          { prompt: 'PIN:', echo: false },
        ],
        'Two questions',
        (answers) => {
          if (answers.join() === '123,456') context.accept();
          else context.reject(['keyboard-interactive']);
        },
      );
    };
    user.answer = (question) => ({ value: question.prompt.includes('Code') ? '123' : '456', remember: true });
    (await connector.connect('box', { signal: never })).close();
    assert.deepEqual(
      user.secretQuestions.map(({ kind, prompt, echo }) => [kind, prompt.includes('Two questions'), echo]),
      [
        ['answer', true, true],
        ['answer', true, false],
      ],
    );
    assert.equal(user.kept.size, 0, 'a one-time code is never kept');
  });

  it('goes on with a password when the key was only the first factor', async () => {
    let keyTaken = false;
    decide = (context) => {
      if (context.method === 'publickey') {
        keyTaken = true;
        if (context.signature) context.reject(['password'], true);
        else context.accept();
      } else if (context.method === 'password' && keyTaken && context.password === 'right') context.accept();
      else context.reject([keyTaken ? 'password' : 'publickey']);
    };
    user.answer = () => ({ value: 'right', remember: false });
    (await connector.connect('box', { signal: never })).close();
    assert.ok(keyTaken);
  });

  it('lets the user think longer than ConnectTimeout', async () => {
    decide = passwords('right');
    user.prompts.askSecret = (question) => {
      user.secretQuestions.push(question);
      return new Promise((resolve) => setTimeout(() => resolve({ value: 'right', remember: false }), 2500));
    };
    (await connector.connect('box', { signal: never })).close();
    assert.equal(user.secretQuestions.length, 1);
  });
});
