import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Makes the tables of system call numbers, src/agent/plan/syscalls-*.ts, from the kernel's own headers, through the C
 * preprocessor. Run it again when a new kernel brings new calls. The headers of the other CPUs are Debian's
 * linux-libc-dev-arm64-cross and linux-libc-dev-armhf-cross:
 *
 *   npx tsx scripts/syscall-table.ts X86_INCLUDE ARM64_INCLUDE ARM_INCLUDE
 */
const [
  x86 = '/usr/include/x86_64-linux-gnu',
  arm64 = '/usr/aarch64-linux-gnu/include',
  arm = '/usr/arm-linux-gnueabihf/include',
] = process.argv.slice(2);
const target = join(import.meta.dirname, '../src/agent/plan');

/** Calls that may be newer than the headers. Since Linux 5.1 a new call has the same number on every CPU. */
const newer: Readonly<Record<string, number>> = {
  cachestat: 451,
  fchmodat2: 452,
  map_shadow_stack: 453,
  futex_wake: 454,
  futex_wait: 455,
  futex_requeue: 456,
  statmount: 457,
  listmount: 458,
  lsm_get_self_attr: 459,
  lsm_set_self_attr: 460,
  lsm_list_modules: 461,
  mseal: 462,
  setxattrat: 463,
  getxattrat: 464,
  listxattrat: 465,
  removexattrat: 466,
  open_tree_attr: 467,
  file_getattr: 468,
  file_setattr: 469,
};

type Numbers = Map<string, number>;

/** Every __NR_name of a header as the preprocessor sees it, sums and references between names resolved. */
function numbersOf(include: string, options: { header: string; defines?: readonly string[] }): Numbers {
  const defines = (options.defines ?? []).map((one) => `-D${one}`);
  const text = execFileSync('cc', ['-E', '-dM', '-undef', '-nostdinc', `-I${include}`, ...defines, '-'], {
    input: `#include <${options.header}>\n`,
    encoding: 'utf8',
  });
  const macros = new Map([...text.matchAll(/^#define (\w+) (.+)$/gm)].map((match) => [match[1] ?? '', match[2] ?? '']));
  const resolve = (expression: string): number =>
    expression
      .replace(/[()]/g, '')
      .split('+')
      .map((term) => term.trim())
      .reduce((sum, term) => sum + (macros.has(term) ? resolve(macros.get(term) ?? '') : Number(term)), 0);
  const found: Numbers = new Map();
  for (const [macro, expression] of macros) {
    const name = /^__(?:NR|ARM_NR)_([a-z_]\w*)$/.exec(macro)?.[1];
    const value = resolve(expression);
    if (name !== undefined && !notCalls.has(name) && Number.isInteger(value)) found.set(name, value);
  }
  return found;
}

const notCalls = new Set(['syscalls', 'arch_specific_syscall']);

function table(name: string, numbers: Numbers, extra: Readonly<Record<string, number>> = {}): string {
  const all = new Map([...numbers, ...Object.entries(extra)]);
  const words = [...all].sort((a, b) => a[1] - b[1]).map(([call, value]) => `${call}=${value}`);
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 116) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`  ${word}`);
  }
  return `export const ${name}: ReadonlyMap<string, number> = parseNumbers(\`\n${lines.join('\n')}\n\`);\n`;
}

async function write(file: string, ...tables: string[]): Promise<void> {
  const head =
    "// Made by scripts/syscall-table.ts from the kernel's headers. Do not edit.\nimport { parseNumbers } from './syscall-numbers.ts';\n";
  await writeFile(join(target, file), [head, ...tables].join('\n'));
}

const x32Bit = 0x40000000;
const newerOnX32 = Object.fromEntries(Object.entries(newer).map(([name, value]) => [name, x32Bit + value]));

await write(
  'syscalls-x64.ts',
  table('x64Numbers', numbersOf(x86, { header: 'asm/unistd_64.h' }), { ...newer, uretprobe: 335 }),
  table(
    'x32Numbers',
    numbersOf(x86, { header: 'asm/unistd_x32.h', defines: [`__X32_SYSCALL_BIT=${x32Bit}`] }),
    newerOnX32,
  ),
);
await write('syscalls-i386.ts', table('i386Numbers', numbersOf(x86, { header: 'asm/unistd_32.h' }), newer));
await write(
  'syscalls-arm64.ts',
  table('arm64Numbers', numbersOf(arm64, { header: 'asm/unistd.h', defines: ['__aarch64__', '__LP64__'] }), newer),
);
await write(
  'syscalls-arm.ts',
  table('armNumbers', numbersOf(arm, { header: 'asm/unistd.h', defines: ['__arm__', '__ARM_EABI__'] }), newer),
);
