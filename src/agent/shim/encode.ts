import { type ArgumentType, type Operation, operationTable } from '../plan/operations.ts';
import { bytesOf } from '../sys/names.ts';
import { errnoNumber } from './errno.ts';

/**
 * Operations as the shim reads them (its end: wire.h). Each is
 * `{ u16 code, u8 tolerated errno, u8 another, u32 id, u32 size }` and `size` bytes of arguments in the order of the
 * table. u32 and u64 are little endian, text is { u32 size, bytes, NUL }, bytes { u32 size, bytes }, texts
 * { u32 count, text... }, list { u32 size, operations }. Ids count in preorder, as `steps` does.
 */
export function encodeOperations(operations: readonly Operation[]): Buffer {
  const out = new Writer();
  writeOperations(out, operations, { next: 0 });
  return out.take();
}

/** From this size on, the data of an `append` is sent as it is, without a copy. */
const worthNoCopy = 16384;

/**
 * As `encodeOperations`, in pieces of about `limit` bytes, each a list of buffers. A longer `append` becomes several with
 * one id.
 */
export function* encodeInPieces(operations: readonly Operation[], limit: number): Generator<Buffer[]> {
  const out = new Writer();
  const ids = { next: 0 };
  for (const operation of operations) {
    if (operation.op === 'append' && operation.data.length >= Math.min(worthNoCopy, limit)) {
      const id = ids.next++;
      for (let at = 0; at < operation.data.length; at += limit) {
        const data = operation.data.subarray(at, at + limit);
        writeOperations(out, [{ ...operation, data: new Uint8Array(0) }], { next: id });
        out.enlargeLast(data.length);
        yield [out.take(), Buffer.from(data.buffer, data.byteOffset, data.length)];
      }
    } else writeOperations(out, [operation], ids);
    if (out.size >= limit) yield [out.take()];
  }
  if (out.size > 0) yield [out.take()];
}

function writeOperations(out: Writer, operations: readonly Operation[], ids: { next: number }): void {
  for (const operation of operations) {
    const { code, args } = operationTable[operation.op];
    const [first, second] = operation.tolerate ?? [];
    out.u16(code);
    out.u8(first ? errnoNumber(first) : 0);
    out.u8(second ? errnoNumber(second) : 0);
    out.u32(ids.next++);
    const values: Readonly<Record<string, unknown>> = { ...operation };
    out.sized(() => {
      for (const [name, type] of Object.entries<ArgumentType>(args)) writeArgument(out, type, values[name], ids);
    });
  }
}

function writeArgument(out: Writer, type: ArgumentType, value: unknown, ids: { next: number }): void {
  if (type === 'u32' && typeof value === 'number') out.u32(value);
  else if (type === 'u64' && typeof value === 'bigint') out.u64(value);
  else if (type === 'text' && typeof value === 'string') out.text(value);
  else if (type === 'bytes' && value instanceof Uint8Array) out.bytes(value);
  else if (type === 'texts' && Array.isArray(value)) {
    out.u32(value.length);
    for (const text of value) out.text(String(text));
  } else if (type === 'list' && Array.isArray(value)) out.sized(() => writeOperations(out, value, ids));
  else throw new TypeError(`an argument of type ${type} cannot be ${typeof value}`);
}

const isAscii = /^[ -~]*$/;

class Writer {
  #buffer = Buffer.allocUnsafe(1024);
  size = 0;

  u8(value: number): void {
    this.#room(1)[this.size++] = value;
  }

  u16(value: number): void {
    this.size = this.#room(2).writeUInt16LE(value, this.size);
  }

  u32(value: number): void {
    this.size = this.#room(4).writeUInt32LE(value >>> 0, this.size);
  }

  u64(value: bigint): void {
    this.size = this.#room(8).writeBigUInt64LE(BigInt.asUintN(64, value), this.size);
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.#room(value.length).set(value, this.size);
    this.size += value.length;
  }

  text(value: string): void {
    // A NUL would silently end the text for the kernel: a path that means something else.
    if (value.includes('\0')) throw new RangeError(`a text for the kernel cannot hold NUL: ${JSON.stringify(value)}`);
    if (!isAscii.test(value)) this.bytes(bytesOf(value));
    else {
      // Nearly all texts: no bytes are made of them first.
      this.u32(value.length);
      this.size += this.#room(value.length).write(value, this.size, 'latin1');
    }
    this.u8(0);
  }

  /** Writes what `body` writes behind its size. */
  sized(body: () => void): void {
    const at = this.size;
    this.u32(0);
    body();
    this.#buffer.writeUInt32LE(this.size - at - 4, at);
  }

  /** The `append` written last has no data yet: `size` bytes of it will follow. */
  enlargeLast(size: number): void {
    this.#buffer.writeUInt32LE(size + 4, this.size - 8);
    this.#buffer.writeUInt32LE(size, this.size - 4);
  }

  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.size);
    this.#buffer = Buffer.allocUnsafe(1024);
    this.size = 0;
    return taken;
  }

  #room(size: number): Buffer {
    if (this.size + size > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.size + size));
      this.#buffer.copy(larger, 0, 0, this.size);
      this.#buffer = larger;
    }
    return this.#buffer;
  }
}
