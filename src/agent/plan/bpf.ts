/**
 * Classic BPF as seccomp(2) runs it: instructions of struct sock_filter over struct seccomp_data, in which the call's
 * number is at 0, the CPU at 4 and argument n at 16 + 8n, all little-endian. Codes are from linux/bpf_common.h.
 */
export interface Instruction {
  readonly code: number;
  /** How many instructions to skip when the test holds, and when it does not. At most 255. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export const codes = {
  load: 0x20, // BPF_LD | BPF_W | BPF_ABS
  and: 0x54, // BPF_ALU | BPF_AND | BPF_K
  jump: 0x05, // BPF_JMP | BPF_JA
  jumpEqual: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  jumpGreater: 0x25, // BPF_JMP | BPF_JGT | BPF_K
  jumpAtLeast: 0x35, // BPF_JMP | BPF_JGE | BPF_K
  result: 0x06, // BPF_RET | BPF_K
} as const;

export const offsets = { number: 0, architecture: 4, argument: (index: number) => 16 + 8 * index } as const;

/** seccomp(2) takes at most BPF_MAXINSNS. */
export const mostInstructions = 4096;
const farthestJump = 255;

export const load = (offset: number): Instruction => ({ code: codes.load, jt: 0, jf: 0, k: offset });
export const and = (mask: number): Instruction => ({ code: codes.and, jt: 0, jf: 0, k: mask >>> 0 });
export const result = (value: number): Instruction => ({ code: codes.result, jt: 0, jf: 0, k: value >>> 0 });
export const test = (code: number, k: number, jumps: { jt: number; jf: number }): Instruction => ({
  code,
  k: k >>> 0,
  ...jumps,
});

/**
 * A program written from its end to its start: jumps of classic BPF only lead forward, so every target is known by the
 * time its jump is written, and nothing is ever moved.
 */
export class BackwardProgram {
  readonly #reversed: Instruction[] = [];

  get length(): number {
    return this.#reversed.length;
  }

  /** Puts instructions, given in their order, in front of what is there. */
  prepend(instructions: readonly Instruction[]): void {
    for (let index = instructions.length - 1; index >= 0; index--) {
      const one = instructions[index];
      if (one !== undefined) this.#reversed.push(one);
    }
  }

  /** Puts a test in front of two branches, each of which must end in a result. */
  choose(code: number, k: number, branches: { readonly holds: () => void; readonly otherwise: () => void }): void {
    branches.holds();
    const before = this.length;
    branches.otherwise();
    const skipped = this.length - before;
    if (skipped <= farthestJump) {
      this.#reversed.push(test(code, k, { jt: skipped, jf: 0 }));
      return;
    }
    // A conditional jump reaches 255 instructions, the unconditional one everywhere.
    this.#reversed.push({ code: codes.jump, jt: 0, jf: 0, k: skipped }, test(code, k, { jt: 0, jf: 1 }));
  }

  instructions(): Instruction[] {
    return this.#reversed.toReversed();
  }
}

/** struct sock_filter[], little-endian. */
export function encodeFilter(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, one] of instructions.entries()) {
    view.setUint16(index * 8, one.code, true);
    view.setUint8(index * 8 + 2, one.jt);
    view.setUint8(index * 8 + 3, one.jf);
    view.setUint32(index * 8 + 4, one.k, true);
  }
  return bytes;
}
