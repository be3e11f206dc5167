import { setTimeout as delay } from 'node:timers/promises';
import type { ClientChannel, Client as SshClient } from 'ssh2';
import { Signal } from '../../base/async.ts';
import { canceled } from '../../base/errors.ts';
import type { Disposable } from '../../base/lifetime.ts';
import { connectionLost, jumpFailed, sessionRefused } from './problems.ts';
import { whereOf } from './route.ts';
import type { SshSettings } from './settings.ts';
import type { RemoteExit, RemoteProgram, RemoteShell } from './shell.ts';

const STDERR_KEPT = 8192;
/** Milliseconds that a server may take to notice that a session has ended. */
const SETTLING = 3000;

/** An SSH connection that has logged in. */
export class SshConnection implements RemoteShell {
  readonly where: string;
  readonly settings: SshSettings;
  readonly #client: SshClient;
  readonly #closed = new Signal<Error | undefined>();
  /** Milliseconds since the epoch. */
  #lastEnd = 0;
  #end: { readonly error: Error | undefined } | undefined;

  constructor(client: SshClient, settings: SshSettings) {
    this.#client = client;
    this.settings = settings;
    this.where = whereOf(settings);
    let cause: unknown;
    client.on('error', (error) => {
      cause = error;
    });
    client.once('close', () => this.#ended(connectionLost(this.where, cause)));
  }

  onDidClose(listener: (error: Error | undefined) => void): Disposable {
    if (this.#end) {
      const { error } = this.#end;
      queueMicrotask(() => listener(error));
    }
    return this.#closed.on(listener);
  }

  async exec(command: string, { signal }: { signal: AbortSignal }): Promise<RemoteProgram> {
    for (;;) {
      if (signal.aborted) throw canceled('The command');
      const asked = Date.now();
      try {
        // A short program's whole life may arrive in one packet: whoever listens later than now has missed its exit.
        return await this.#open<RemoteProgram>(signal, (done) =>
          this.#client.exec(command, (error, channel) => {
            if (error) return done(error);
            channel.once('close', () => {
              this.#lastEnd = Date.now();
            });
            done(undefined, programOf(channel));
          }),
        );
      } catch (failure) {
        if (this.#end?.error) throw this.#end.error;
        if (signal.aborted) throw canceled('The command');
        // sshd frees a session a moment after it has closed its channel; with MaxSessions 1 the next must wait for it.
        // The question's time counts, not the answer's: a busy server may answer late, with what it had not noticed by then.
        if (asked - this.#lastEnd > SETTLING) throw sessionRefused(this.where, failure);
        await delay(20, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** A TCP connection from this host to another, for ProxyJump. */
  async forward(host: string, port: number, signal: AbortSignal): Promise<ClientChannel> {
    return await this.#open<ClientChannel>(signal, (done) =>
      this.#client.forwardOut('127.0.0.1', 0, host, port, (error, channel) =>
        error ? done(error) : done(undefined, channel),
      ),
    ).catch((failure) => {
      throw signal.aborted ? canceled('Connecting') : jumpFailed(this.settings.alias, `${host} port ${port}`, failure);
    });
  }

  close(): void {
    this.#ended(undefined);
    this.#client.end();
    // `end` waits for the other side; a host that is gone never answers.
    const hard = setTimeout(() => this.#client.destroy(), 2000);
    this.#client.once('close', () => clearTimeout(hard));
  }

  #ended(error: Error | undefined): void {
    if (this.#end) return;
    this.#end = { error };
    this.#closed.emit(error);
  }

  #open<T extends { close(): void }>(
    signal: AbortSignal,
    start: (done: (...outcome: [error: Error] | [error: undefined, opened: T]) => void) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#end) {
        reject(this.#end.error ?? connectionLost(this.where));
        return;
      }
      const lost = this.#closed.on((error) => giveUp(error ?? connectionLost(this.where)));
      const aborted = () => giveUp(canceled('The command'));
      const giveUp = (why: Error) => {
        tidy();
        reject(why);
      };
      const tidy = () => {
        lost.dispose();
        signal.removeEventListener('abort', aborted);
      };
      signal.addEventListener('abort', aborted, { once: true });
      start((...[error, opened]) => {
        tidy();
        if (error) reject(error);
        else if (signal.aborted) opened.close();
        else resolve(opened);
      });
    });
  }
}

function programOf(channel: ClientChannel): RemoteProgram {
  let kept = Buffer.alloc(0);
  channel.stderr.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-STDERR_KEPT);
  });
  let exit: RemoteExit = {};
  channel.once('exit', (code: number | null, signal?: string) => {
    exit = { ...(code !== null && { code }), ...(signal !== undefined && { signal }) };
  });
  const ended = new Promise<RemoteExit>((resolve) => channel.once('close', () => resolve(exit)));
  return { stdio: channel, stderr: () => kept.toString('utf8'), exit: ended, close: () => channel.close() };
}
