import type { DeviceRule } from '../oci/runtime.ts';
import { invalidSpec } from './errors.ts';

/**
 * The device rules of a cgroup v2 as an eBPF program (BPF_PROG_TYPE_CGROUP_DEVICE), which the kernel asks before a
 * device is opened or made. The last rule that matches decides, as on v1; where none matches, access is allowed.
 * The context is three 32-bit words: access in the upper half and type in the lower half of the first, then major and
 * minor (struct bpf_cgroup_dev_ctx of linux/bpf.h).
 */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const code: Instruction[] = [
    load(register.type, 0),
    and32(register.type, 0xffff),
    load(register.access, 0),
    shiftRight32(register.access, 16),
    load(register.major, 4),
    load(register.minor, 8),
  ];
  let decided = false;
  for (const rule of [...rules].reverse()) {
    const tests = testsOf(rule);
    const verdict = [move(register.result, rule.allow ? 1 : 0), exit];
    const end = tests.length + verdict.length;
    // A failed test jumps behind this rule's verdict, to the next rule.
    code.push(...tests.map((test, at) => (test.isJump ? { ...test, offset: end - at - 1 } : test)), ...verdict);
    // What follows an unconditional end could never run, and the verifier refuses such programs.
    decided = tests.length === 0;
    if (decided) break;
  }
  if (!decided) code.push(move(register.result, 1), exit);
  return encode(code);
}

interface Instruction {
  readonly code: number;
  readonly to?: number;
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
  readonly isJump?: true;
}

const register = { result: 0, scratch: 1, type: 2, access: 3, major: 4, minor: 5 } as const;
const context = 1;

const load = (to: number, offset: number): Instruction => ({ code: 0x61, to, from: context, offset });
const and32 = (to: number, value: number): Instruction => ({ code: 0x54, to, value });
const shiftRight32 = (to: number, value: number): Instruction => ({ code: 0x74, to, value });
const move = (to: number, value: number): Instruction => ({ code: 0xb7, to, value });
const copy32 = (to: number, from: number): Instruction => ({ code: 0xbc, to, from });
const jumpUnless = (to: number, value: number): Instruction => ({ code: 0x55, to, value, isJump: true });
const jumpIf = (to: number, value: number): Instruction => ({ code: 0x15, to, value, isJump: true });
const jumpUnlessSame = (to: number, from: number): Instruction => ({ code: 0x5d, to, from, isJump: true });
const exit: Instruction = { code: 0x95 };

const typeNumbers = { b: 1, c: 2 } as const;
const accessBits: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const everyAccess = 7;

/** Instructions that jump away unless the rule is about this access. */
function testsOf(rule: DeviceRule): Instruction[] {
  const tests: Instruction[] = [];
  if (rule.type === 'b' || rule.type === 'c') tests.push(jumpUnless(register.type, typeNumbers[rule.type]));
  const access = accessOf(rule);
  if (access !== everyAccess) {
    tests.push(copy32(register.scratch, register.access), and32(register.scratch, access));
    // To be allowed, all of what is asked must be in the rule; to be denied, any of it.
    tests.push(rule.allow ? jumpUnlessSame(register.scratch, register.access) : jumpIf(register.scratch, 0));
  }
  if (isNumber(rule.major)) tests.push(jumpUnless(register.major, rule.major));
  if (isNumber(rule.minor)) tests.push(jumpUnless(register.minor, rule.minor));
  return tests;
}

function accessOf(rule: DeviceRule): number {
  let bits = 0;
  for (const letter of rule.access ?? 'rwm') {
    const bit = accessBits[letter];
    if (bit === undefined) throw invalidSpec('linux.resources.devices', `"${letter}" is no access (r, w, m)`);
    bits |= bit;
  }
  return bits;
}

/** A missing or negative number stands for every one. */
function isNumber(value: number | undefined): value is number {
  return value !== undefined && value >= 0;
}

/** struct bpf_insn, little-endian. */
function encode(code: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(code.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, instruction] of code.entries()) {
    view.setUint8(index * 8, instruction.code);
    view.setUint8(index * 8 + 1, (instruction.to ?? 0) | ((instruction.from ?? 0) << 4));
    view.setInt16(index * 8 + 2, instruction.offset ?? 0, true);
    view.setInt32(index * 8 + 4, instruction.value ?? 0, true);
  }
  return bytes;
}

/** A rule as cgroup v1's devices.allow and devices.deny take it, for example 'c 1:3 rwm'. */
export function deviceRuleText(rule: DeviceRule): string {
  accessOf(rule);
  const part = (value: number | undefined): string => (isNumber(value) ? String(value) : '*');
  return `${rule.type ?? 'a'} ${part(rule.major)}:${part(rule.minor)} ${rule.access ?? 'rwm'}`;
}
