import { PortholeError } from '../../base/errors.ts';
import { pathOf } from './keys.ts';

/** An index that does not say what an index says. */
export const damagedIndex = (path: string, what: string, options?: { cause?: unknown }): PortholeError =>
  new PortholeError('internal', `the layer index ${path} is damaged: ${what}`, options);

export const outOfOrder = (key: Buffer): PortholeError =>
  new PortholeError('internal', `/${pathOf(key)} does not follow what was indexed before it`);

export const nothingAt = (path: string): PortholeError =>
  new PortholeError('not-found', `nothing is visible at /${path}`);

export const noDirectory = (path: string): PortholeError => new PortholeError('invalid', `/${path} is not a directory`);

export const noSuchLayer = (image: string, position: number): PortholeError =>
  new PortholeError('not-found', `image ${image} has no layer ${position}`);

export const uncounted = (
  image: string,
  sums: Readonly<Record<'stored' | 'visible' | 'wasted', number>>,
): PortholeError =>
  new PortholeError(
    'internal',
    `image ${image} stores ${sums.stored} bytes, but ${sums.visible} visible and ${sums.wasted} hidden ones were counted`,
  );
