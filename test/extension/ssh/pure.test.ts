import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isKind } from '../../../src/base/errors.ts';
import { resolveSettings } from '../../../src/extension/ssh/config.ts';
import { fingerprint, judge, keyType, matchesHosts, parseKnownHosts } from '../../../src/extension/ssh/known-hosts.ts';
import { quote, shellCommand } from '../../../src/extension/ssh/quote.ts';
import type { SshSettings } from '../../../src/extension/ssh/settings.ts';
import { hostAndPort, parseTarget } from '../../../src/extension/ssh/target.ts';

describe('SSH targets', () => {
  const cases: [string, object][] = [
    ['web', { host: 'web' }],
    ['root@web', { host: 'web', user: 'root' }],
    ['root@web:2222', { host: 'web', user: 'root', port: 2222 }],
    ['ssh://root@web:2222/', { host: 'web', user: 'root', port: 2222 }],
    ['a@b@web', { host: 'web', user: 'a@b' }],
    ['fe80::1', { host: 'fe80::1' }],
    ['[fe80::1]:22', { host: 'fe80::1', port: 22 }],
    ['  web  ', { host: 'web' }],
  ];
  for (const [text, expected] of cases) it(text, () => assert.deepEqual(parseTarget(text), expected));

  for (const text of [
    '',
    '-oProxyCommand=id',
    'root@-oProxyCommand=id',
    '-lroot@web',
    'ssh://-oProxyCommand=id',
    'web:0',
    'web:70000',
    'web:ssh',
    'a b',
    'web;id',
    'web$(id)',
    'web`id`',
    '@web',
    "we'b",
    'web,other',
    'w*b',
    '!web',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(
        () => parseTarget(text),
        (error) => isKind(error, 'invalid'),
      ));
  }
});

describe('quoting for sh', () => {
  const nasty = ['', 'a b', "it's", `"'"'`, '$HOME', '`id`', '*', '!x', '; rm -rf /', '~', '-n', 'ä€𝄞', '&&', '#'];

  it('gives every argument back as it was, through two shells', () => {
    const said = execFileSync('/bin/sh', ['-c', shellCommand('printf "%s|" "$@"', nasty)]).toString();
    assert.deepEqual(said.split('|').slice(0, -1), nasty);
  });

  it('refuses NUL', () =>
    assert.throws(
      () => quote('a\0b'),
      (error) => isKind(error, 'invalid'),
    ));
});

describe('known_hosts', () => {
  const key = (type: string, body: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(type.length);
    return Buffer.concat([length, Buffer.from(type), Buffer.from(body)]);
  };
  const ed = key('ssh-ed25519', 'one');
  const other = key('ssh-ed25519', 'two');
  const rsa = key('ssh-rsa', 'three');
  const line = (hosts: string, of: Buffer, marker = '') =>
    `${marker}${hosts} ${keyType(of)} ${of.toString('base64')} comment\n`;

  const patterns: [string, string, boolean][] = [
    ['web', 'web', true],
    ['web', 'WEB', true],
    ['web', 'web2', false],
    ['web', '[web]:2222', false],
    ['[web]:2222', '[web]:2222', true],
    ['a,web,b', 'web', true],
    ['*.example.org', 'a.example.org', true],
    ['*.example.org,!bad.example.org', 'bad.example.org', false],
    ['!bad.example.org,*.example.org', 'bad.example.org', false],
    ['h?st', 'host', true],
    ['[*]:2222', '[any]:2222', true],
    ['a.b', 'axb', false],
    ['|1|bad', 'web', false],
  ];
  for (const [hosts, name, expected] of patterns) {
    it(`${hosts} ${expected ? 'is' : 'is not'} ${name}`, () => assert.equal(matchesHosts(hosts, name), expected));
  }

  it('passes over what cannot be read, and counts lines', () => {
    const text = `# comment\n\nweb ssh-ed25519\nweb ssh-rsa ${ed.toString('base64')}\n@odd web ssh-ed25519 AAAA\n${line('web', ed)}`;
    assert.deepEqual(
      parseKnownHosts(text, 'f').map((entry) => [entry.line, entry.type]),
      [[6, 'ssh-ed25519']],
    );
  });

  it('judges', () => {
    const entries = parseKnownHosts(
      line('web', ed) + line('*', other, '@revoked ') + line('ca', rsa, '@cert-authority '),
      'f',
    );
    assert.equal(judge(entries, 'web', ed).kind, 'known');
    assert.equal(judge(entries, 'web', other).kind, 'revoked');
    assert.equal(judge(entries, 'web', key('ssh-ed25519', 'three')).kind, 'changed');
    const unknown = judge(entries, 'web', rsa);
    assert.ok(unknown.kind === 'unknown' && unknown.others[0]?.type === 'ssh-ed25519');
    assert.equal(
      judge(entries, 'ca', rsa).kind,
      'unknown',
      'an authority vouches for certificates, not for plain keys',
    );
    assert.equal(judge(entries, 'new', ed).kind, 'unknown');
  });

  it('prints fingerprints as OpenSSH does', () => {
    assert.match(fingerprint(ed), /^SHA256:[A-Za-z0-9+/]{43}$/);
    assert.equal(hostAndPort('web', 22), 'web');
    assert.equal(hostAndPort('web', 2222), '[web]:2222');
  });
});

