import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Show the output only when the command fails. */
  readonly quiet?: boolean;
}

/** Runs a command to its end; rejects with its output when it does not end with 0. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, output } = await attempt(command, args, options);
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${code}\n${output}`.trimEnd());
  return output;
}

/** Runs a command to its end and tells how it ended. Output is both streams as they came. */
export async function attempt(
  command: string,
  args: readonly string[],
  { cwd, env, quiet = false }: RunOptions = {},
): Promise<{ code: number; output: string }> {
  const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  for (const [stream, sink] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (!quiet) sink.write(chunk);
    });
  }
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve(status ?? (signal ? 128 : 1)));
  });
  return { code, output: Buffer.concat(chunks).toString() };
}

/** A long-running process of ours. */
export interface Running {
  readonly pid: number;
  /** Both streams so far, the newest 64 KiB. */
  output(): string;
  /** Resolves with how it ended. */
  readonly ended: Promise<string>;
  /** How it ended; undefined while it runs. */
  end(): string | undefined;
  /** TERM to its process group, KILL after the grace; resolves when it is gone. */
  stop(graceMs?: number): Promise<void>;
}

/** Starts a process in its own group, so that what it starts ends with it. */
export function start(command: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-65_536);
    });
  }
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  let end: string | undefined;
  void ended.then((how) => {
    end = how;
  });
  const { pid = 0 } = child;
  return {
    pid,
    output: () => tail,
    ended,
    end: () => end,
    stop: async (graceMs = 5_000) => {
      if (pid === 0) return;
      if (!hasEnded(child)) {
        signalGroup(pid, 'SIGTERM');
        const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
        if (!hasEnded(child)) await once(child, 'exit');
        clearTimeout(timer);
      }
      // Whatever the leader left behind in its group.
      signalGroup(pid, 'SIGKILL');
    },
  };
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone, which is what was wanted.
  }
}

/** A TCP port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Asks again and again until the answer is true; rejects with `what` after the deadline. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  { timeoutMs = 30_000, everyMs = 50 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Asks what was started until it answers; rejects with what it said when it ends first. */
export async function untilAnswers(name: string, running: Running, answers: () => Promise<boolean>): Promise<void> {
  await until(`${name} answers`, async () => {
    const end = running.end();
    if (end !== undefined) throw new Error(`${name} ended early (${end})\n${running.output()}`.trimEnd());
    return answers();
  });
}
