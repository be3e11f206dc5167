import assert from 'node:assert/strict';

/** A system call as the kernel shows it to a filter. */
export interface Call {
  readonly audit: number;
  readonly number: number;
  readonly args?: readonly bigint[];
}

/** Runs a seccomp filter as the kernel does and returns its verdict. Fails on anything that the kernel would refuse. */
export function runFilter(filter: Uint8Array, call: Call): number {
  const data = dataOf(call);
  const view = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const count = filter.length / 8;
  assert.ok(count > 0 && count <= 4096);
  let accumulator = 0;
  let scratch = 0;
  const memory = new Uint32Array(16);
  for (let at = 0; at < count; ) {
    const [code, jt, jf, k] = [
      view.getUint16(at * 8, true),
      view.getUint8(at * 8 + 2),
      view.getUint8(at * 8 + 3),
      view.getUint32(at * 8 + 4, true),
    ];
    at += 1;
    switch (code) {
      case 0x20:
        assert.ok(k % 4 === 0 && k < 64, 'seccomp loads whole words of seccomp_data only');
        accumulator = data.getUint32(k, true);
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      // Only libseccomp's programs keep words: BPF_ST, BPF_LD|BPF_MEM, BPF_MISC|BPF_TAX and BPF_TXA.
      case 0x02:
        memory[k] = accumulator;
        break;
      case 0x60:
        accumulator = memory[k] ?? 0;
        break;
      case 0x07:
        scratch = accumulator;
        break;
      case 0x87:
        accumulator = scratch;
        break;
      case 0x05:
        at += k;
        break;
      case 0x15:
        at += accumulator === k ? jt : jf;
        break;
      case 0x25:
        at += accumulator > k ? jt : jf;
        break;
      case 0x35:
        at += accumulator >= k ? jt : jf;
        break;
      case 0x45:
        at += (accumulator & k) !== 0 ? jt : jf;
        break;
      case 0x06:
        return k;
      default:
        assert.fail(`instruction ${at - 1} has the unknown code 0x${code.toString(16)}`);
    }
  }
  assert.fail('the program ran past its end');
}

/** struct seccomp_data */
function dataOf({ audit, number, args = [] }: Call): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, number, true);
  view.setUint32(4, audit, true);
  for (const [index, value] of args.entries()) view.setBigUint64(16 + 8 * index, BigInt.asUintN(64, value), true);
  return view;
}

export const audits = { x64: 0xc000003e, i386: 0x40000003, arm64: 0xc00000b7, arm: 0x40000028 } as const;
export const x32Bit = 0x40000000;
export const verdicts = { allow: 0x7fff0000, kill: 0, eperm: 0x00050001, enosys: 0x00050026 } as const;
