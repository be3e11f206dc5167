import { canceled, errnoOf, isKind, messageOf, PortholeError } from '../../base/errors.ts';

export const invalidReference = (reason?: string): PortholeError =>
  new PortholeError('invalid', reason ? `invalid reference format: ${reason}` : 'invalid reference format');

export const noSuchImage = (name: string): PortholeError => new PortholeError('not-found', `No such image: ${name}`);

export const ambiguousId = (prefix: string): PortholeError =>
  new PortholeError('invalid', `ambiguous image id prefix: ${prefix}`);

/** An archive that cannot be what it says it is. `what` names the part, for example an entry of the archive. */
export const invalidArchive = (what: string, options?: { cause?: unknown }): PortholeError =>
  new PortholeError('invalid', `invalid archive: ${what}`, options);

export const unsupportedArchive = (what: string): PortholeError =>
  new PortholeError('unsupported', `unsupported archive: ${what}`);

/** A part of an image (a layer, a path) that is not there. */
export const noSuchPart = (what: string): PortholeError => new PortholeError('not-found', what);

export const conflict = (message: string): PortholeError => new PortholeError('conflict', `conflict: ${message}`);

/** A blob that is not what its name says. */
export const wrongBlob = (digest: string, has: string): PortholeError =>
  new PortholeError('invalid', `blob ${digest} has ${has}`);

/** A blob whose source ended too early: it may be asked for again. */
export const shortBlob = (digest: string, { at, size }: { readonly at: number; readonly size: number }) =>
  new PortholeError('unavailable', `blob ${digest} ended after ${at} of ${size} bytes`);

/** The store's own files contradict each other. */
export const damagedStore = (what: string, options?: { cause?: unknown }): PortholeError =>
  new PortholeError('internal', `the image store is damaged: ${what}`, options);

const fullDisk: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

/** True when the disk, or the user's share of it, has no room. */
export const isFullDisk = (failure: unknown): boolean => fullDisk.has(errnoNameOf(failure));

/** Errno values that the kernel gives because of what the archive holds, not because of the host. */
const archiveFaults = new Set([
  'ENAMETOOLONG',
  'EINVAL',
  'ELOOP',
  'ENOTDIR',
  'EISDIR',
  'EEXIST',
  'ENOENT',
  'E2BIG',
  'EMLINK',
  'ERANGE',
  'EOPNOTSUPP',
  'EFBIG',
]);

/**
 * What a failure while reading an archive means for the one who sent it.
 * @param doing for example 'load the image'.
 */
export function archiveFailure(failure: unknown, context: { doing: string; signal?: AbortSignal }): unknown {
  if (context.signal?.aborted) return canceled(`the request to ${context.doing}`);
  const errno = errnoNameOf(failure);
  if (isFullDisk(failure)) {
    return new PortholeError('unavailable', `cannot ${context.doing}: no space left on device`, { cause: failure });
  }
  if (failure instanceof PortholeError && failure.kind !== 'internal') return failure;
  if (isZlibFailure(failure))
    return invalidArchive(`its compressed data is damaged (${messageOf(failure)})`, { cause: failure });
  if (isKind(failure, 'internal') && errno && archiveFaults.has(errno)) {
    return invalidArchive(messageOf(failure), { cause: failure });
  }
  return failure;
}

function isZlibFailure(failure: unknown): boolean {
  const code = errnoOf(failure);
  return code !== undefined && (code.startsWith('Z_') || code.startsWith('ZSTD_'));
}

/** The errno name of a Node system error or of a failed operation of the shim. */
function errnoNameOf(failure: unknown): string | undefined {
  if (failure instanceof Error && 'errnoName' in failure && typeof failure.errnoName === 'string')
    return failure.errnoName;
  return errnoOf(failure);
}
