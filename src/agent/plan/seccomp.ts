import type { Seccomp, SeccompAction, SeccompRule } from '../oci/runtime.ts';
import { choose, codes, encodeFilter, type Instruction, load, mostInstructions, offsets, result } from './bpf.ts';
import { invalidSpec } from './errors.ts';
import type { HostFacts } from './facts.ts';
import { type Condition, conditional } from './seccomp-condition.ts';
import { armNumbers } from './syscalls-arm.ts';
import { arm64Numbers } from './syscalls-arm64.ts';
import { i386Numbers } from './syscalls-i386.ts';
import { x32Numbers, x64Numbers } from './syscalls-x64.ts';

/**
 * An OCI seccomp policy as a filter program: one section per CPU mode, in each a binary search over ranges of call
 * numbers with the same verdict. Calls newer than everything the policy names fail with ENOSYS, as in runc: a libc that
 * tries a new call first then falls back to the old one, where EPERM would make it give up.
 *
 * @returns struct sock_filter[]
 */
export function compileSeccomp(seccomp: Seccomp, host: Pick<HostFacts, 'architecture'>): Uint8Array {
  const wanted = new Set(seccomp.architectures ?? []);
  const [native, ...others] = modes[host.architecture];
  const active = [native, ...others.filter((mode) => wanted.has(mode.name))];
  const program = byArchitecture(active, seccomp);
  if (program.length > mostInstructions) {
    throw invalidSpec(
      'linux.seccomp',
      `the policy needs ${program.length} instructions, the kernel takes ${mostInstructions}`,
    );
  }
  return encodeFilter(program);
}

interface Mode {
  readonly name: string;
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number;
  readonly numbers: ReadonlyMap<string, number>;
  /** Size of an argument. */
  readonly bits: 32 | 64;
}

const x32: Mode = { name: 'SCMP_ARCH_X32', audit: 0xc000003e, numbers: x32Numbers, bits: 32 };

/** The CPU's own mode first. */
const modes: Readonly<Record<HostFacts['architecture'], readonly [Mode, ...Mode[]]>> = {
  x64: [
    { name: 'SCMP_ARCH_X86_64', audit: 0xc000003e, numbers: x64Numbers, bits: 64 },
    { name: 'SCMP_ARCH_X86', audit: 0x40000003, numbers: i386Numbers, bits: 32 },
    x32,
  ],
  arm64: [
    { name: 'SCMP_ARCH_AARCH64', audit: 0xc00000b7, numbers: arm64Numbers, bits: 64 },
    { name: 'SCMP_ARCH_ARM', audit: 0x40000028, numbers: armNumbers, bits: 32 },
  ],
};

/** Calls of x32 have this bit, on the same AUDIT_ARCH as x86-64. */
const x32Bit = 0x40000000;
/** __ARM_NR_BASE */
const armPrivate = 0x0f0000;
const killThread = 0;
const ENOSYS = 38;
const returnErrno = 0x00050000;

function byArchitecture(active: readonly Mode[], seccomp: Seccomp): Instruction[] {
  const sections = new Map<number, Instruction[]>();
  for (const mode of active) {
    if (mode === x32) continue;
    const own = search(mode, seccomp);
    sections.set(mode.audit, mode.audit === x32.audit ? withX32(own, active.includes(x32), seccomp) : own);
  }
  // A mode that the policy does not name must not be a way around it.
  let program: Instruction[] = [result(killThread)];
  for (const [audit, section] of [...sections].reverse()) {
    program = choose(codes.jumpEqual, audit, { holds: [load(offsets.number), ...section], otherwise: program });
  }
  return [load(offsets.architecture), ...program];
}

function withX32(own: Instruction[], isActive: boolean, seccomp: Seccomp): Instruction[] {
  // A tracer cancels a call by the number -1; it belongs to no mode and is the default's.
  const other = isActive
    ? search(x32, seccomp)
    : choose(codes.jumpEqual, 0xffffffff, {
        holds: [result(defaultVerdict(seccomp))],
        otherwise: [result(killThread)],
      });
  return choose(codes.jumpAtLeast, x32Bit, { holds: other, otherwise: own });
}

/** What happens to calls from `first` up to the next range. */
interface Range {
  readonly first: number;
  readonly code: readonly Instruction[];
  /** Equal keys are equal code. */
  readonly key: string;
}

