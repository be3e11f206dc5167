import assert from 'node:assert/strict';
import { resolveAccount } from '../../../src/agent/container/accounts.ts';
import { LineCutter, logTime, parseRecord, tailOf } from '../../../src/agent/container/cri.ts';
import { DetachFilter, parseDetachKeys } from '../../../src/agent/container/detach-keys.ts';
import { mergeConfig, mergeEnvironment, programOf } from '../../../src/agent/container/merge.ts';
import { checkName, randomName } from '../../../src/agent/container/names.ts';
import { timestamp } from '../../../src/agent/container/record.ts';
import { apparmorProfile, readSecurityOptions } from '../../../src/agent/container/security.ts';
import { signalNumber } from '../../../src/agent/container/signals.ts';
import { after as statusAfter } from '../../../src/agent/container/state.ts';

describe('containers: pure parts', () => {
  it('states move by the table only', () => {
    assert.equal(statusAfter('created', 'started'), 'running');
    assert.equal(statusAfter('running', 'retrying'), 'restarting');
    assert.equal(statusAfter('paused', 'removing'), undefined);
    assert.equal(statusAfter('dead', 'started'), undefined);
  });

  it('names follow Docker’s rule', () => {
    assert.equal(checkName('/ab'), 'ab');
    for (const bad of ['a', '', '-ab', 'a b', 'ä1']) assert.throws(() => checkName(bad), /Invalid container name/);
    assert.match(
      randomName(() => 0, { numbered: true }),
      /^[a-z]+_[a-z]+0$/,
    );
  });

  it('signals have names and numbers', () => {
    assert.deepEqual(['KILL', 'sigterm', '9', 'RTMIN+3', 'SIGRTMAX-1'].map(signalNumber), [9, 15, 9, 37, 63]);
    for (const bad of ['FOO', '0', '65', 'RTMIN+99', '']) assert.throws(() => signalNumber(bad), /Invalid signal/);
  });

  it('an entrypoint of the user’s takes the image’s command away', () => {
    const image = { Entrypoint: ['/e'], Cmd: ['c'], Env: ['A=1', 'B=2'], Labels: { x: '1' }, Volumes: { '/v': {} } };
    const program = (given: Parameters<typeof mergeConfig>[0]) => programOf(mergeConfig(given, image));
    assert.deepEqual(program({}), ['/e', 'c']);
    assert.deepEqual(program({ Cmd: ['d'] }), ['/e', 'd']);
    assert.throws(() => program({ Entrypoint: [''] }) && program({ Entrypoint: ['', ''] }), /no command specified/);
    assert.deepEqual(program({ Entrypoint: ['/f'] }), ['/f']);
    assert.deepEqual(program({ Entrypoint: [''], Cmd: ['d'] }), ['d']);
    const merged = mergeConfig({ Env: ['B=3', 'C=4'], Labels: { y: '2' } }, image);
    assert.deepEqual(merged.Env, ['A=1', 'B=3', 'C=4']);
    assert.deepEqual(merged.Labels, { x: '1', y: '2' });
    assert.deepEqual(merged.Volumes, { '/v': {} });
    assert.deepEqual(mergeEnvironment(['A=1', 'B=2'], ['A']), ['B=2']);
  });

  it('users are resolved as runc does', () => {
    const files = { passwd: 'root:x:0:0::/root:\nbad\nu:x:7:8:c:/h:/s\n', group: 'g:x:9:u,root\nh:x:10:\n' };
    assert.deepEqual(resolveAccount('', files), { uid: 0, gid: 0, groups: [0, 9], home: '/root' });
    assert.deepEqual(resolveAccount('u', files), { uid: 7, gid: 8, groups: [8, 9], home: '/h' });
    assert.deepEqual(resolveAccount('7:h', files), { uid: 7, gid: 10, groups: [10], home: '/h' });
    assert.deepEqual(resolveAccount('5:6', files), { uid: 5, gid: 6, groups: [6], home: '/' });
    assert.throws(() => resolveAccount('u:x', files), /unable to find group x/);
    for (const user of ['2147483648', '99999999999', 'u:4294967296']) {
      assert.throws(
        () => resolveAccount(user, files),
        { message: 'uids and gids must be in range 0-2147483647' },
        user,
      );
    }
    assert.equal(resolveAccount('2147483647', files).uid, 2147483647);
  });

  it('detach keys are found across chunks, and what only began like them is passed on', () => {
    assert.deepEqual(parseDetachKeys('ctrl-p,ctrl-q'), [16, 17]);
    assert.deepEqual(parseDetachKeys('a,ctrl-],ctrl-@'), [97, 29, 0]);
    const filter = new DetachFilter([16, 17]);
    const feed = (...bytes: number[]) => {
      const { pass, detach } = filter.feed(Buffer.from(bytes));
      return [[...pass], detach];
    };
    assert.deepEqual(feed(97, 16), [[97], false]);
    assert.deepEqual(feed(98), [[16, 98], false]);
    assert.deepEqual(feed(16, 16, 17, 99), [[16], true]);
  });

  it('security options: profiles are Docker’s format, with conditions', () => {
    const features = new Set<string>();
    const kernel = { major: 6, minor: 1 };
    const facts = { capabilities: ['CAP_CHOWN'], architecture: 'x64', kernel, features } as const;
    const rule = (more: object) => ({ names: ['x'], action: 'SCMP_ACT_ALLOW', ...more });
    const profile = {
      defaultAction: 'SCMP_ACT_ERRNO',
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
      syscalls: [
        rule({}),
        rule({ includes: { caps: ['CAP_SYS_ADMIN'] } }),
        rule({ includes: { minKernel: '4.8' } }),
        rule({ includes: { minKernel: '6.2' } }),
        rule({ excludes: { caps: ['CAP_CHOWN'] } }),
        rule({ includes: { arches: ['arm64'] } }),
      ],
    };
    const { seccomp, noNewPrivileges } = readSecurityOptions(
      [`seccomp=${JSON.stringify(profile)}`, 'no-new-privileges:true'],
      facts,
    );
    assert.ok(noNewPrivileges && seccomp && seccomp !== 'default');
    assert.equal(seccomp.syscalls?.length, 2);
    assert.deepEqual(seccomp.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
    assert.throws(() => readSecurityOptions(['seccomp={'], facts), /Decoding seccomp profile failed/);
    assert.equal(readSecurityOptions(['apparmor=own', 'label=type:x'], facts).apparmor, 'own');
    const selinux = { ...facts, features: new Set(['selinux']) };
    assert.throws(() => readSecurityOptions(['label=type:x'], selinux), /SELinux label .* not supported yet/);
    assert.ok(readSecurityOptions(['label:disable'], selinux));
    for (const [option, place] of [
      ['x', 1],
      ['x=y', 2],
      ['no-new-privileges=maybe', 2],
    ] as const) {
      assert.throws(() => readSecurityOptions([option], facts), {
        message: `invalid --security-opt ${place}: "${option}"`,
      });
    }
  });

  it('AppArmor: only where the kernel has it; Docker’s profile where it is loaded', () => {
    const table: readonly (readonly [string | undefined, string[], string | undefined, string | undefined])[] = [
      ['own', [], undefined, undefined],
      ['own', ['apparmor'], 'own', 'own'],
      [undefined, ['apparmor'], 'unconfined', 'unconfined'],
      [undefined, ['apparmor', 'docker-default'], 'docker-default', 'unconfined'],
      ['unconfined', ['apparmor', 'docker-default'], 'unconfined', 'unconfined'],
    ];
    for (const [asked, names, own, whenPrivileged] of table) {
      const features = new Set(names);
      assert.equal(apparmorProfile(asked, { features, privileged: false }), own);
      assert.equal(apparmorProfile(asked, { features, privileged: true }), whenPrivileged);
    }
  });

  it('times keep their nanoseconds', () => {
    assert.equal(timestamp(0.5), '1970-01-01T00:00:00.000500000Z');
    assert.equal(timestamp(1_700_000_000_123.25), '2023-11-14T22:13:20.123250000Z');
    assert.equal(logTime(1.25), '1970-01-01T00:00:01.250000000Z');
  });

  describe('log lines', () => {
    const line = (text: string, tag = 'F') => `2016-10-06T00:17:09.669794202Z stdout ${tag} ${text}\n`;
    const offsetOf = async (text: string, count: number, chunk: number) => {
      const file = Buffer.from(text);
      const { offset } = await tailOf(async (buffer, position) => file.copy(buffer, 0, position), {
        size: file.length,
        count,
        chunk,
        goesOn: false,
      });
      return offset;
    };

    it('are parsed by their fixed widths', () => {
      const record = parseRecord(Buffer.from(line('a b').slice(0, -1)));
      assert.deepEqual(
        [record?.time, record?.stream, record?.isWhole, record?.text.toString()],
        ['2016-10-06T00:17:09.669794202Z', 'stdout', true, 'a b'],
      );
      assert.equal(parseRecord(Buffer.from('something else')), undefined);
    });

    it('are cut wherever the chunks end', () => {
      const whole = Buffer.from('one\n\ntwo\nthree\nrest');
      for (let size = 1; size < whole.length; size++) {
        const cutter = new LineCutter();
        const found: string[] = [];
        for (let at = 0; at < whole.length; at += size) {
          for (const each of cutter.cut(whole.subarray(at, at + size))) found.push(each.toString());
        }
        assert.deepEqual(found, ['one', '', 'two', 'three']);
      }
    });

    it('are found from the end for every count and chunk size', async () => {
      const lines = [
        line('a'),
        line('long', 'P') + line('er', 'P') + line('!'),
        line(''),
        line('d'.repeat(99)),
        line('open', 'P'),
      ];
      const text = lines.join('');
      for (const chunk of [1, 7, 41, 64, 1000]) {
        for (let count = 0; count <= lines.length + 1; count++) {
          const expected = count === 0 ? '' : lines.slice(-count).join('');
          assert.equal(text.slice(await offsetOf(text, count, chunk)), expected, `tail ${count} by ${chunk}`);
        }
      }
      assert.equal(await offsetOf('', 5, 10), 0);
    });
  });
});
