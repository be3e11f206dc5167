import { stat } from 'node:fs/promises';
import { errnoOf, PortholeError } from '../../base/errors.ts';
import type { Spec } from '../oci/runtime.ts';
import { isBind } from '../plan/mount-options.ts';

const missingSource = (path: string) =>
  new PortholeError('invalid', `invalid mount config for type "bind": bind source path does not exist: ${path}`);

/**
 * Destinations of a spec's bind mounts whose source is not a directory, for `ContainerFacts.fileBinds`.
 * @throws invalid when a source does not exist.
 */
export async function fileBinds(spec: Spec): Promise<string[]> {
  const found = await Promise.all(
    (spec.mounts ?? []).filter(isBind).map(async (mount) => {
      const source = mount.source ?? '';
      const isDirectory = await stat(source).then(
        (status) => status.isDirectory(),
        (failure: unknown) => {
          throw errnoOf(failure) === 'ENOENT' ? missingSource(source) : failure;
        },
      );
      return isDirectory ? [] : [mount.destination];
    }),
  );
  return found.flat();
}
