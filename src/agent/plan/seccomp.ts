import type { Seccomp, SeccompAction, SeccompRule } from '../oci/runtime.ts';
import {
  BackwardProgram,
  codes,
  encodeFilter,
  type Instruction,
  load,
  mostInstructions,
  offsets,
  result,
} from './bpf.ts';
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
  const program = new BackwardProgram();
  const [first, ...rest] = active.filter((mode) => mode !== x32);
  const section = (mode: Mode): void => {
    if (mode.audit === x32.audit) x64Section(program, { seccomp, own: mode, withX32: active.includes(x32) });
    else search(program, mode, seccomp);
    program.prepend([load(offsets.number)]);
  };
  const chain = (mode: Mode | undefined, others: readonly Mode[]): void => {
    // A mode that the policy does not name must not be a way around it.
    if (mode === undefined) {
      program.prepend([result(killThread)]);
      return;
    }
    program.choose(codes.jumpEqual, mode.audit, {
      holds: () => section(mode),
      otherwise: () => chain(others[0], others.slice(1)),
    });
  };
  chain(first, rest);
  program.prepend([load(offsets.architecture)]);
  return program.instructions();
}

function x64Section(
  program: BackwardProgram,
  options: { readonly seccomp: Seccomp; readonly own: Mode; readonly withX32: boolean },
): void {
  const { seccomp, own } = options;
  // A tracer cancels a call by the number -1; it belongs to no mode and is the default's.
  const refused = (): void =>
    program.choose(codes.jumpEqual, 0xffffffff, {
      holds: () => program.prepend([result(defaultVerdict(seccomp))]),
      otherwise: () => program.prepend([result(killThread)]),
    });
  program.choose(codes.jumpAtLeast, x32Bit, {
    holds: () => (options.withX32 ? search(program, x32, seccomp) : refused()),
    otherwise: () => search(program, own, seccomp),
  });
}

/** What happens to calls from `first` up to the next range: a plain verdict, or conditions on the arguments. */
interface Range {
  readonly first: number;
  readonly verdict: number | readonly ConditionalVerdict[];
}

interface ConditionalVerdict {
  readonly conditions: readonly Condition[];
  readonly value: number;
}

function search(program: BackwardProgram, mode: Mode, seccomp: Seccomp): void {
  const fallback = defaultVerdict(seccomp);
  const ranges = rangesOf(mode, seccomp);
  const emit = (range: Range): void => {
    if (typeof range.verdict === 'number') {
      program.prepend([result(range.verdict)]);
      return;
    }
    const code = range.verdict.flatMap(({ conditions, value }) => conditional(conditions, value, mode.bits));
    program.prepend([...code, result(fallback)]);
  };
  const bisect = (from: number, to: number): void => {
    const at = (from + to) >> 1;
    const middle = ranges[at];
    if (middle === undefined) return;
    if (to - from > 1) {
      program.choose(codes.jumpAtLeast, middle.first, {
        holds: () => bisect(at, to),
        otherwise: () => bisect(from, at),
      });
    } else {
      emit(middle);
    }
  };
  bisect(0, ranges.length);
}

/** Every call number from 0 on, as ranges of the same verdict. */
function rangesOf(mode: Mode, seccomp: Seccomp): Range[] {
  const fallback = defaultVerdict(seccomp);
  const { named, always, conditional: conditions } = verdictsByNumber(mode, seccomp);
  const ranges: Range[] = [];
  const add = (first: number, verdict: Range['verdict']): void => {
    if (ranges.at(-1)?.verdict !== verdict) ranges.push({ first, verdict });
  };
  const newer = newerCalls(seccomp, { fallback, isEmpty: named.length === 0 });
  // Arm has calls of its own far above all others; what lies between is as unknown as what lies behind.
  const last = named.findLast((number) => (number & ~x32Bit) < armPrivate) ?? -1;
  let next = 0;
  for (const number of named) {
    if (number > next) add(next, next > last ? newer : fallback);
    add(number, always.get(number) ?? conditions.get(number) ?? fallback);
    next = number + 1;
  }
  add(next, next > last ? newer : fallback);
  return ranges;
}

interface Verdicts {
  /** Numbers of all calls that the policy names, ascending. */
  readonly named: Uint32Array;
  readonly always: ReadonlyMap<number, number>;
  readonly conditional: ReadonlyMap<number, ConditionalVerdict[]>;
}

/** As in libseccomp, a rule that only repeats the default says nothing, and one without conditions wins. */
function verdictsByNumber(mode: Mode, seccomp: Seccomp): Verdicts {
  const named = new Set<number>();
  const always = new Map<number, number>();
  const found = new Map<number, ConditionalVerdict[]>();
  const fallback = defaultVerdict(seccomp);
  for (const rule of seccomp.syscalls ?? []) {
    const value = actionValue(rule.action, rule.errnoRet ?? EPERM);
    const whole = (rule.args ?? []).length === 0;
    for (const name of rule.names) {
      const number = mode.numbers.get(name);
      // Policies name the calls of every CPU; those that this one lacks need no rule.
      if (number === undefined) continue;
      named.add(number);
      if (value === fallback) continue;
      if (!whole) found.set(number, [...(found.get(number) ?? []), ...alternatives(rule, value)]);
      else if (!always.has(number)) always.set(number, value);
    }
  }
  return { named: Uint32Array.from(named).sort(), always, conditional: found };
}

/** All conditions of a rule must hold, but several on the same argument are alternatives (runc's reading). */
function alternatives(rule: SeccompRule, value: number): ConditionalVerdict[] {
  const conditions = rule.args ?? [];
  const isRepeated = new Set(conditions.map((one) => one.index)).size < conditions.length;
  return isRepeated ? conditions.map((one) => ({ conditions: [one], value })) : [{ conditions, value }];
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
