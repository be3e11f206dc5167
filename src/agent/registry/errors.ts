import { errnoOf, messageOf, PortholeError } from '../../base/errors.ts';

/**
 * A registry that cannot be asked, answers nonsense, or wants other credentials. Not `unauthorized`: the docker command
 * would ask for a password in the middle of a pull, as dockerd's 500 does not make it do.
 */
export const registryFailure = (message: string, options?: { cause?: unknown }): PortholeError =>
  new PortholeError('unavailable', message, options);

export const brokenImage = (message: string, options?: { cause?: unknown }): PortholeError =>
  new PortholeError('invalid', message, options);

export const unsupportedImage = (message: string): PortholeError => new PortholeError('unsupported', message);

/** A failure of the way to a registry, in the words of the standard library that dockerd is written with. */
export function unreachable(method: string, url: string, failure: unknown): RegistryUnreachable {
  return new RegistryUnreachable(method, url, failure);
}

/** The request had no answer: another endpoint may be tried, or the same one again. */
export class RegistryUnreachable extends PortholeError {
  constructor(method: string, url: string, failure: unknown) {
    super('unavailable', `${method[0]}${method.slice(1).toLowerCase()} "${url}": ${wordsOf(failure)}`, {
      cause: failure,
    });
  }
}

function wordsOf(failure: unknown): string {
  const code = errnoOf(failure);
  const where = addressOf(failure);
  if (code === 'ECONNREFUSED') return `dial tcp ${where}: connect: connection refused`;
  if (code === 'EHOSTUNREACH') return `dial tcp ${where}: connect: no route to host`;
  if (code === 'ENETUNREACH') return `dial tcp ${where}: connect: network is unreachable`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${hostOf(failure)}: no such host`;
  if (code === 'ECONNRESET') return 'the connection was cut (EOF)';
  if (code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return 'http: server gave HTTP response to HTTPS client';
  }
  if (code !== undefined && untrusted.has(code)) {
    return `x509: certificate signed by unknown authority (${messageOf(failure)})`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `x509: certificate is not valid (${messageOf(failure)})`;
  return messageOf(failure);
}

const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function addressOf(failure: unknown): string {
  const { address, port }: { address?: unknown; port?: unknown } = Object(failure);
  return `${String(address)}:${String(port)}`;
}

function hostOf(failure: unknown): string {
  const { hostname }: { hostname?: unknown } = Object(failure);
  return String(hostname);
}
