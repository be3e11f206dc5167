import assert from 'node:assert/strict';
import {
  type ArgumentType,
  type Operation,
  type OperationName,
  operationTable,
  steps,
} from '../../../src/agent/plan/operations.ts';
import { encodeInPieces, encodeOperations } from '../../../src/agent/shim/encode.ts';
import { why } from './rig.ts';

interface Decoded {
  readonly code: number;
  readonly tolerate: readonly number[];
  readonly id: number;
  readonly values: readonly unknown[];
}

/** The format read by the book, as the C side does. */
function decode(data: Buffer): Decoded[] {
  const found: Decoded[] = [];
  for (let at = 0; at < data.length; ) {
    const code = data.readUInt16LE(at);
    const size = data.readUInt32LE(at + 8);
    const args = Object.entries(operationTable).find(([, row]) => row.code === code)?.[1].args;
    assert.ok(args, `code ${code}`);
    const body = new Body(data.subarray(at + 12, at + 12 + size));
    const values = Object.values<ArgumentType>(args).map((type) => body.take(type));
    assert.equal(body.left, 0);
    found.push({
      code,
      tolerate: [data.readUInt8(at + 2), data.readUInt8(at + 3)],
      id: data.readUInt32LE(at + 4),
      values,
    });
    at += 12 + size;
  }
  return found;
}

class Body {
  #at = 0;
  readonly #data: Buffer;

  constructor(data: Buffer) {
    this.#data = data;
  }

  get left(): number {
    return this.#data.length - this.#at;
  }

  take(type: ArgumentType): unknown {
    const size = type === 'u64' ? 8 : 4;
    this.#at += size;
    if (type === 'u64') return this.#data.readBigUInt64LE(this.#at - 8);
    const number = this.#data.readUInt32LE(this.#at - 4);
    if (type === 'u32') return number;
    if (type === 'texts') return Array.from({ length: number }, () => this.take('text'));
    const bytes = this.#data.subarray(this.#at, this.#at + number);
    this.#at += number;
    if (type === 'bytes') return bytes;
    if (type === 'list') return decode(bytes);
    assert.equal(this.#data[this.#at++], 0, 'a text has a NUL behind it');
    return bytes.toString();
  }
}

const samples: Record<Exclude<ArgumentType, 'list'>, unknown> = {
  u32: 0xfffffffe,
  u64: 0xfedcba9876543210n,
  text: 'späť/中文',
  bytes: Buffer.from([0, 1, 0, 255]),
  texts: ['a', '', 'b c', '中'],
};

/** One operation of every name, each argument with a value that shows order, sign and length. */
function everyOperation(): Operation[] {
  return Object.entries(operationTable).map(([op, { args }]) => {
    const values = Object.entries<ArgumentType>(args).map(([name, type]) => [
      name,
      type === 'list' ? [] : samples[type],
    ]);
    const made: unknown = { op, why, ...Object.fromEntries(values) };
    assert.ok(isOperation(made));
    return made;
  });
}

function isOperation(value: unknown): value is Operation {
  return (
    typeof value === 'object' &&
    value !== null &&
    'op' in value &&
    Object.keys(operationTable).includes(String(value.op))
  );
}

describe('the codec of operations', () => {
  it('carries every operation and every type of argument', () => {
    const operations = everyOperation();
    const decoded = decode(encodeOperations(operations));
    assert.equal(decoded.length, Object.keys(operationTable).length);
    for (const [i, operation] of operations.entries()) {
      const { op, why: _, tolerate: __, ...args } = operation;
      const name: OperationName = op;
      assert.equal(decoded[i]?.code, operationTable[name].code);
      assert.deepEqual(decoded[i]?.values, Object.values(args), name);
    }
  });

  it('numbers nested operations as steps() does', () => {
    const umask = (mask: number): Operation => ({ op: 'umask', mask, why });
    const operations: Operation[] = [
      umask(0),
      { op: 'spawn', flags: 1n, terminal: 0, stdin: 0, child: [umask(2), umask(3)], after: [umask(4)], why },
      umask(5),
    ];
    const [, spawn, last] = decode(encodeOperations(operations));
    const lists = spawn?.values.filter(Array.isArray).flat() ?? [];
    assert.deepEqual([spawn?.id, ...lists.map(({ id }) => id), last?.id], [1, 2, 3, 4, 5]);
    for (const step of steps({ operations })) {
      if (step.operation.op === 'umask') assert.equal(step.operation.mask, step.id);
    }
  });

  it('carries up to two tolerated errors', () => {
    const [one] = decode(encodeOperations([{ op: 'setsid', tolerate: ['EPERM', 'EOPNOTSUPP'], why }]));
    assert.deepEqual(one?.tolerate, [1, 95]);
  });

  it('has negative seconds as two’s complement', () => {
    const [one] = decode(encodeOperations([{ op: 'utimens', path: '/', seconds: -1n, nanoseconds: 0, why }]));
    assert.equal(one?.values[1], 0xffffffffffffffffn);
  });

  it('refuses a text with a NUL inside', () => {
    assert.throws(() => encodeOperations([{ op: 'unlink', path: 'a\0b', why }]), /NUL.*"a\\u0000b"/);
  });

  it('cuts a long append in pieces of one id', () => {
    const data = Buffer.alloc(250, 7);
    const touch: Operation = { op: 'touch', path: 'x', mode: 0, why };
    const pieces = [...encodeInPieces([touch, { op: 'append', data, why }, touch], 100)].flatMap((piece) =>
      decode(Buffer.concat(piece)),
    );
    assert.deepEqual(
      pieces.map(({ id }) => id),
      [0, 1, 1, 1, 2],
    );
    assert.equal(
      Buffer.concat(pieces.slice(1, 4).map(({ values: [part] }) => Buffer.from(part instanceof Buffer ? part : [])))
        .length,
      250,
    );
  });
});
