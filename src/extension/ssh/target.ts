import { phrase } from '../../base/phrases.ts';
import { badTarget } from './problems.ts';

/** What the user wrote to name a host: a Host of ~/.ssh/config, or an address. */
export interface SshTarget {
  /** Never starts with '-', so that no command can take it for an option. */
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

/** Reads `host`, `user@host`, `user@host:port`, `[v6]:port` and `ssh://user@host:port`. @throws invalid */
export function parseTarget(text: string): SshTarget {
  const rest = text
    .trim()
    .replace(/^ssh:\/\//i, '')
    .replace(/\/$/, '');
  const at = rest.lastIndexOf('@');
  const user = at >= 0 ? rest.slice(0, at) : undefined;
  const { host, port } = splitPort(text, rest.slice(at + 1));
  if (host === '') throw badTarget(text, phrase('the host name is missing'));
  if (host.startsWith('-')) throw badTarget(text, phrase('a host name cannot start with "-"'));
  // The characters that OpenSSH refuses too, since names are put into ProxyCommand lines, and those that would make a
  // pattern of a name in known_hosts.
  if (/[\s'"`$\\;&<>|(){}*?!,\p{Cc}]/u.test(host))
    throw badTarget(text, phrase('the host name holds a character that is not allowed'));
  if (user !== undefined) {
    if (user === '') throw badTarget(text, phrase('the user name is empty'));
    if (user.startsWith('-')) throw badTarget(text, phrase('a user name cannot start with "-"'));
    if (/[\s'"`$;&<>|(){}\p{Cc}]|\\$/u.test(user))
      throw badTarget(text, phrase('the user name holds a character that is not allowed'));
  }
  return { host, ...(user !== undefined && { user }), ...(port !== undefined && { port }) };
}

function splitPort(text: string, address: string): { host: string; port?: number } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(address);
  if (bracketed) return { host: bracketed[1] ?? '', ...portOf(text, bracketed[2]) };
  const colon = address.indexOf(':');
  // More than one colon without brackets is an IPv6 address.
  if (colon < 0 || colon !== address.lastIndexOf(':')) return { host: address };
  return { host: address.slice(0, colon), ...portOf(text, address.slice(colon + 1)) };
}

function portOf(text: string, digits: string | undefined): { port?: number } {
  if (digits === undefined) return {};
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65535) throw badTarget(text, phrase('"{0}" is not a port', digits));
  return { port };
}

/** `web`, or `[web]:2222` where the port is not 22: the way known_hosts writes it. */
export const hostAndPort = (host: string, port: number): string => (port === 22 ? host : `[${host}]:${port}`);
