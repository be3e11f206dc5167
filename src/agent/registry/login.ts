import { STATUS_CODES } from 'node:http';
import { isKind, PortholeError } from '../../base/errors.ts';
import { RegistryRefusal } from './answers.ts';
import { patience } from './auth.ts';
import type { Session } from './session.ts';

/** Asks a registry whether it knows the user. @returns what its token server gave to be kept. @throws unauthorized */
export async function login(session: Session, signal: AbortSignal): Promise<string> {
  try {
    const everything = Array.from({ length: 400 }, (_, at) => at + 200);
    const answer = await session.send({ method: 'GET', path: '/v2/', deadline: patience, signal }, everything);
    answer.body.destroy();
    const { status } = answer;
    if (status !== 200) {
      const why = `login attempt to ${session.base}/v2/ failed with status: ${status} ${STATUS_CODES[status] ?? ''}`;
      throw new PortholeError('unauthorized', why.trimEnd());
    }
    return session.refreshToken;
  } catch (failure) {
    if (isKind(failure, 'unavailable') && failure.cause instanceof RegistryRefusal) {
      throw new PortholeError('unauthorized', failure.message, { cause: failure.cause });
    }
    throw failure;
  }
}

/** The domain of what `docker login` was given: a host, an address, nothing for Docker Hub. @throws invalid */
export function loginDomain(registry: string): string {
  const host = registry.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  if (['', 'docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host)) return 'docker.io';
  if (!/^[A-Za-z0-9.\-[\]:]+$/.test(host)) {
    throw new PortholeError('invalid', `unable to parse server address: ${registry}`);
  }
  return host;
}
