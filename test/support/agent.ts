import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
/** For node's --import: by address, because the working directory of what is started may be elsewhere. */
export const typescriptLoader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const shim = join(checkout, `dist/agent/shim-linux-${process.arch}`);

export interface AgentOptions {
  /** Environment of the agent beside this process's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Options of `serve` beside the roots. */
  readonly flags?: readonly string[];
}

/** A real agent, run from the sources on temporary roots. */
export interface RunningAgent {
  /** Path of its unix socket. */
  readonly socket: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  /** Of the process that runs now; it changes with `restart`. */
  readonly pid: number;
  /** What it has said on standard error so far. */
  stderr(): string;
  /** Removes every container, ends the agent and removes its roots. Works after `kill9` too. */
  stop(): Promise<void>;
  /** SIGKILL: what a crash leaves stays. */
  kill9(): Promise<void>;
  /** Ends it (SIGTERM unless it is dead) and starts a new one on the same roots. */
  restart(): Promise<void>;
}

/**
 * Starts an agent and resolves when it listens.
 *
 * @example
 * const agent = await startAgent();
 * try { ... `docker -H unix://${agent.socket}` ... } finally { await agent.stop(); }
 */
export async function startAgent(options: AgentOptions = {}): Promise<RunningAgent> {
  const root = await mkdtemp('/tmp/porthole-agent-');
  const places = { dataRoot: join(root, 'data'), execRoot: join(root, 'exec'), socket: join(root, 'porthole.sock') };
  let running: Running;
  try {
    running = await launch(places, options);
  } catch (failure) {
    await rm(root, { recursive: true, force: true });
    throw failure;
  }
  return {
    ...places,
    get pid() {
      return running.pid;
    },
    stderr: () => running.stderr(),
    async stop() {
      if (!running.isAlive()) running = await launch(places, options);
      try {
        await removeContainers(places.socket);
      } finally {
        await running.end('SIGTERM');
        await rm(root, { recursive: true, force: true });
      }
    },
    async kill9() {
      await running.end('SIGKILL');
    },
    async restart() {
      if (running.isAlive()) await running.end('SIGTERM');
      running = await launch(places, options);
    },
  };
}

/** The command line that runs the agent from the sources. */
export function agentCommand(...args: string[]): [string, ...string[]] {
  return [process.execPath, '--import', typescriptLoader, join(checkout, 'src/agent/main.ts'), ...args];
}

/** Options of `serve` and `connect` for an agent on temporary roots. */
export function agentFlags(places: { dataRoot: string; execRoot: string; socket: string }): string[] {
  const { dataRoot, execRoot, socket } = places;
  return ['--data-root', dataRoot, '--exec-root', execRoot, '--host', `unix://${socket}`, '--shim', shim];
}

interface Running {
  readonly pid: number;
  isAlive(): boolean;
  stderr(): string;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

async function launch(
  places: { dataRoot: string; execRoot: string; socket: string },
  { env = {}, flags = [] }: AgentOptions,
): Promise<Running> {
  const [program, ...args] = agentCommand('serve', ...agentFlags(places), ...flags);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  const ended = once(child, 'exit');
  await listening(child, () => said);
  const { pid } = child;
  assert.ok(pid !== undefined);
  return {
    pid,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    stderr: () => said,
    async end(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

/** Resolves with the line that says so; rejects with what the agent said when it ended instead. */
async function listening(child: ChildProcess, said: () => string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (/^porthole-agent \S+ listening on /m.test(output)) resolve();
    });
    child.once('error', reject);
    child.once('close', (code, signal) => reject(new Error(`the agent ended (${signal ?? code}): ${said()}`)));
  });
}

async function removeContainers(socket: string): Promise<void> {
  const listed: unknown = JSON.parse((await ask(socket, 'GET', '/containers/json?all=1')).body);
  assert.ok(Array.isArray(listed));
  await Promise.all(
    listed.map(async (one: { Id: string }) => {
      const { status, body } = await ask(socket, 'DELETE', `/containers/${one.Id}?force=1&v=1`);
      // 404, 409: it goes by itself meanwhile.
      assert.ok([204, 404, 409].includes(status), `removing ${one.Id}: ${status} ${body}`);
    }),
  );
}

/** One request over a unix socket; `body` is sent as JSON. */
export async function ask(
  socket: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
    request({ socketPath: socket, method, path, headers, agent: false }, (response) => {
      text(response).then(
        (answer) => resolve({ status: response.statusCode ?? 0, body: answer, headers: response.headers }),
        reject,
      );
    })
      .once('error', reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
}
