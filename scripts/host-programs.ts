import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from './programs.ts';

const exec = promisify(execFile);

/** Programs of this machine with everything that they need to run in an otherwise empty root file system. */
export interface Programs {
  /** What they are, for people. */
  readonly origin: string;
  readonly files: readonly {
    readonly name: string;
    readonly content?: Buffer;
    readonly link?: string;
    readonly mode?: number;
  }[];
}

/**
 * A static busybox where the machine has one; else Node, the shell and a few small programs with their shared libraries.
 * @throws when the machine has no shell, or no way to find out what a program needs.
 */
export async function hostPrograms(): Promise<Programs> {
  return (await staticBusybox()) ?? (await ownPrograms());
}

const searched = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];

async function staticBusybox(): Promise<Programs | undefined> {
  for (const directory of searched) {
    const path = join(directory, 'busybox');
    const content = await readFile(path).catch(() => undefined);
    if (!content || !isElf(content) || interpreterOf(content) !== undefined) continue;
    const { stdout } = await exec(path, ['--list']);
    const applets = stdout.split('\n').filter((name) => /^[\w.[-]+$/.test(name) && name !== 'busybox');
    return {
      origin: 'busybox',
      files: [
        { name: 'bin/busybox', content, mode: 0o755 },
        ...applets.map((name) => ({ name: `bin/${name}`, link: 'busybox' })),
      ],
    };
  }
  return undefined;
}

const wanted = [
  ...[
    'cat',
    'chmod',
    'cp',
    'date',
    'df',
    'du',
    'echo',
    'env',
    'false',
    'find',
    'grep',
    'head',
    'hostname',
    'id',
    'kill',
  ],
  ...['ln', 'ls', 'mkdir', 'mount', 'mv', 'ps', 'pwd', 'rm', 'sed', 'sh', 'sleep', 'sort', 'stat', 'tail', 'touch'],
  ...['true', 'uname', 'wc'],
];

/** Exported for its test: a machine with busybox never gets here. */
export async function ownPrograms(): Promise<Programs> {
  const files = new Map<string, { name: string; content: Buffer; mode: number }>();
  const add = async (name: string, path: string): Promise<void> => {
    if (files.has(name)) return;
    const content = await readFile(path);
    files.set(name, { name, content, mode: 0o755 });
    const interpreter = interpreterOf(content);
    if (interpreter === undefined) return;
    for (const library of [interpreter, ...(await librariesOf(path, interpreter))]) {
      await add(library.replace(/^\/+/, ''), library);
    }
  };
  for (const program of wanted) {
    const path = findProgram(program, searched);
    if (path) await add(`bin/${program}`, await realpath(path));
    else if (program === 'sh') throw new Error('this machine has no sh: no starter image can be made');
  }
  await add('usr/bin/node', process.execPath);
  return { origin: "the host's own node, sh and coreutils", files: [...files.values()] };
}

/** Asks the program's own dynamic loader, as ldd(1) does; glibc and musl both understand `--list`. */
async function librariesOf(path: string, interpreter: string): Promise<string[]> {
  const { stdout } = await exec(interpreter, ['--list', path]);
  return stdout.split('\n').flatMap((line) => /=> (\/\S+) \(/.exec(line)?.[1] ?? []);
}

/** 64-bit and little-endian, as both of our processors are. */
const isElf = (file: Buffer): boolean => file.length >= 64 && file.readUInt32BE(0) === 0x7f_45_4c_46 && file[4] === 2;

/** The dynamic loader that a 64-bit little-endian ELF file asks for (elf(5), PT_INTERP); undefined when it is static. */
function interpreterOf(elf: Buffer): string | undefined {
  if (!isElf(elf)) return undefined;
  const table = Number(elf.readBigUInt64LE(0x20));
  const size = elf.readUInt16LE(0x36);
  const count = elf.readUInt16LE(0x38);
  for (let entry = 0; entry < count; entry++) {
    const at = table + entry * size;
    if (at + 0x28 > elf.length || elf.readUInt32LE(at) !== 3) continue;
    const offset = Number(elf.readBigUInt64LE(at + 0x08));
    const length = Number(elf.readBigUInt64LE(at + 0x20));
    return elf.toString('utf8', offset, offset + length - 1);
  }
  return undefined;
}
