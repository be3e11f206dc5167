import type { ErrorKind } from '../../base/errors.ts';
import { PortholeError } from '../../base/errors.ts';

/** The one map from kinds of failure to HTTP statuses, as dockerd answers them. */
const statuses: Readonly<Record<ErrorKind, number>> = {
  'not-found': 404,
  conflict: 409,
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  unavailable: 503,
  'not-modified': 304,
  unsupported: 501,
  // Nobody reads it: the client is gone.
  canceled: 499,
  internal: 500,
};

/** HTTP status of whatever was thrown. */
export function statusOf(thrown: unknown): number {
  return thrown instanceof PortholeError ? statuses[thrown.kind] : 500;
}
