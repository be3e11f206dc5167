import { PortholeError } from '../../base/errors.ts';

/** Something in a spec that cannot be: named by its place in config.json. */
export const invalidSpec = (place: string, problem: string) => new PortholeError('invalid', `${place}: ${problem}`);

/** Something that the specification has and this host or this version does not. */
export const unsupportedSpec = (place: string, problem: string) =>
  new PortholeError('unsupported', `${place}: ${problem}`);
