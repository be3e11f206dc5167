import { PortholeError } from '../../base/errors.ts';

/** Failures of volumes in dockerd's words. */
export const noSuchVolume = (name: string) => new PortholeError('not-found', `get ${name}: no such volume`);
export const volumeInUse = (name: string, holders: readonly string[]) =>
  new PortholeError('conflict', `remove ${name}: volume is in use - [${holders.join(', ')}]`);
export const noSuchDriver = (name: string, driver: string) =>
  new PortholeError(
    'not-found',
    `create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
  );
export const badVolume = (name: string, why: string) => new PortholeError('invalid', `create ${name}: ${why}`);
export const pruneRuns = () => new PortholeError('conflict', 'a prune operation is already running');
export const cannotMount = (path: string, why: string, cause: unknown) =>
  new PortholeError('internal', `error while mounting volume '${path}': ${why}`, { cause });
export const damagedVolume = (name: string, why: string) =>
  new PortholeError('conflict', `the volume ${name} cannot be used: ${why}`);
