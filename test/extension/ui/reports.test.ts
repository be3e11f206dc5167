import assert from 'node:assert/strict';
import { isolationOf } from '../../../src/extension/isolation/report.ts';
import { momentOf } from '../../../src/extension/timeline/moments.ts';
import type { Ending, EndingCause } from '../../../src/protocol/history.ts';
import { looselyHeld } from './fixtures.ts';

const plain = { SecurityOptions: ['name=seccomp,profile=builtin'] };
const held = (HostConfig: object = {}, more: object = {}) => ({ Config: {}, HostConfig, Mounts: [], ...more });
const verdicts = (inspected: object, info: object = plain) =>
  new Map(isolationOf(inspected, info).map(({ id, verdict }) => [id, verdict]));

describe('the isolation report', () => {
  it('of a container with nothing said names what Docker closes and what it leaves', () => {
    const found = verdicts(held());
    assert.deepEqual(
      [...found].filter(([, verdict]) => verdict === 'open').map(([id]) => id),
      ['user-namespace'],
    );
    for (const id of ['seccomp', 'namespaces']) assert.equal(found.get(id), 'closed', id);
    for (const id of [
      'capabilities',
      'no-new-privileges',
      'masked-paths',
      'read-only-root',
      'limits',
      'shared-kernel',
    ]) {
      assert.equal(found.get(id), 'weak', id);
    }
  });

  const cases: readonly {
    what: string;
    inspected: object;
    info?: object;
    expected: Readonly<Record<string, string>>;
  }[] = [
    {
      what: 'a privileged one',
      inspected: held({ Privileged: true }),
      expected: { privileged: 'open', seccomp: 'open', 'masked-paths': 'open' },
    },
    {
      what: 'ids of its own',
      inspected: held(),
      info: { SecurityOptions: ['name=userns'] },
      expected: { 'user-namespace': 'closed' },
    },
    {
      what: 'the host’s ids, asked for under a remapped engine',
      inspected: held({ UsernsMode: 'host' }),
      info: { SecurityOptions: ['name=userns'] },
      expected: { 'user-namespace': 'open' },
    },
    { what: 'a user', inspected: held({}, { Config: { User: '1000:1000' } }), expected: { 'user-namespace': 'weak' } },
    {
      what: 'root by number',
      inspected: held({}, { Config: { User: '0:5' } }),
      expected: { 'user-namespace': 'open' },
    },
    { what: 'no capability', inspected: held({ CapDrop: ['ALL'] }), expected: { capabilities: 'closed' } },
    {
      what: 'a capability added to none',
      inspected: held({ CapDrop: ['ALL'], CapAdd: ['SYS_TIME'] }),
      expected: { 'capability-CAP_SYS_TIME': 'weak' },
    },
    {
      what: 'everything tight',
      inspected: held({
        SecurityOpt: ['no-new-privileges:true'],
        ReadonlyRootfs: true,
        Memory: 1,
        PidsLimit: 10,
        CapDrop: ['ALL'],
      }),
      info: { SecurityOptions: ['name=apparmor', 'name=rootless'] },
      expected: {
        'no-new-privileges': 'closed',
        'read-only-root': 'closed',
        limits: 'closed',
        'mandatory-access-control': 'closed',
        'user-namespace': 'closed',
      },
    },
    { what: 'no filter', inspected: held({ SecurityOpt: ['seccomp=unconfined'] }), expected: { seccomp: 'open' } },
    {
      what: 'AppArmor switched off',
      inspected: held({}, { AppArmorProfile: 'unconfined' }),
      info: { SecurityOptions: ['name=apparmor'] },
      expected: { 'mandatory-access-control': 'weak' },
    },
    { what: 'unmasked paths', inspected: held({ MaskedPaths: [] }), expected: { 'masked-paths': 'open' } },
    {
      what: 'all doors',
      inspected: looselyHeld,
      expected: {
        'capability-CAP_NET_ADMIN': 'weak',
        'capability-CAP_SYS_ADMIN': 'open',
        'namespace-pid': 'open',
        'namespace-net': 'weak',
        devices: 'open',
        ports: 'weak',
        secrets: 'weak',
        'mount-/s': 'open',
        'mount-/ssl': 'weak',
      },
    },
  ];
  for (const { what, inspected, info, expected } of cases) {
    it(`of ${what}`, () => {
      const found = verdicts(inspected, info);
      for (const [id, verdict] of Object.entries(expected)) assert.equal(found.get(id), verdict, id);
      assert.ok(!found.has('mount-/v'), 'a volume is the container’s own');
    });
  }

  it('has the open ways first and says what to do about each', () => {
    const findings = isolationOf(looselyHeld, plain);
    const order = findings.map(({ verdict }) => ['open', 'weak', 'closed'].indexOf(verdict));
    assert.deepEqual(order, order.toSorted());
    for (const { id, verdict, how } of findings) if (verdict === 'open') assert.ok(how, id);
  });

  it('takes an answer that is none for what it is', () => {
    assert.throws(() => isolationOf({ nothing: true }, plain), /HostConfig|Config/);
  });
});

describe('the moments of a life', () => {
  const end = (cause: EndingCause, exitCode: number, more: Partial<Ending> = {}) =>
    momentOf({ time: '', id: '', name: '', event: 'ended', ending: { cause, exitCode, ...more } });
  const cases: readonly [what: string, moment: ReturnType<typeof end>, alarming: boolean, words: RegExp][] = [
    ['returned', end({ kind: 'exited' }, 0), false, /by itself/],
    ['failed', end({ kind: 'exited' }, 3), true, /by itself/],
    ['not found', end({ kind: 'exited' }, 127), true, /not found/],
    ['stopped', end({ kind: 'stopped', by: 'stop', signal: 15 }, 143), false, /after SIGTERM/],
    ['grace over', end({ kind: 'grace-over', by: 'stop', signal: 15, seconds: 10 }, 137), false, /within 10 s/],
    ['killed', end({ kind: 'killed', signal: 9 }, 137), false, /sent it SIGKILL/],
    ['a crash', end({ kind: 'signal', signal: 11 }, 139), true, /SIGSEGV ended it/],
    [
      'out of memory',
      end({ kind: 'out-of-memory' }, 137, { outOfMemory: { kills: 2, limit: 1 << 20 } }),
      true,
      /limit: the kernel killed it.*lack of memory: 2.*1 MiB/s,
    ],
    ['nobody saw', end({ kind: 'supervisor-lost' }, 137), true, /Nobody saw/],
  ];
  for (const [what, moment, alarming, words] of cases) {
    it(`an end: ${what}`, () => {
      assert.equal(moment.alarming, alarming);
      assert.match(moment.details.map(String).join('\n'), words);
    });
  }
  it('a start that failed says which step', () => {
    const step = 'exec /nothing';
    const moment = momentOf({
      ...{ time: '', id: '', name: '' },
      ...{ event: 'start-failed', exitCode: 127, error: 'no such {0} file', step },
    });
    assert.deepEqual(moment.details.map(String), ['no such {0} file', 'The step that failed: exec /nothing']);
  });
});
