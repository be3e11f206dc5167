import { dockerApi } from '../../protocol/version.ts';
import { clientTooNew, clientTooOld } from './errors.ts';

/** Minor number of a Docker API version: all that we serve are 1.x. */
export type ApiMinor = number;

const newest = minorOf(dockerApi.newest);
const oldest = minorOf(dockerApi.oldest);

/**
 * Splits '/v1.41/containers/json' into its version and the rest. Without a prefix it is the newest version.
 * @throws invalid, in dockerd's words, for a version that is not served.
 */
export function splitVersion(pathname: string): { minor: ApiMinor; path: string } {
  const match = /^\/v(\d[\d.]*)(?=\/)/.exec(pathname);
  if (match === null) return { minor: newest, path: pathname };
  const [whole, version = ''] = match;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 1 || minor > newest) throw clientTooNew(version, dockerApi.newest);
  if (major < 1 || minor < oldest) throw clientTooOld(version, dockerApi.oldest);
  return { minor, path: pathname.slice(whole.length) };
}

function minorOf(version: string): ApiMinor {
  return Number(version.split('.')[1]);
}
