import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { canceled, messageOf } from '../../base/errors.ts';
import { listed, phrase } from '../../base/phrases.ts';
import { proxyCommandFailed, timedOut, unreachable } from './problems.ts';
import type { SshSettings } from './settings.ts';
import { hostAndPort } from './target.ts';

/** The words for a host in messages: its name, and its address where that is another. */
export function whereOf(settings: SshSettings): string {
  const address = hostAndPort(settings.hostName, settings.port);
  return address === settings.alias ? address : `${settings.alias} (${address})`;
}

/** A TCP connection to the host itself. @throws unavailable, canceled */
export async function dialTcp(settings: SshSettings, signal: AbortSignal): Promise<Duplex> {
  const where = whereOf(settings);
  const seconds = settings.connectTimeout;
  const timeout = AbortSignal.timeout(seconds * 1000);
  const socket = net.connect({
    host: settings.hostName,
    port: settings.port,
    // Node gives an address 250 ms by default before it tries the next, too little for a satellite link or VPN.
    autoSelectFamilyAttemptTimeout: 3000,
  });
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, timeout]) });
  } catch (failure) {
    socket.on('error', () => undefined).destroy();
    if (signal.aborted) throw canceled(`Connecting to ${where}`);
    if (timeout.aborted) throw timedOut(where, seconds, phrase('TCP connection'));
    throw unreachable(where, failure);
  }
  socket.setNoDelay(true);
  return socket;
}

/** The standard input and output of the user's ProxyCommand. */
export function dialCommand(settings: SshSettings, command: string): Duplex {
  const windows = process.platform === 'win32';
  // A ProxyCommand is a line for the shell by definition (ssh_config(5)).
  const [program, args] = windows ? ['cmd.exe', ['/d', '/s', '/c', command]] : ['/bin/sh', ['-c', `exec ${command}`]];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  const duplex = new Duplex({
    read: () => {
      child.stdout.resume();
    },
    // A command that has ended breaks the pipe; its exit says why, so that a write has nothing to add.
    write: (chunk: Buffer, _encoding, done) => {
      child.stdin.write(chunk, () => done());
    },
    final: (done) => {
      child.stdin.end(() => done());
    },
    destroy: (error, done) => {
      child.kill();
      done(error);
    },
  });
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (chunk: Buffer) => {
    if (!duplex.push(chunk)) child.stdout.pause();
  });
  child.once('error', (failure) => duplex.destroy(proxyCommandFailed(whereOf(settings), messageOf(failure))));
  child.once('close', (code, signal) => {
    if (code === 0) {
      duplex.push(null);
      return;
    }
    const how = code === null ? phrase('ended by {0}', signal ?? '') : phrase('exit code {0}', code);
    duplex.destroy(proxyCommandFailed(whereOf(settings), said ? listed([how, said.trim()], ': ') : how));
  });
  return duplex;
}
