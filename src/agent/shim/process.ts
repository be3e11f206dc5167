import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { cannotStart } from './errors.ts';

export interface ShimProcess {
  readonly child: ChildProcess;
  readonly socket: Socket;
  /** Resolves when the shim's process has ended; with the error when it could not begin. */
  ended(): Promise<Error | undefined>;
}

/**
 * Starts a shim: its own session, nothing of ours but descriptor 3.
 * @param options.attached in our session, with our standard streams: for one that is to become a program of ours.
 */
export function spawnShim(path: string, { attached = false }: { readonly attached?: boolean } = {}): ShimProcess {
  const stdio = attached ? 'inherit' : 'ignore';
  const child = spawn(path, [], {
    argv0: 'porthole-shim',
    cwd: '/',
    detached: !attached,
    env: {},
    stdio: [stdio, stdio, stdio, 'pipe'],
  });
  const ended = new Promise<Error | undefined>((resolve) => {
    child.once('exit', () => resolve(undefined));
    child.once('error', (cause) => resolve(cannotStart(path, cause)));
  });
  // A shim outlives us: it must not keep our event loop alive by itself, its connection does while that is wanted.
  child.unref();
  const socket = child.stdio[3];
  if (!(socket instanceof Socket)) throw cannotStart(path, undefined);
  return {
    child,
    socket,
    ended: () => {
      // Whoever waits for the end has a reason to stay.
      child.ref();
      return ended;
    },
  };
}
