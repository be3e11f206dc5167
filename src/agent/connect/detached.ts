import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PortholeError } from '../../base/errors.ts';
import { isAnswered } from '../sys/answered.ts';
import { isHeld, takeProcessLock } from '../sys/process-lock.ts';

const startFailed = (why: string, log: string) =>
  new PortholeError('unavailable', `the agent did not start: ${why}; its log is ${log}`);
const tooSlow = (seconds: number, log: string) =>
  new PortholeError('unavailable', `the agent did not answer within ${seconds} seconds; its log is ${log}`);

/** How to start the agent: what follows its own executable on the command line. */
export interface AgentCommand {
  readonly socket: string;
  readonly execRoot: string;
  /** Program and arguments. */
  readonly argv: readonly [string, ...string[]];
}

const patience = 20_000;

/** Makes sure that an agent answers on the socket; several callers at once start one. */
export async function ensureAgent(command: AgentCommand): Promise<void> {
  if (await isAnswered(command.socket)) return;
  const deadline = Date.now() + patience;
  const log = join(command.execRoot, 'agent.log');
  while (Date.now() < deadline) {
    const taken = await takeProcessLock(command.execRoot, 'start');
    if (isHeld(taken)) {
      // Another bridge is starting it.
      if (await answersBy(command.socket, Date.now() + 100)) return;
      continue;
    }
    try {
      if (await isAnswered(command.socket)) return;
      return await startAgent(command, { log, deadline });
    } finally {
      await taken.release();
    }
  }
  throw tooSlow(patience / 1000, log);
}

async function startAgent(command: AgentCommand, { log, deadline }: { log: string; deadline: number }): Promise<void> {
  await mkdir(dirname(log), { recursive: true, mode: 0o711 });
  const output = await open(log, 'a', 0o600);
  const { size } = await output.stat();
  let ended: string | undefined;
  try {
    const [program, ...args] = command.argv;
    const child = spawn(program, args, { detached: true, stdio: ['ignore', output.fd, output.fd], cwd: '/' });
    child.once('error', (failure) => {
      ended = failure.message;
    });
    child.once('exit', (code, signal) => {
      ended = `it ended with ${signal ?? `code ${code}`}`;
    });
    child.unref();
  } finally {
    await output.close();
  }
  while (Date.now() < deadline) {
    if (await isAnswered(command.socket)) return;
    if (ended !== undefined) throw startFailed(`${ended}: ${await saidSince(log, size)}`, log);
    await pause(20);
  }
  throw tooSlow(patience / 1000, log);
}

async function answersBy(socket: string, deadline: number): Promise<boolean> {
  while (Date.now() < deadline) {
    if (await isAnswered(socket)) return true;
    await pause(20);
  }
  return false;
}

async function saidSince(log: string, offset: number): Promise<string> {
  const text = (await readFile(log)).subarray(offset).toString('utf8').trim();
  return text.slice(-2000) || 'it said nothing';
}
