import assert from 'node:assert/strict';
import { defaultCapabilities } from '../../../src/agent/oci/capabilities.ts';
import { defaultSeccomp } from '../../../src/agent/oci/defaults.ts';
import type { Seccomp, SeccompRule } from '../../../src/agent/oci/runtime.ts';
import { compileSeccomp } from '../../../src/agent/plan/seccomp.ts';
import { SeccompFilters } from '../../../src/agent/plan/seccomp-filters.ts';
import { armNumbers } from '../../../src/agent/plan/syscalls-arm.ts';
import { arm64Numbers } from '../../../src/agent/plan/syscalls-arm64.ts';
import { i386Numbers } from '../../../src/agent/plan/syscalls-i386.ts';
import { x32Numbers, x64Numbers } from '../../../src/agent/plan/syscalls-x64.ts';
import { audits, runFilter, verdicts, x32Bit } from './bpf-machine.ts';

const { allow, kill, eperm, enosys } = verdicts;
const x64 = { architecture: 'x64' } as const;
const arm64 = { architecture: 'arm64' } as const;

describe('a seccomp filter', () => {
  const modes = [
    { name: 'x86-64', host: x64, audit: audits.x64, numbers: x64Numbers, base: 0 },
    { name: 'i386', host: x64, audit: audits.i386, numbers: i386Numbers, base: 0 },
    { name: 'x32', host: x64, audit: audits.x64, numbers: x32Numbers, base: x32Bit },
    { name: 'arm64', host: arm64, audit: audits.arm64, numbers: arm64Numbers, base: 0 },
    { name: 'arm', host: arm64, audit: audits.arm, numbers: armNumbers, base: 0 },
  ];
  const profiles = {
    'Docker’s default set': defaultCapabilities,
    'SYS_ADMIN and SYS_PTRACE too': [...defaultCapabilities, 'CAP_SYS_ADMIN', 'CAP_SYS_PTRACE'],
  };
  for (const { name, host, audit, numbers, base } of modes) {
    for (const [label, capabilities] of Object.entries(profiles)) {
      it(`gives every call number of ${name} the verdict of the policy, with ${label}`, () => {
        const policy = defaultSeccomp(capabilities, host.architecture);
        const filter = compileSeccomp(policy, host);
        const names = new Map([...numbers].map(([call, number]) => [number, call]));
        const newest = Math.max(...namedNumbers(policy, numbers).filter((number) => number - base < 0x0f0000));
        const all = [...Array(1200).keys()].map((number) => base + number);
        for (const number of [...all, ...numbers.values()]) {
          for (const first of [0n, 1n, 12n, 16n, 38n, 40n, 0x20000n, 0x10000000n]) {
            const expected = expectedVerdict(policy, { name: names.get(number), first, isNewer: number > newest });
            const verdict = runFilter(filter, { audit, number, args: [first] });
            assert.equal(verdict, expected, `${names.get(number) ?? 'unknown'} (${number}) with ${first}`);
          }
        }
      });
    }
  }

  it('is compiled once per policy, and the policies used last are kept', () => {
    const filters = new SeccompFilters(x64, 2);
    const policy = (name: string) => policyOf([{ names: [name], action: 'SCMP_ACT_ALLOW' }]);
    const first = filters.compile(policy('read'));
    assert.deepEqual(first, compileSeccomp(policy('read'), x64));
    filters.compile(policy('write'));
    assert.equal(filters.compile(policy('read')), first);
    filters.compile(policy('open'));
    assert.equal(filters.compile(policy('read')), first);
    filters.compile(policy('write'));
    filters.compile(policy('open'));
    assert.notEqual(filters.compile(policy('read')), first);
  });

  it('is small', () => {
    const size = (host: typeof x64 | typeof arm64) =>
      compileSeccomp(defaultSeccomp(defaultCapabilities, host.architecture), host).length / 8;
    assert.ok(size(x64) < 1000 && size(arm64) < 700, `${size(x64)} and ${size(arm64)} instructions`);
  });

  it('kills in a CPU mode that the policy does not name', () => {
    const filter = compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW' }, x64);
    assert.equal(runFilter(filter, { audit: audits.x64, number: 0 }), allow);
    assert.equal(runFilter(filter, { audit: audits.i386, number: 0 }), kill);
    assert.equal(runFilter(filter, { audit: audits.x64, number: x32Bit }), kill);
    assert.equal(runFilter(filter, { audit: audits.x64, number: 0xffffffff }), allow, 'a call that a tracer took away');
  });

  const comparisons: readonly [NonNullable<SeccompRule['args']>[number], readonly bigint[], readonly bigint[]][] = [
    [{ index: 1, op: 'SCMP_CMP_EQ', value: 2 ** 32 + 5 }, [0x100000005n], [5n, 0x100000004n, 0x200000005n]],
    [{ index: 1, op: 'SCMP_CMP_NE', value: 2 ** 32 + 5 }, [5n, 0x100000004n, 0x200000005n], [0x100000005n]],
    [{ index: 1, op: 'SCMP_CMP_GT', value: 2 ** 32 + 5 }, [0x100000006n, 0x200000000n], [6n, 0x100000005n]],
    [{ index: 1, op: 'SCMP_CMP_GE', value: 2 ** 32 + 5 }, [0x100000005n, 0x200000000n], [6n, 0x100000004n]],
    [{ index: 1, op: 'SCMP_CMP_LT', value: 2 ** 32 + 5 }, [6n, 0x100000004n], [0x100000005n, 0x200000000n]],
    [{ index: 1, op: 'SCMP_CMP_LE', value: 2 ** 32 + 5 }, [6n, 0x100000005n], [0x100000006n, 0x200000000n]],
    [
      { index: 1, op: 'SCMP_CMP_MASKED_EQ', value: 0xff00000000 + 0xf, valueTwo: 0x300000000 + 1 },
      [0x3_0000_0001n, 0xffff_ff03_ffff_fff1n],
      [1n, 0x3_0000_0002n, 0x4_0000_0001n],
    ],
  ];
  for (const [condition, matching, others] of comparisons) {
    it(`compares all 64 bits of an argument: ${condition.op}`, () => {
      const filter = compileSeccomp(policyOf([{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [condition] }]), x64);
      const verdict = (value: bigint) => runFilter(filter, { audit: audits.x64, number: 0, args: [0n, value] });
      for (const value of matching) assert.equal(verdict(value), allow, `${value}`);
      for (const value of others) assert.equal(verdict(value), eperm, `${value}`);
    });
  }

  it('wants all conditions of a rule, any of several rules, and takes conditions on one argument as alternatives', () => {
    const args: SeccompRule['args'] = [
      { index: 0, op: 'SCMP_CMP_EQ', value: 1 },
      { index: 1, op: 'SCMP_CMP_GT', value: 1 },
    ];
    const same: SeccompRule['args'] = [
      { index: 0, op: 'SCMP_CMP_EQ', value: 7 },
      { index: 0, op: 'SCMP_CMP_EQ', value: 8 },
    ];
    const rules: SeccompRule[] = [
      { names: ['read'], action: 'SCMP_ACT_ALLOW', args },
      { names: ['read'], action: 'SCMP_ACT_ALLOW', args: same },
    ];
    const filter = compileSeccomp(policyOf(rules), x64);
    const verdict = (...values: bigint[]) => runFilter(filter, { audit: audits.x64, number: 0, args: values });
    assert.deepEqual(
      [verdict(1n, 2n), verdict(1n, 1n), verdict(2n, 2n), verdict(7n, 0n), verdict(8n, 0n), verdict(9n, 0n)],
      [allow, eperm, eperm, allow, allow, eperm],
    );
  });

  it('lets a rule without conditions win, and a rule that repeats the default say nothing', () => {
    const rules: SeccompRule[] = [
      { names: ['read'], action: 'SCMP_ACT_TRAP', args: [{ index: 0, op: 'SCMP_CMP_EQ', value: 1 }] },
      { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' },
      { names: ['open'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
      { names: ['open'], action: 'SCMP_ACT_ALLOW' },
    ];
    const filter = compileSeccomp(policyOf(rules), x64);
    for (const number of [0, 1, 2]) assert.equal(runFilter(filter, { audit: audits.x64, number, args: [1n] }), allow);
  });

  it('has every action', () => {
    const action = (rule: Pick<SeccompRule, 'action' | 'errnoRet'>) =>
      runFilter(compileSeccomp(policyOf([{ names: ['read'], ...rule }]), x64), { audit: audits.x64, number: 0 });
    assert.equal(action({ action: 'SCMP_ACT_ERRNO', errnoRet: 38 }), enosys);
    assert.equal(action({ action: 'SCMP_ACT_TRACE', errnoRet: 3 }), 0x7ff00003);
    assert.equal(action({ action: 'SCMP_ACT_LOG' }), 0x7ffc0000);
    assert.equal(action({ action: 'SCMP_ACT_TRAP' }), 0x00030000);
    assert.equal(action({ action: 'SCMP_ACT_KILL_PROCESS' }), 0x80000000);
    assert.equal(action({ action: 'SCMP_ACT_KILL' }), kill);
  });

  it('does not turn calls into ENOSYS where the default allows', () => {
    const policy: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64'],
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
    };
    const filter = compileSeccomp(policy, x64);
    assert.equal(runFilter(filter, { audit: audits.x64, number: 83 }), eperm);
    assert.equal(runFilter(filter, { audit: audits.x64, number: 9999 }), allow);
  });
});

function policyOf(syscalls: SeccompRule[]): Seccomp {
  return { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_X86_64'], syscalls };
}

function namedNumbers(policy: Seccomp, numbers: ReadonlyMap<string, number>): number[] {
  return (policy.syscalls ?? []).flatMap((rule) => rule.names.flatMap((name) => numbers.get(name) ?? []));
}

/** The policy read anew, without ranges or programs. Its conditions are all on the first argument. */
function expectedVerdict(
  policy: Seccomp,
  call: { readonly name: string | undefined; readonly first: bigint; readonly isNewer: boolean },
): number {
  const values: Partial<Record<string, (rule: SeccompRule) => number>> = {
    SCMP_ACT_ALLOW: () => allow,
    SCMP_ACT_ERRNO: (rule) => 0x00050000 | (rule.errnoRet ?? 1),
  };
  for (const rule of policy.syscalls ?? []) {
    if (call.name === undefined || !rule.names.includes(call.name)) continue;
    const holds = (rule.args ?? []).every((condition) => {
      assert.equal(condition.index, 0);
      if (condition.op === 'SCMP_CMP_LT') return call.first < BigInt(condition.value);
      if (condition.op === 'SCMP_CMP_EQ') return call.first === BigInt(condition.value);
      assert.equal(condition.op, 'SCMP_CMP_MASKED_EQ');
      return (call.first & BigInt(condition.value)) === BigInt(condition.valueTwo ?? 0);
    });
    if (holds) return values[rule.action]?.(rule) ?? assert.fail(rule.action);
  }
  return call.isNewer ? enosys : eperm;
}
