import { messageOf, PortholeError } from '../../base/errors.ts';

/** Everything that can go wrong on the way to a host, in words that say what to do. */

export const badTarget = (target: string, why: string) =>
  new PortholeError('invalid', `"${target}" is not an SSH host: ${why}`);

export const badConfig = (host: string, text: string) =>
  new PortholeError('invalid', `The SSH configuration for ${host} cannot be used: ${text}`);

export const unreachable = (where: string, cause: unknown) =>
  new PortholeError('unavailable', `Cannot reach ${where}: ${reachWords(cause)}`, { cause });

export const timedOut = (where: string, seconds: number, stage: string) =>
  new PortholeError(
    'unavailable',
    `${where} did not answer within ${seconds} s (${stage}). ConnectTimeout in ~/.ssh/config sets this time.`,
  );

export const handshakeFailed = (where: string, cause: unknown) =>
  new PortholeError('unavailable', `The SSH connection to ${where} failed: ${messageOf(cause)}`, { cause });

export const jumpFailed = (jump: string, where: string, cause: unknown) =>
  new PortholeError('unavailable', `The jump host ${jump} could not connect to ${where}: ${messageOf(cause)}`, {
    cause,
  });

export const jumpLoop = (where: string) => new PortholeError('invalid', `ProxyJump for ${where} goes round in circles`);

export const proxyCommandFailed = (where: string, text: string) =>
  new PortholeError('unavailable', `The ProxyCommand for ${where} failed: ${text}`);

export const connectionLost = (where: string, cause?: unknown) =>
  new PortholeError('unavailable', `The SSH connection to ${where} was lost${cause ? `: ${messageOf(cause)}` : ''}`, {
    cause,
  });

export const sessionRefused = (where: string, cause: unknown) =>
  new PortholeError(
    'unavailable',
    `${where} refused to open a session: ${messageOf(cause)}. MaxSessions in its sshd_config must be at least 1.`,
    { cause },
  );

export const hostKeyChanged = (name: string, old: KeyOnRecord, now: KeyOffered) =>
  new PortholeError(
    'forbidden',
    `The host key of ${name} has CHANGED. Somebody may be intercepting the connection, or the host was set up anew. ` +
      `On record in ${old.file} line ${old.line}: ${old.fingerprint} (${old.type}). ` +
      `Offered now: ${now.fingerprint} (${now.type}). Nothing was sent to it. ` +
      `If you know that the change is right, remove the old key: ssh-keygen -R '${name}' -f '${old.file}'`,
  );

export const hostKeyRevoked = (name: string, entry: KeyOnRecord) =>
  new PortholeError(
    'forbidden',
    `The host key of ${name} (${entry.fingerprint}) is marked as revoked in ${entry.file} line ${entry.line}`,
  );

export const hostKeyUnknown = (name: string, now: KeyOffered) =>
  new PortholeError(
    'forbidden',
    `The host key of ${name} is not in known_hosts and StrictHostKeyChecking is "yes". ` +
      `Offered: ${now.fingerprint} (${now.type})`,
  );

export const hostKeyDeclined = (name: string) =>
  new PortholeError('canceled', `The host key of ${name} was not accepted`);

export const authenticationFailed = (who: string, tried: readonly string[], accepted: readonly string[]) =>
  new PortholeError(
    'unauthorized',
    `${who} was not let in. Tried: ${tried.length > 0 ? tried.join('; ') : 'nothing, there is no key and no password'}. ` +
      `The server accepts: ${accepted.length > 0 ? accepted.join(', ') : 'unknown'}.`,
  );

export const noSuchProgram = (where: string, text: string) =>
  new PortholeError('unavailable', `A command failed on ${where}: ${text}`);

export interface KeyOffered {
  readonly type: string;
  readonly fingerprint: string;
}

export interface KeyOnRecord extends KeyOffered {
  readonly file: string;
  readonly line: number;
}

function reachWords(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  switch (code) {
    case 'ECONNREFUSED':
      return 'the connection was refused. Is sshd running, and is the port right?';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the name cannot be resolved. Check HostName in ~/.ssh/config, and the network.';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to it. Check the network or VPN.';
    case 'ECONNRESET':
      return 'the connection was reset before SSH began.';
    default:
      return messageOf(cause);
  }
}
