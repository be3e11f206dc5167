import { type ErrorKind, PortholeError } from '../../base/errors.ts';
import { errnoMeaning, errnoName } from '../shim/errno.ts';

/** The kernel refused an operation on a path of a root. */
export class FileFailure extends PortholeError {
  readonly path: string;
  /** For example 'ENOENT'. */
  readonly code: string;

  constructor(call: string, path: string, errno: number) {
    const code = errnoName(errno);
    super(kinds[code] ?? 'internal', `${call} ${path}: ${errnoMeaning(errno) || code}`);
    this.name = 'FileFailure';
    this.path = path;
    this.code = code;
  }
}

const kinds: Readonly<Record<string, ErrorKind>> = {
  ENOENT: 'not-found',
  EEXIST: 'conflict',
  ENOTEMPTY: 'conflict',
  EBUSY: 'conflict',
  EACCES: 'forbidden',
  EPERM: 'forbidden',
  EROFS: 'forbidden',
  ENOSPC: 'unavailable',
  EDQUOT: 'unavailable',
  ENOTDIR: 'invalid',
  EISDIR: 'invalid',
  EINVAL: 'invalid',
  ELOOP: 'invalid',
  ENAMETOOLONG: 'invalid',
  EOPNOTSUPP: 'invalid',
  EXDEV: 'invalid',
};

/** Undefined: what it was has gone, or is something else by now. */
export async function unlessGone<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (failure) {
    if (failure instanceof FileFailure && goneCodes.has(failure.code)) return undefined;
    throw failure;
  }
}

const goneCodes = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EOPNOTSUPP']);
