import { PortholeError } from '../../base/errors.ts';

export const noSuchEngine = (name: string): PortholeError =>
  new PortholeError('not-found', `No such engine: ${name}: it is docker or podman`);

export const noSuchImage = (engine: string, name: string): PortholeError =>
  new PortholeError('not-found', `${engine} has no such image: ${name}`);

export const ambiguous = (engine: string, prefix: string): PortholeError =>
  new PortholeError('invalid', `${engine} has several images whose ids begin with ${prefix}`);

export const silent = (engine: string, why: string): PortholeError =>
  new PortholeError('unavailable', `${engine} does not answer: ${why}`);

export const refused = (engine: string, status: number, words: string): PortholeError =>
  new PortholeError(status === 404 ? 'not-found' : 'unavailable', `${engine}: ${words}`);

export const removedMeanwhile = (engine: string, name: string, cause: unknown): PortholeError =>
  new PortholeError('not-found', `${engine} has removed the image ${name} while it was read`, { cause });

/** Something that the engine says or stores cannot be understood. */
export const notUnderstood = (what: string, cause?: unknown): PortholeError =>
  new PortholeError('unsupported', `${what} is not as expected`, { cause });

/** Neither way leads to an image's layers. */
export const unreachable = (engine: string, why: string): PortholeError =>
  new PortholeError('unsupported', `layers of ${engine} cannot be read: ${why}`);