describe('SSH configuration', () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), 'porthole-config-'));
  });
  after(() => rm(home, { recursive: true, force: true }));

  const around = () => ({
    home: os.homedir(),
    localUser: os.userInfo().username,
    platform: process.platform,
    env: { SSH_AUTH_SOCK: '/agent.sock', MY_AGENT: '/mine.sock' },
  });
  /** Both ways of reading the same text must agree. */
  const check = async (config: string, target: string, expected: Partial<SshSettings>) => {
    const configFile = path.join(home, 'config');
    await writeFile(configFile, config);
    for (const command of [undefined, null]) {
      const options = { configFile, around: around(), ...(command === null && { command }) };
      const found = await resolveSettings(parseTarget(target), options);
      const picked = Object.fromEntries(Object.entries(found).filter(([name]) => name in expected));
      assert.deepEqual(picked, expected, command === null ? 'read by ourselves' : 'ssh -G');
    }
  };

  it('has defaults', () =>
    check('', 'web', {
      alias: 'web',
      hostName: 'web',
      port: 22,
      user: os.userInfo().username,
      identitiesOnly: false,
      identityAgent: '/agent.sock',
      proxyJump: [],
      hashKnownHosts: false,
      strictHostKeyChecking: 'ask',
      connectTimeout: 30,
      allowPassword: true,
    }));

  it('reads what a host says, first value first', () =>
    check(
      `Host web*
         HostName %h.example.org
         User deploy
         Port 2200
         IdentityFile ~/keys/web
         IdentityFile /etc/keys/%r
         IdentitiesOnly yes
         IdentityAgent none
         UserKnownHostsFile /k1 /k2
         GlobalKnownHostsFile none
         HostKeyAlias thing
         StrictHostKeyChecking accept-new
         ConnectTimeout 7
         ProxyJump one,two@three:4
       Host *
         User other
         PasswordAuthentication no
         HashKnownHosts yes`,
      'web1',
      {
        hostName: 'web1.example.org',
        user: 'deploy',
        port: 2200,
        identityFiles: [path.join(os.homedir(), 'keys/web'), '/etc/keys/deploy'],
        identitiesOnly: true,
        proxyJump: ['one', 'two@three:4'],
        userKnownHostsFiles: ['/k1', '/k2'],
        globalKnownHostsFiles: [],
        hostKeyAlias: 'thing',
        strictHostKeyChecking: 'accept-new',
        connectTimeout: 7,
        allowPassword: false,
        hashKnownHosts: true,
      },
    ));

  it('lets the target have the last word', () =>
    check('Host web\n  User deploy\n  Port 2200\n', 'root@web:22', { user: 'root', port: 22 }));

  it('knows agents by variable', () => check('IdentityAgent $MY_AGENT\n', 'web', { identityAgent: '/mine.sock' }));

  it('expands a ProxyCommand', () =>
    check('Host web\n  HostName h\n  ProxyCommand nc %h %p 1%%\n', 'web:7', { proxyCommand: 'nc h 7 1%' }));

  it('follows Include', async () => {
    await writeFile(path.join(home, 'more-1.conf'), 'Host web\n  Port 2201\n');
    await check(`Include ${home}/more-*.conf\nHost web\n  Port 2202\n`, 'web', { port: 2201 });
  });

  it('says what is wrong in it', async () => {
    const configFile = path.join(home, 'config');
    await writeFile(configFile, 'Nonsense yes\n');
    await assert.rejects(
      resolveSettings({ host: 'web' }, { configFile }),
      /configuration for web cannot be used: .*Nonsense/is,
    );
  });
});
