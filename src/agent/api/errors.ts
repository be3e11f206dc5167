import { PortholeError } from '../../base/errors.ts';

export const badParameter = (message: string) => new PortholeError('invalid', message);
export const pageNotFound = () => new PortholeError('not-found', 'page not found');
export const notThereYet = (what: string) =>
  new PortholeError('unsupported', `${what} is not implemented in Porthole yet`);
export const bodyTooLarge = (limit: number) =>
  new PortholeError('invalid', `the request body is larger than ${limit} bytes`);
export const bodyTooLate = () => new PortholeError('invalid', 'the request body did not arrive in time');
export const uploadCut = () => new PortholeError('canceled', 'the client went away before its upload was complete');
export const clientTooOld = (version: string, oldest: string) =>
  new PortholeError(
    'invalid',
    `client version ${version} is too old. Minimum supported API version is ${oldest}, please upgrade your client to a newer version`,
  );
export const clientTooNew = (version: string, newest: string) =>
  new PortholeError('invalid', `client version ${version} is too new. Maximum supported API version is ${newest}`);
export const onlyClusterVolumes = () =>
  new PortholeError('unavailable', 'volume update only valid for cluster volumes, but swarm is unavailable');
/** What dockerd says of what it has in its experimental mode alone. */
export const notExperimental = () =>
  new PortholeError(
    'unsupported',
    'This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.',
  );
export const notPartOfSwarm = () => new PortholeError('unavailable', 'This node is not part of a swarm');
export const notInSwarm = () =>
  new PortholeError(
    'unavailable',
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );
