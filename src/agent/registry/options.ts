import { PortholeError } from '../../base/errors.ts';
import { defaultRegistryOptions, type RegistryOptions } from './contract.ts';

/** Options as the command line gives them, with what it does not say filled in. @throws invalid, in dockerd's words */
export function registryOptions(
  given: { [Key in keyof RegistryOptions]: RegistryOptions[Key] | undefined },
): RegistryOptions {
  const { insecure = [], mirrors = [], ...rest } = given;
  return {
    insecure: insecure.map(insecureRule),
    mirrors: mirrors.map(mirror),
    certificates: rest.certificates ?? defaultRegistryOptions.certificates,
    maxDownloads: rest.maxDownloads ?? defaultRegistryOptions.maxDownloads,
    maxUploads: rest.maxUploads ?? defaultRegistryOptions.maxUploads,
    maxAttempts: rest.maxAttempts ?? defaultRegistryOptions.maxAttempts,
  };
}

function insecureRule(text: string): string {
  // People paste addresses, and dockerd lets them.
  const rule = text.replace(/^https?:\/\//i, '');
  const isNetwork = /^[0-9a-fA-F.:]+\/\d{1,3}$/.test(rule);
  if (!isNetwork && !/^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/.test(rule)) {
    throw new PortholeError(
      'invalid',
      `insecure registry ${text} is not valid: a host, perhaps with a port, or a network`,
    );
  }
  return rule;
}

function mirror(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch (failure) {
    throw new PortholeError('invalid', `invalid mirror: ${JSON.stringify(text)} is not a valid URI`, {
      cause: failure,
    });
  }
  if (!['http:', 'https:'].includes(url.protocol)) {
    throw new PortholeError(
      'invalid',
      `invalid mirror: unsupported scheme "${url.protocol.slice(0, -1)}" in "${text}"`,
    );
  }
  if (url.search !== '' || url.hash !== '') {
    throw new PortholeError('invalid', `invalid mirror: query or fragment at end of the URI "${text}"`);
  }
  if (url.username !== '') throw new PortholeError('invalid', 'invalid mirror: username/password not allowed in URI');
  return text.replace(/\/+$/, '');
}
