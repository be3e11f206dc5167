import type { SeccompRule } from '../oci/runtime.ts';
import { and, codes, type Instruction, load, offsets, result, test } from './bpf.ts';
import { invalidSpec } from './errors.ts';

export type Condition = NonNullable<SeccompRule['args']>[number];

/** Returns `value` when all conditions hold, else falls through to what follows. */
export function conditional(conditions: readonly Condition[], value: number, bits: 32 | 64): Instruction[] {
  const tests = conditions.flatMap((condition) => testsOf(condition, bits));
  const end = tests.length + 1;
  // Targets are instructions of this rule; a failed test goes behind its result, to the next rule.
  let at = 0;
  const placed: Instruction[] = [];
  for (const { length, build } of conditions.map((one) => sized(testsOf(one, bits)))) {
    for (const [index, symbolic] of build.entries()) {
      const distance = (target: Target): number => {
        if (target === 'next') return 0;
        return (target === 'fail' ? end : at + length) - (at + index) - 1;
      };
      placed.push({ ...symbolic.instruction, jt: distance(symbolic.jt), jf: distance(symbolic.jf) });
    }
    at += length;
  }
  return [...placed, result(value)];
}

/** Where a test goes: to the next instruction, past this condition, or past the whole rule. */
type Target = 'next' | 'pass' | 'fail';

interface Symbolic {
  readonly instruction: Instruction;
  readonly jt: Target;
  readonly jf: Target;
}

const sized = (build: readonly Symbolic[]) => ({ length: build.length, build });
const plain = (instruction: Instruction): Symbolic => ({ instruction, jt: 'next', jf: 'next' });
const jump = (code: number, k: number, jt: Target, jf: Target): Symbolic => ({
  instruction: test(code, k, { jt: 0, jf: 0 }),
  jt,
  jf,
});

/**
 * A comparison of a 64-bit argument on a machine of 32 bits: the upper half first, and the lower half where the upper
 * ones are equal. A 32-bit mode has only the lower half.
 */
function testsOf(condition: Condition, bits: 32 | 64): Symbolic[] {
  const { index } = condition;
  if (!Number.isInteger(index) || index < 0 || index > 5) {
    throw invalidSpec('linux.seccomp', `a system call has no argument ${index}`);
  }
  const value = halves(condition.value);
  const low = load(offsets.argument(index));
  const high = load(offsets.argument(index) + 4);
  const wide = bits === 64;
  const upper = (greater: Target, less: Target): Symbolic[] =>
    wide
      ? [
          plain(high),
          jump(codes.jumpGreater, value.high, greater, 'next'),
          jump(codes.jumpEqual, value.high, 'next', less),
        ]
      : [];
  switch (condition.op) {
    case 'SCMP_CMP_EQ':
      return [
        ...(wide ? [plain(high), jump(codes.jumpEqual, value.high, 'next', 'fail')] : []),
        plain(low),
        jump(codes.jumpEqual, value.low, 'pass', 'fail'),
      ];
    case 'SCMP_CMP_NE':
      return [
        ...(wide ? [plain(high), jump(codes.jumpEqual, value.high, 'next', 'pass')] : []),
        plain(low),
        jump(codes.jumpEqual, value.low, 'fail', 'pass'),
      ];
    case 'SCMP_CMP_GT':
      return [...upper('pass', 'fail'), plain(low), jump(codes.jumpGreater, value.low, 'pass', 'fail')];
    case 'SCMP_CMP_GE':
      return [...upper('pass', 'fail'), plain(low), jump(codes.jumpAtLeast, value.low, 'pass', 'fail')];
    case 'SCMP_CMP_LT':
      return [...upper('fail', 'pass'), plain(low), jump(codes.jumpAtLeast, value.low, 'fail', 'pass')];
    case 'SCMP_CMP_LE':
      return [...upper('fail', 'pass'), plain(low), jump(codes.jumpGreater, value.low, 'fail', 'pass')];
    case 'SCMP_CMP_MASKED_EQ': {
      // The specification's first value is the mask, its second what the rest must equal.
      const datum = halves(condition.valueTwo ?? 0);
      return [
        ...(wide ? [plain(high), plain(and(value.high)), jump(codes.jumpEqual, datum.high, 'next', 'fail')] : []),
        plain(low),
        plain(and(value.low)),
        jump(codes.jumpEqual, datum.low, 'pass', 'fail'),
      ];
    }
    default:
      throw invalidSpec('linux.seccomp', `the comparison ${String(condition.op)} is unknown`);
  }
}

/** A number up to 2^64 as two words. */
function halves(value: number): { high: number; low: number } {
  const whole = BigInt.asUintN(64, BigInt(Math.trunc(value)));
  return { high: Number(whole >> 32n), low: Number(whole & 0xffffffffn) };
}
