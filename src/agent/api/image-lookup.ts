import { isKind } from '../../base/errors.ts';
import type { ImageRecord } from '../store/contract.ts';
import type { Engine } from './engine.ts';

/** Undefined for a name or id that is no image's, or no name at all. */
export function imageOrNone(engine: Engine, nameOrId: string): ImageRecord | undefined {
  try {
    return engine.images.get(nameOrId);
  } catch (failure) {
    if (isKind(failure, 'not-found') || isKind(failure, 'invalid')) return undefined;
    throw failure;
  }
}
