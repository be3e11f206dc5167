import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { shimHeader } from './shim-header.ts';

type Cpu = 'x64' | 'arm64';

const sources = fileURLToPath(new URL('../src/agent/shim/', import.meta.url));

/** GNU names of the CPUs, as cross compilers carry them. */
const gnuNames: Record<Cpu, string> = { x64: 'x86_64', arm64: 'aarch64' };

/** No C library and no start files: any compiler that makes code for the CPU will do. */
const flags = [
  ...[
    '-std=gnu11',
    '-Os',
    '-static',
    '-nostdlib',
    '-ffreestanding',
    '-fno-pic',
    '-fno-builtin',
    '-fno-stack-protector',
  ],
  ...[
    '-fno-asynchronous-unwind-tables',
    '-fno-tree-loop-distribute-patterns',
    '-fomit-frame-pointer',
    '-fno-strict-aliasing',
  ],
  ...['-Wall', '-Wextra', '-Werror'],
  ...[
    '-Wl,--build-id=none',
    '-Wl,-z,noexecstack',
    '-Wl,-z,norelro',
    '-Wl,-z,noseparate-code',
    '-Wl,--gc-sections',
    '-ffunction-sections',
    '-s',
  ],
];

/**
 * Compiles the shim for this machine's CPU and, where a cross compiler is installed, for the other one.
 * @returns the paths of what was built: OUTDIR/shim-linux-x64, OUTDIR/shim-linux-arm64.
 */
export function buildShim({ outDir }: { outDir: string }): string[] {
  const host = arch();
  if (host !== 'x64' && host !== 'arm64') throw new Error(`the shim is made for x64 and arm64, not for ${host}`);
  const other: Cpu = host === 'x64' ? 'arm64' : 'x64';
  const native = findCompiler();
  if (!native) throw new Error('no C compiler found: install gcc or clang (or name one in CC) to build the shim');
  const built = [compile([native], host, outDir)];
  const crossed = cross(other);
  if (crossed) built.push(compile(crossed, other, outDir));
  return built;
}

/** A C compiler for this machine's CPU; `CC` names another one. */
export function findCompiler(): string | undefined {
  return [process.env['CC'] ?? '', 'cc', 'gcc', 'clang'].filter((name) => name !== '').find(works);
}

function cross(cpu: Cpu): string[] | undefined {
  const gcc = `${gnuNames[cpu]}-linux-gnu-gcc`;
  if (works(gcc)) return [gcc];
  if (works('clang')) return ['clang', `--target=${gnuNames[cpu]}-linux-gnu`, '-fuse-ld=lld'];
  return undefined;
}

/** arm64 uses the kernel's generic numbers, except for four flags of open(2) (its asm/fcntl.h). */
const arm64Headers: Record<string, string> = {
  'unistd.h': '#define __ARCH_WANT_RENAMEAT\n#define __ARCH_WANT_SYS_CLONE3\n#define __ARCH_WANT_NEW_STAT\n',
  'fcntl.h':
    '#define O_DIRECTORY 040000\n#define O_NOFOLLOW 0100000\n#define O_DIRECT 0200000\n#define O_LARGEFILE 0400000\n',
  'bitsperlong.h': '#define __BITS_PER_LONG 64\n',
  ...Object.fromEntries(
    ['types.h', 'posix_types.h', 'ioctl.h', 'ioctls.h', 'errno.h', 'socket.h'].map((name) => [name, '']),
  ),
};

/**
 * A cross compiler often comes without the kernel's headers for its CPU. The generic ones of this machine then do,
 * behind an asm/ folder of our own.
 */
function genericHeaders(compiler: readonly string[], cpu: Cpu, scratch: string): string[] {
  const [command = 'cc', ...first] = compiler;
  const probe = spawnSync(command, [...first, '-ffreestanding', '-E', '-'], { input: '#include <asm/unistd.h>\n' });
  if (cpu !== 'arm64' || arch() === 'arm64' || (probe.status === 0 && !command.startsWith('clang'))) return [];
  mkdirSync(join(scratch, 'asm'));
  for (const [name, text] of Object.entries(arm64Headers)) {
    writeFileSync(join(scratch, 'asm', name), `${text}#include <asm-generic/${name}>\n`);
  }
  symlinkSync('/usr/include/linux', join(scratch, 'linux'));
  symlinkSync('/usr/include/asm-generic', join(scratch, 'asm-generic'));
  return ['-nostdinc'];
}

function works(compiler: string): boolean {
  return spawnSync(compiler, ['--version'], { stdio: 'ignore' }).status === 0;
}

function compile(compiler: readonly string[], cpu: Cpu, outDir: string): string {
  mkdirSync(outDir, { recursive: true });
  const scratch = mkdtempSync(join(outDir, '.shim-'));
  try {
    writeFileSync(join(scratch, 'operations.h'), shimHeader());
    const files = readdirSync(sources).filter((name) => name.endsWith('.c'));
    const made = join(scratch, 'shim');
    const [command = 'cc', ...first] = compiler;
    const paths = files.map((name) => join(sources, name));
    const headers = [...genericHeaders(compiler, cpu, scratch), `-I${scratch}`, `-I${sources}`];
    const run = spawnSync(command, [...first, ...flags, ...headers, '-o', made, ...paths], { encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`${command} could not compile the shim for ${cpu}:\n${run.stderr}`);
    const target = join(outDir, `shim-linux-${cpu}`);
    renameSync(made, target);
    return target;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const path of buildShim({ outDir: fileURLToPath(new URL('../dist/agent/', import.meta.url)) }))
    console.log(path);
}
