import { stat } from 'node:fs/promises';
import { errnoOf, messageOf, PortholeError } from '../../base/errors.ts';
import type { Spec } from '../oci/runtime.ts';
import { isBind, sourceInside } from '../plan/mount-options.ts';

const missingSource = (path: string) =>
  new PortholeError('invalid', `invalid mount config for type "bind": bind source path does not exist: ${path}`);

/** Too long a name, a file on the way, a circle of links: what the user gave, not what we did. */
const noSource = (cause: unknown) =>
  new PortholeError('invalid', `invalid mount config for type "bind": ${messageOf(cause)}`, { cause });

/**
 * Destinations of a spec's bind mounts whose source is not a directory, for `ContainerFacts.fileBinds`.
 * @param coming what sources that are not there yet will be.
 * @throws invalid when another source does not exist.
 */
export async function fileBinds(
  spec: Spec,
  coming: ReadonlyMap<string, 'file' | 'directory'> = new Map(),
): Promise<string[]> {
  const found = await Promise.all(
    (spec.mounts ?? [])
      .filter((mount) => isBind(mount) && !sourceInside(mount))
      .map(async (mount) => {
        const source = mount.source ?? '';
        const isDirectory = await stat(source).then(
          (status) => status.isDirectory(),
          (failure: unknown) => {
            const expected = coming.get(source);
            if (errnoOf(failure) === 'ENOENT' && expected !== undefined) return expected === 'directory';
            throw errnoOf(failure) === 'ENOENT' ? missingSource(source) : noSource(failure);
          },
        );
        return isDirectory ? [] : [mount.destination];
      }),
  );
  return found.flat();
}
