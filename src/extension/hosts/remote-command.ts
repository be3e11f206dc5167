import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { canceled, messageOf, PortholeError } from '../../base/errors.ts';
import { listed, phrase } from '../../base/phrases.ts';
import { noSuchProgram } from '../ssh/problems.ts';
import { shellCommand } from '../ssh/quote.ts';
import type { RemoteProgram, RemoteShell } from '../ssh/shell.ts';

export interface Command {
  /** One line for sh, without single quotes and backslashes. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly signal: AbortSignal;
}

/** More than any greeting of a login shell. */
const MOST_NOISE = 256 << 10;

/**
 * Starts a script whose output begins after a line that we choose. What a login shell prints before (an `echo` in
 * .bashrc is enough) is dropped; it would break whatever protocol follows.
 */
export async function startCommand(shell: RemoteShell, { script, args = [], signal }: Command): Promise<RemoteProgram> {
  const marker = `porthole-${randomBytes(9).toString('hex')}`;
  const command = shellCommand(`echo "$1"; shift; ${script}`, [marker, ...args]);
  const program = await shell.exec(command, { signal });
  try {
    await skipTo(program.stdio, `${marker}\n`, signal);
    return program;
  } catch (failure) {
    program.stdio.on('error', () => undefined);
    program.close();
    if (failure instanceof PortholeError) throw failure;
    const exit = await program.exit;
    throw noSuchProgram(
      shell.where,
      program.stderr().trim() || listed([phrase('exit code {0}', exit.code ?? '?'), messageOf(failure)], ': '),
    );
  }
}

/** Runs a script to its end. @throws unavailable when its exit code is not 0, with what it wrote to standard error */
export async function runCommand(
  shell: RemoteShell,
  command: Command & { readonly input?: readonly NodeJS.ReadableStream[]; readonly limit?: number },
): Promise<Buffer> {
  const { signal, input = [], limit = 1 << 20 } = command;
  const program = await startCommand(shell, command);
  const { stdio } = program;
  const stop = () => program.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const parts: Buffer[] = [];
    let size = 0;
    const reading = (async () => {
      for await (const part of stdio) {
        if (!Buffer.isBuffer(part)) continue;
        size += part.length;
        if (size > limit) throw noSuchProgram(shell.where, phrase('more than {0} bytes of output', limit));
        parts.push(part);
      }
    })();
    // A program that ends early makes the writing fail; its exit code and words tell more than the broken pipe.
    const writing = feed(input, stdio).catch(() => undefined);
    await Promise.all([reading, writing]);
    const exit = await program.exit;
    if (signal.aborted) throw canceled('The command');
    if (exit.code !== 0) {
      const said = program.stderr().trim();
      const how =
        exit.code === undefined
          ? phrase('ended by {0}', exit.signal ?? phrase('the connection'))
          : phrase('exit code {0}', exit.code);
      throw noSuchProgram(shell.where, said ? listed([how, said], ': ') : how);
    }
    return Buffer.concat(parts);
  } catch (failure) {
    program.close();
    throw signal.aborted ? canceled('The command') : failure;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function feed(input: readonly NodeJS.ReadableStream[], stdio: Duplex): Promise<void> {
  if (input.length === 0) stdio.end();
  else await pipeline([...input, stdio]);
}

async function skipTo(stdio: Duplex, marker: string, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const tidy = () => {
      stdio.off('data', more);
      stdio.off('end', ended);
      stdio.off('error', reject);
      signal.removeEventListener('abort', aborted);
    };
    const more = (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      const at = seen.indexOf(marker);
      if (at < 0 && seen.length < MOST_NOISE) return;
      tidy();
      stdio.pause();
      if (at < 0) {
        reject(new Error('the login shell prints without end'));
        return;
      }
      const rest = seen.subarray(at + marker.length);
      if (rest.length > 0) stdio.unshift(rest);
      resolve();
    };
    const ended = () => {
      tidy();
      reject(new Error(`the login shell ended: ${seen.toString('utf8').trim().slice(-500)}`));
    };
    const aborted = () => {
      tidy();
      reject(canceled('The command'));
    };
    signal.addEventListener('abort', aborted, { once: true });
    stdio.on('data', more);
    stdio.once('end', ended);
    stdio.once('error', reject);
  });
}
