import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { pack } from 'tar-stream';
import { which } from '../support/tools.ts';

/** What a command line did. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: Buffer | string;
  /** Run it on a pseudoterminal. */
  readonly terminal?: boolean;
  readonly timeoutMs?: number;
  /** Where it runs: relative paths of `docker cp` and of bind mounts begin here. */
  readonly cwd?: string;
}

/** An engine as the `docker` command sees it. */
export interface Engine {
  readonly name: 'porthole' | 'dockerd';
  readonly host: string;
}

/** The path of an engine's unix socket. */
export const socketOf = (engine: Engine): string => engine.host.replace(/^unix:\/\//, '');

/** Both engines are asked in the API version of the older one, so that the command asks the same of both. */
const apiVersion = '1.41';

/** Runs `docker ARGS` against an engine. */
export function docker(engine: Engine, args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  return command(['docker', ...args], { ...options, engine });
}

/** Runs a program; a `docker` in it talks to the engine. */
export function command(
  line: readonly string[],
  { engine, input, terminal, cwd, timeoutMs = 60_000 }: CommandOptions & { readonly engine: Engine },
): Promise<Outcome> {
  const [program = '', ...rest] = terminal
    ? ['script', '--quiet', '--return', '--echo', 'never', '--command', line.map(quoted).join(' '), '/dev/null']
    : line;
  const child = spawn(program, rest, {
    env: {
      ...process.env,
      ...{ DOCKER_HOST: engine.host, DOCKER_API_VERSION: apiVersion, DOCKER_CLI_HINTS: 'false', DOCKER_BUILDKIT: '0' },
      ...{ LC_ALL: 'C', TERM: 'dumb', NO_COLOR: '1', TZ: 'UTC' },
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  });
  child.stdin.on('error', () => undefined); // A command that does not read its input may end first.
  child.stdin.end(input ?? '');
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL') {
        reject(new Error(`${line.join(' ')} did not end within ${timeoutMs / 1000} s on ${engine.name}`));
        return;
      }
      resolve({
        code: code ?? 128,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Makes an image of the static busybox. @param name for example 'bb:latest' */
export async function importBusybox(engine: Engine, name: string): Promise<void> {
  const { code, stderr } = await docker(engine, ['import', '-', name], { input: await busyboxTar() });
  if (code !== 0) throw new Error(`docker import of busybox ended with ${code}: ${stderr}`);
}

/** A root file system of a static busybox with its applets, as a tar: what `docker import` takes. */
export async function busyboxTar(): Promise<Buffer> {
  const busybox = which('busybox');
  if (busybox === undefined) throw new Error('busybox is missing (Debian: apt-get install busybox-static)');
  const { stdout } = await promisify(execFile)(busybox, ['--list']);
  const tar = pack();
  const at = { mtime: new Date(1_700_000_000_000) };
  for (const dir of ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'var']) {
    tar.entry({ name: `${dir}/`, type: 'directory', mode: dir === 'tmp' ? 0o1777 : 0o755, ...at });
  }
  tar.entry({ name: 'bin/busybox', mode: 0o755, ...at }, await readFile(busybox));
  for (const applet of stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')) {
    tar.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox', ...at });
  }
  tar.entry({ name: 'etc/passwd', ...at }, 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n');
  tar.entry({ name: 'etc/group', ...at }, 'root:x:0:\nuser:x:1000:\nstaff:x:50:user\n');
  tar.entry({ name: 'etc/motd', ...at }, 'one\ntwo\n');
  tar.entry({ name: 'etc/notx', mode: 0o644, ...at }, 'no program\n');
  tar.finalize();
  return buffer(tar);
}
