import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { PortholeError } from '../../base/errors.ts';

export interface ShimProcess {
  readonly child: ChildProcess;
  readonly socket: Socket;
  /** Resolves when the shim's process has ended. */
  readonly ended: Promise<void>;
}

/** Starts a shim: its own session, nothing of ours but descriptor 3. */
export function spawnShim(path: string): ShimProcess {
  const child = spawn(path, [], {
    argv0: 'porthole-shim',
    cwd: '/',
    detached: true,
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    // The socket closes too, and says it to whoever waits.
    child.once('error', () => resolve());
  });
  // A shim outlives us: it must not keep our event loop alive by itself, its connection does while that is wanted.
  child.unref();
  const socket = child.stdio[3];
  if (!(socket instanceof Socket)) throw new PortholeError('unavailable', `the shim ${path} cannot be started`);
  return { child, socket, ended };
}
