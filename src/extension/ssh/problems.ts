import { PortholeError, phraseOf } from '../../base/errors.ts';
import { listed, type Phrase, phrase } from '../../base/phrases.ts';

/** Everything that can go wrong on the way to a host, in words that say what to do. */

export const badTarget = (target: string, why: Phrase) =>
  new PortholeError('invalid', phrase('"{0}" is not an SSH host: {1}', target, why));

export const badConfig = (host: string, text: string) =>
  new PortholeError('invalid', phrase('The SSH configuration for {0} cannot be used: {1}', host, text));

export const unreachable = (where: string, cause: unknown) =>
  new PortholeError('unavailable', phrase('Cannot reach {0}: {1}', where, reachWords(cause)), { cause });

export const timedOut = (where: string, seconds: number, stage: Phrase) =>
  new PortholeError(
    'unavailable',
    phrase(
      '{0} did not answer within {1} s ({2}). ConnectTimeout in ~/.ssh/config sets this time.',
      where,
      seconds,
      stage,
    ),
  );

export const handshakeFailed = (where: string, cause: unknown) =>
  new PortholeError('unavailable', phrase('The SSH connection to {0} failed: {1}.', where, phraseOf(cause)), { cause });

export const serverClosed = () => new PortholeError('unavailable', phrase('the server closed the connection'));

export const jumpFailed = (jump: string, where: string, cause: unknown) =>
  new PortholeError(
    'unavailable',
    phrase('The jump host {0} could not connect to {1}: {2}.', jump, where, phraseOf(cause)),
    {
      cause,
    },
  );

export const jumpLoop = (where: string) =>
  new PortholeError('invalid', phrase('ProxyJump for {0} goes round in circles.', where));

export const proxyCommandFailed = (where: string, text: string | Phrase) =>
  new PortholeError('unavailable', phrase('The ProxyCommand for {0} failed: {1}', where, text));

export const connectionLost = (where: string, cause?: unknown) =>
  new PortholeError(
    'unavailable',
    cause
      ? phrase('The SSH connection to {0} was lost: {1}.', where, phraseOf(cause))
      : phrase('The SSH connection to {0} was lost.', where),
    { cause },
  );

export const sessionRefused = (where: string, cause: unknown) =>
  new PortholeError(
    'unavailable',
    phrase(
      '{0} refused to open a session: {1}. MaxSessions in its sshd_config must be at least 1.',
      where,
      phraseOf(cause),
    ),
    { cause },
  );

export const hostKeyChanged = (name: string, old: KeyOnRecord, now: KeyOffered) =>
  new PortholeError(
    'forbidden',
    listed(
      [
        phrase('The host key of {0} has CHANGED.', name),
        phrase('Somebody may be intercepting the connection, or the host was set up anew.'),
        phrase('On record in {0} line {1}: {2} ({3}).', old.file, old.line, old.fingerprint, old.type),
        phrase('Offered now: {0} ({1}). Nothing was sent to it.', now.fingerprint, now.type),
        phrase(
          'If you know that the change is right, remove the old key: {0}',
          `ssh-keygen -R '${name}' -f '${old.file}'`,
        ),
      ],
      ' ',
    ),
  );

export const hostKeyRevoked = (name: string, entry: KeyOnRecord) =>
  new PortholeError(
    'forbidden',
    phrase(
      'The host key of {0} ({1}) is marked as revoked in {2} line {3}.',
      name,
      entry.fingerprint,
      entry.file,
      entry.line,
    ),
  );

export const hostKeyUnknown = (name: string, now: KeyOffered) =>
  new PortholeError(
    'forbidden',
    phrase(
      'The host key of {0} is not in known_hosts and StrictHostKeyChecking is "yes". Offered: {1} ({2})',
      name,
      now.fingerprint,
      now.type,
    ),
  );

export const hostKeyDeclined = (name: string) =>
  new PortholeError('canceled', phrase('The host key of {0} was not accepted.', name));

export const authenticationFailed = (who: string, tried: readonly (string | Phrase)[], accepted: readonly string[]) =>
  new PortholeError(
    'unauthorized',
    phrase(
      '{0} was not let in. Tried: {1}. The server accepts: {2}.',
      who,
      tried.length > 0 ? listed(tried, '; ') : phrase('nothing, there is no key and no password'),
      accepted.length > 0 ? accepted.join(', ') : phrase('unknown'),
    ),
  );

export const noSuchProgram = (where: string, text: string | Phrase) =>
  new PortholeError('unavailable', phrase('A command failed on {0}: {1}', where, text));

export interface KeyOffered {
  readonly type: string;
  readonly fingerprint: string;
}

export interface KeyOnRecord extends KeyOffered {
  readonly file: string;
  readonly line: number;
}

function reachWords(cause: unknown): string | Phrase {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  switch (code) {
    case 'ECONNREFUSED':
      return phrase('the connection was refused. Is sshd running, and is the port right?');
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return phrase('the name cannot be resolved. Check HostName in ~/.ssh/config, and the network.');
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return phrase('there is no route to it. Check the network or VPN.');
    case 'ECONNRESET':
      return phrase('the connection was reset before SSH began.');
    default:
      return phraseOf(cause);
  }
}
