import type { Duplex } from 'node:stream';
import type { Disposable } from '../../base/lifetime.ts';

/** Runs programs on another machine. The one thing that bringing and reaching an agent needs of SSH. */
export interface RemoteShell {
  /** For messages: which machine. */
  readonly where: string;
  /** Starts a command line through the user's login shell there. @throws unavailable, canceled */
  exec(command: string, options: { signal: AbortSignal }): Promise<RemoteProgram>;
  /** Told once, when the connection is gone; the error is there unless `close` was called. */
  onDidClose(listener: (error: Error | undefined) => void): Disposable;
  close(): void;
}

export interface RemoteProgram {
  /** Its standard input and output. */
  readonly stdio: Duplex;
  /** The last kilobytes of its standard error so far. */
  stderr(): string;
  readonly exit: Promise<RemoteExit>;
  /** Ends the channel; sshd then hangs up on the program. */
  close(): void;
}

export interface RemoteExit {
  /** Undefined when a signal ended it, or the connection broke. */
  readonly code?: number;
  readonly signal?: string;
}
