import type { Credentials } from '../registry/contract.ts';

/**
 * Who asks, from `X-Registry-Auth`: JSON in base64url. What cannot be read counts as nobody, as in dockerd: clients send
 * all kinds of things where nothing is needed.
 */
export function registryAuth(header: string | string[] | undefined): Credentials | undefined {
  const value = documentOf(header);
  return value === undefined ? undefined : credentialsOf(value);
}

/** Who asks which registry, from a build's `X-Registry-Config`: by address, as `docker login` got them. */
export function registryConfig(header: string | string[] | undefined): (host: string) => Credentials | undefined {
  const entries = Object.entries(Object(documentOf(header) ?? {})).map(([address, value]) => [address, value] as const);
  return (host) => {
    const key = host === 'docker.io' ? 'index.docker.io' : host;
    const found = entries.find(([address]) => hostOf(address) === key);
    return found && credentialsOf(found[1]);
  };
}

const hostOf = (address: string): string => address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');

function documentOf(header: string | string[] | undefined): unknown {
  if (typeof header !== 'string' || header === '') return undefined;
  try {
    return JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

function credentialsOf(value: unknown): Credentials {
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