function search(mode: Mode, seccomp: Seccomp): Instruction[] {
  const fallback = defaultVerdict(seccomp);
  const verdicts = verdictsByNumber(mode, seccomp);
  const numbers = [...verdicts.keys()].sort((a, b) => a - b);
  const plain = (first: number, value: number): Range => ({ first, code: [result(value)], key: `=${value}` });
  const ranges: Range[] = [];
  const add = (range: Range): void => {
    if (ranges.at(-1)?.key !== range.key) ranges.push(range);
  };
  const newer = newerCalls(seccomp, { fallback, isEmpty: numbers.length === 0 });
  // Arm has calls of its own far above all others; what lies between is as unknown as what lies behind.
  const last = numbers.findLast((number) => (number & ~x32Bit) < armPrivate) ?? -1;
  const unnamed = (number: number): Range => plain(number, number > last ? newer : fallback);
  let next = 0;
  for (const number of numbers) {
    if (number > next) add(unnamed(next));
    add({ first: number, ...codeOf(verdicts.get(number), { mode, fallback }) });
    next = number + 1;
  }
  add(unnamed(next));
  return bisect(ranges);
}

function bisect(ranges: readonly Range[]): Instruction[] {
  const middle = ranges[ranges.length >> 1];
  if (middle === undefined) return [];
  if (ranges.length === 1) return [...middle.code];
  const at = ranges.length >> 1;
  return choose(codes.jumpAtLeast, middle.first, {
    holds: bisect(ranges.slice(at)),
    otherwise: bisect(ranges.slice(0, at)),
  });
}

/** What the policy says of one call: rules with conditions in their order, then one without. */
interface Verdict {
  readonly conditional: { readonly conditions: readonly Condition[]; readonly value: number }[];
  always?: number;
}

function verdictsByNumber(mode: Mode, seccomp: Seccomp): Map<number, Verdict> {
  const found = new Map<number, Verdict>();
  const fallback = defaultVerdict(seccomp);
  for (const rule of seccomp.syscalls ?? []) {
    const value = actionValue(rule.action, rule.errnoRet ?? EPERM);
    for (const name of rule.names) {
      const number = mode.numbers.get(name);
      // Policies name the calls of every CPU; those that this one lacks need no rule.
      if (number === undefined) continue;
      const verdict = found.get(number) ?? { conditional: [] };
      found.set(number, verdict);
      // As in libseccomp, a rule that only repeats the default says nothing, and one without conditions wins.
      if (value === fallback) continue;
      if ((rule.args ?? []).length === 0) verdict.always ??= value;
      else verdict.conditional.push(...alternatives(rule).map((conditions) => ({ conditions, value })));
    }
  }
  return found;
}

/** All conditions of a rule must hold, but several on the same argument are alternatives (runc's reading). */
function alternatives(rule: SeccompRule): Condition[][] {
  const conditions = rule.args ?? [];
  const isRepeated = new Set(conditions.map((one) => one.index)).size < conditions.length;
  return isRepeated ? conditions.map((one) => [one]) : [[...conditions]];
}

function codeOf(
  verdict: Verdict | undefined,
  { mode, fallback }: { mode: Mode; fallback: number },
): { code: Instruction[]; key: string } {
  const plain = (value: number) => ({ code: [result(value)], key: `=${value}` });
  if (verdict === undefined) return plain(fallback);
  if (verdict.always !== undefined) return plain(verdict.always);
  if (verdict.conditional.length === 0) return plain(fallback);
  const code = verdict.conditional.flatMap(({ conditions, value }) => conditional(conditions, value, mode.bits));
  return { code: [...code, result(fallback)], key: JSON.stringify(verdict.conditional) };
}

function newerCalls(seccomp: Seccomp, { fallback, isEmpty }: { fallback: number; isEmpty: boolean }): number {
  const permissive: readonly SeccompAction[] = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'];
  return isEmpty || permissive.includes(seccomp.defaultAction) ? fallback : returnErrno | ENOSYS;
}

const EPERM = 1;

function defaultVerdict(seccomp: Seccomp): number {
  return actionValue(seccomp.defaultAction, seccomp.defaultErrnoRet ?? EPERM);
}

/** SECCOMP_RET_* of linux/seccomp.h. */
function actionValue(action: SeccompAction, errno: number): number {
  switch (action) {
    case 'SCMP_ACT_ALLOW':
      return 0x7fff0000;
    case 'SCMP_ACT_LOG':
      return 0x7ffc0000;
    case 'SCMP_ACT_TRACE':
      return 0x7ff00000 | (errno & 0xffff);
    case 'SCMP_ACT_ERRNO':
      return returnErrno | (errno & 0xffff);
    case 'SCMP_ACT_TRAP':
      return 0x00030000;
    case 'SCMP_ACT_KILL_PROCESS':
      return 0x80000000;
    case 'SCMP_ACT_KILL':
    case 'SCMP_ACT_KILL_THREAD':
      return killThread;
    default:
      throw invalidSpec('linux.seccomp', `the action ${String(action)} is not supported`);
  }
}
