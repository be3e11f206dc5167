import { type ArgumentType, operationTable } from '../src/agent/plan/operations.ts';

/** C type of each argument type; `struct bytes`, `struct texts` and the `take_` functions are in wire.h. */
const cTypes: Record<ArgumentType, string> = {
  u32: 'u32 ',
  u64: 'u64 ',
  text: 'const char *',
  bytes: 'struct bytes ',
  texts: 'struct texts ',
  list: 'struct bytes ',
};

/**
 * The text of operations.h: for each operation of the table its code, a struct of its arguments and a function that
 * decodes them. Arguments that an older agent did not send decode as zero or empty.
 */
export function shimHeader(): string {
  const names = Object.entries(operationTable);
  const lines = [
    '/* Made by scripts/shim-header.ts from src/agent/plan/operations.ts. Do not edit. */',
    '#pragma once',
  ];
  lines.push('#include "wire.h"', '', 'enum operation_code {');
  for (const [name, { code }] of names) lines.push(`  OP_${name} = ${code},`);
  lines.push('};', '');
  for (const [name, { args }] of names) {
    const fields = Object.entries(args);
    if (fields.length === 0) continue;
    lines.push(`struct op_${name} {`);
    for (const [field, type] of fields) lines.push(`  ${cTypes[type]}${field};`);
    lines.push('};', `static inline struct op_${name} decode_${name}(struct cursor *in) {`, `  struct op_${name} op;`);
    for (const [field, type] of fields) lines.push(`  op.${field} = take_${type === 'list' ? 'bytes' : type}(in);`);
    lines.push('  return op;', '}', '');
  }
  return `${lines.join('\n')}\n`;
}
