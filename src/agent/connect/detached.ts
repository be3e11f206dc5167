import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PortholeError } from '../../base/errors.ts';
import { isNewer, portholeProtocol, productVersion } from '../../protocol/version.ts';
import { isHeld, lockHolder, takeProcessLock } from '../sys/process-lock.ts';
import { askRunning, type RunningAgent } from './running-agent.ts';

const startFailed = (why: string, log: string) =>
  new PortholeError('unavailable', `the agent did not start: ${why}; its log is ${log}`);
const tooSlow = (seconds: number, log: string) =>
  new PortholeError('unavailable', `the agent did not answer within ${seconds} seconds; its log is ${log}`);

const tooNew = ({ version }: RunningAgent) =>
  new PortholeError(
    'unsupported',
    `the agent that runs on this host has version ${version}, which ${productVersion} cannot work with: update Porthole on this computer`,
  );

/** How to start the agent. */
export interface AgentCommand {
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly socket: string;
  /** Program and arguments of an agent of ours; of one that follows the agent that runs, if one does. */
  argv(running: RunningAgent | undefined): readonly [string, ...string[]];
  /** Replaces an agent that somebody else keeps, such as systemd. False: nobody does. */
  replace(running: RunningAgent): Promise<boolean>;
}

/** Milliseconds: a slow machine takes its time to ask systemd and to adopt containers. The extension waits 45 s for a word. */
const patience = 40_000;

/**
 * Makes sure that an agent of this version or a newer one answers on the socket; several callers at once start one. An
 * older one is followed: the new one runs on the same roots and adopts its containers.
 */
export async function ensureAgent(command: AgentCommand): Promise<void> {
  if (await isServed(command)) return;
  const deadline = Date.now() + patience;
  const log = join(command.execRoot, 'agent.log');
  while (Date.now() < deadline) {
    const taken = await takeProcessLock(command.execRoot, 'start');
    if (isHeld(taken)) {
      // Another bridge is starting it.
      if (await servedBy(command, Date.now() + 100)) return;
      continue;
    }
    try {
      const running = await whoRuns(command);
      if (running !== undefined && !isOlder(running)) return;
      return await startAgent(command, { log, deadline, running });
    } finally {
      await taken.release();
    }
  }
  throw tooSlow(patience / 1000, log);
}

/** True when an agent answers that need not be replaced. @throws unsupported when it is too new for us */
async function isServed(command: AgentCommand): Promise<boolean> {
  const running = await whoRuns(command);
  if (running === undefined) return false;
  if (running.protocol > portholeProtocol) throw tooNew(running);
  return !isOlder(running);
}

const isOlder = ({ version }: RunningAgent): boolean => isNewer(productVersion, version);

function whoRuns({ socket, dataRoot }: AgentCommand): Promise<RunningAgent | undefined> {
  return askRunning(socket, { holder: async () => (await lockHolder(dataRoot, 'agent.lock'))?.pid });
}

async function startAgent(
  command: AgentCommand,
  options: { readonly log: string; readonly deadline: number; readonly running: RunningAgent | undefined },
): Promise<void> {
  const { log, deadline, running } = options;
  await mkdir(dirname(log), { recursive: true, mode: 0o711 });
  const output = await open(log, 'a', 0o600);
  let size = 0;
  let ended: string | undefined;
  try {
    size = (await output.stat()).size;
    if (running !== undefined && (await command.replace(running))) return await untilServed(command, deadline, log);
    const [program, ...args] = command.argv(running);
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
    if (await isServed(command).catch(isPassing)) return;
    if (ended !== undefined) throw startFailed(`${ended}: ${await saidSince(log, size)}`, log);
    await pause(20);
  }
  throw tooSlow(patience / 1000, log);
}

async function untilServed(command: AgentCommand, deadline: number, log: string): Promise<void> {
  if (!(await servedBy(command, deadline))) throw tooSlow(patience / 1000, log);
}

/** A connection can be cut while one agent follows the other. */
function isPassing(failure: unknown): false {
  if (failure instanceof PortholeError) throw failure;
  return false;
}

async function servedBy(command: AgentCommand, deadline: number): Promise<boolean> {
  while (Date.now() < deadline) {
    if (await isServed(command).catch(isPassing)) return true;
    await pause(20);
  }
  return false;
}

async function saidSince(log: string, offset: number): Promise<string> {
  const text = (await readFile(log)).subarray(offset).toString('utf8').trim();
  return text.slice(-2000) || 'it said nothing';
}
