import type { Credentials } from '../registry/contract.ts';

/**
 * Who asks, from `X-Registry-Auth`: JSON in base64url. What cannot be read counts as nobody, as in dockerd: clients send
 * all kinds of things where nothing is needed.
 */
export function registryAuth(header: string | string[] | undefined): Credentials | undefined {
  if (typeof header !== 'string' || header === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  const given: Readonly<Record<string, unknown>> = Object(value);
  const fields = [
    ['username', given['username']],
    ['password', given['password']],
    ['identityToken', given['identitytoken']],
    ['registryToken', given['registrytoken']],
    ['serverAddress', given['serveraddress']],
  ] as const;
  return Object.fromEntries(fields.filter(([, text]) => typeof text === 'string' && text !== ''));
}
