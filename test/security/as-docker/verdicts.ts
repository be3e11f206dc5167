import { i386Numbers } from '../../../src/agent/plan/syscalls-i386.ts';
import { x32Numbers, x64Numbers } from '../../../src/agent/plan/syscalls-x64.ts';
import { audits, runFilter, x32Bit } from '../../agent/plan/bpf-machine.ts';

/** Programs of three CPU modes run on one x86-64 kernel; each has numbers of its own. */
const modes = [
  { name: 'x86-64', audit: audits.x64, base: 0, numbers: x64Numbers },
  { name: 'i386', audit: audits.i386, base: 0, numbers: i386Numbers },
  { name: 'x32', audit: audits.x64, base: x32Bit, numbers: x32Numbers },
] as const;

/** Beyond every number that any kernel has so far. */
const numbersPerMode = 1024;

/** Arguments on which verdicts depend: flags of clone(2), socket families, personalities; what looks like none of them. */
const someArguments = [0n, 1n, 0x11n, 0xffffffffn];
const flags = [7n, 16n, 17n, 25n, 26n, 27n, 28n, 29n, 30n, 31n].map((bit) => (1n << bit) | 17n);
const everyArgument: Readonly<Record<string, readonly bigint[]>> = {
  clone: [...flags, 0n, 17n, 0x7e020011n, 1n << 32n, 1n << 60n],
  socket: [...Array(64).keys()].map(BigInt).concat([1n << 31n, (1n << 32n) + 1n, 0xffffffffn]),
  personality: [0n, 1n, 6n, 8n, 0x20000n, 0x20008n, 0x0040000n, 0x400000n, 0xffffffffn, (1n << 32n) + 8n],
  socketcall: [...Array(21).keys()].map(BigInt),
};

/** Where two filters disagree: what calls, as `mode name(argument)`, and both verdicts. */
export interface Disagreement {
  readonly mode: string;
  /** Of the call; `number N` for one without a name. */
  readonly name: string;
  readonly number: number;
  readonly argument: bigint;
  readonly ours: string;
  readonly theirs: string;
}

/** Every number of every mode, each with the arguments that matter. A filter of undefined allows all. */
export function disagreements(ours: Uint8Array | undefined, theirs: Uint8Array | undefined): Disagreement[] {
  const found: Disagreement[] = [];
  for (const { name: mode, audit, base, numbers } of modes) {
    const names = new Map([...numbers].map(([name, number]) => [number, name]));
    const all = [...Array(numbersPerMode).keys()].map((number) => base + number);
    for (const number of mode === 'x86-64' ? [...all, 0xffffffff] : all) {
      const name = names.get(number) ?? `number ${number - base}`;
      for (const argument of everyArgument[name] ?? someArguments) {
        const call = { audit, number, args: Array<bigint>(6).fill(argument) };
        const [mine, other] = [ours, theirs].map((filter) => (filter ? runFilter(filter, call) : 0x7fff0000));
        if (mine === undefined || other === undefined || mine === other) continue;
        found.push({ mode, name, number: number - base, argument, ours: wordOf(mine), theirs: wordOf(other) });
      }
    }
  }
  return found;
}

function wordOf(verdict: number): string {
  const words: Readonly<Record<number, string>> = {
    2147418112: 'allowed',
    327681: 'EPERM',
    327718: 'ENOSYS',
    0: 'kills',
  };
  return words[verdict] ?? `0x${verdict.toString(16)}`;
}
