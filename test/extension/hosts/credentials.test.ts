import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { credentialsFor, registryOf } from '../../../src/extension/registry/credentials.ts';
import { followTransfer } from '../../../src/extension/registry/transfer.ts';

const signal = new AbortController().signal;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('credentials that docker login has kept', () => {
  let directory: string;
  const path = process.env['PATH'];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'porthole-login-'));
  });
  afterEach(async () => {
    process.env['PATH'] = path;
    await rm(directory, { recursive: true, force: true });
  });
  const config = (value: unknown) => writeFile(join(directory, 'config.json'), JSON.stringify(value));
  const ask = (reference: string) => credentialsFor(reference, { directory, signal });
  /** A credential helper that answers what a script says; `$server` is what it was asked for. */
  const helper = async (name: string, script: string): Promise<void> => {
    const bin = join(directory, 'bin');
    await mkdir(bin, { recursive: true });
    const file = join(bin, `docker-credential-${name}`);
    await writeFile(file, `#!/bin/sh\nread -r server\n[ "$1" = get ] || exit 9\n${script}\n`);
    await chmod(file, 0o755);
    process.env['PATH'] = `${bin}${delimiter}${path}`;
  };

  it('belong to the registry that a name means', () => {
    const cases = { busybox: 'docker.io', 'me/app:1': 'docker.io', 'reg.example/a/b@sha256:0': 'reg.example' };
    for (const [name, registry] of Object.entries(cases)) assert.equal(registryOf(name), registry, name);
    assert.equal(registryOf('localhost/a'), 'localhost');
    assert.equal(registryOf('127.0.0.1:5000/a'), '127.0.0.1:5000');
  });

  it('are none where there is no file, or nothing for the registry in it', async () => {
    assert.equal(await ask('busybox'), undefined);
    await config({ auths: { 'other.example': { auth: base64('u:p') } } });
    assert.equal(await ask('reg.example/a'), undefined);
  });

  it('stand in the file, under addresses of several forms', async () => {
    await config({
      auths: {
        'https://index.docker.io/v1/': { auth: base64('hub:word') },
        'https://reg.example/v2/': { auth: base64('me:a:b\0\0') },
        'tok.example:5000': { identitytoken: 'token' },
      },
    });
    const hub = { username: 'hub', password: 'word', serveraddress: 'https://index.docker.io/v1/' };
    assert.deepEqual(await ask('busybox'), hub);
    assert.deepEqual(await ask('reg.example/a:1'), { username: 'me', password: 'a:b', serveraddress: 'reg.example' });
    assert.deepEqual(await ask('tok.example:5000/a'), { identitytoken: 'token', serveraddress: 'tok.example:5000' });
  });

  it('are with a helper: of one registry, or of all', async () => {
    await config({ credsStore: 'all', credHelpers: { 'one.example': 'one' } });
    await helper('one', `echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"u-$server\\",\\"Secret\\":\\"s\\"}"`);
    await helper('all', `echo '{"Username":"<token>","Secret":"t"}'`);
    assert.deepEqual(await ask('one.example/a'), {
      username: 'u-one.example',
      password: 's',
      serveraddress: 'one.example',
    });
    assert.deepEqual(await ask('two.example/a'), { identitytoken: 't', serveraddress: 'two.example' });
  });

  it('are none when the helper knows none; a helper that fails is named with its words', async () => {
    await config({ credsStore: 'none' });
    await helper('none', 'echo "credentials not found in native keychain"; exit 1');
    assert.equal(await ask('busybox'), undefined);
    await helper('none', 'echo "the keychain is locked"; exit 1');
    await assert.rejects(ask('busybox'), /docker-credential-none gave no credentials: the keychain is locked/);
    await config({ credsStore: 'absent' });
    await assert.rejects(ask('busybox'), /docker-credential-absent gave no credentials: .*ENOENT/);
    await config({ credsStore: '../../bin/sh' });
    await assert.rejects(ask('busybox'), /is no name of a credential helper/);
    await writeFile(join(directory, 'config.json'), 'none');
    await assert.rejects(ask('busybox'), /config.json is no docker configuration/);
  });
});

describe('the progress of pulls and pushes', () => {
  async function* said(...parts: string[]): AsyncGenerator<Buffer> {
    for (const part of parts) yield Buffer.from(part);
  }

  it('is summed over the layers, however the answer is cut', async () => {
    const lines = [
      { status: 'Pulling from a', id: 'latest' },
      { status: 'Downloading', id: '0123456789ab', progressDetail: { current: 500, total: 1000 } },
      { status: 'Already exists', id: 'ba9876543210' },
      { status: 'Pull complete', id: '0123456789ab' },
      { status: 'Status: Downloaded newer image for a:latest' },
    ];
    const text = lines.map((line) => `${JSON.stringify(line)}\r\n`).join('');
    const told: string[] = [];
    const last = await followTransfer(said(text.slice(0, 70), text.slice(70)), (words) => told.push(words));
    assert.equal(last, 'Status: Downloaded newer image for a:latest');
    assert.deepEqual(told, ['0 / 1 · 500 B / 1 kB', '1 / 2 · 500 B / 1 kB', '2 / 2 · 500 B / 1 kB']);
  });

  it('ends with the engine’s words when it gives up', async () => {
    const answer = `${JSON.stringify({ status: 'Preparing', id: '0123456789ab' })}\n${JSON.stringify({ error: 'denied: no' })}`;
    await assert.rejects(
      followTransfer(said(answer), () => undefined),
      /denied: no/,
    );
  });
});
