import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The directories of the PATH. */
export const pathPlaces = (): string[] => (process.env['PATH'] ?? '').split(delimiter);

/** The path of a program, the first in the directories given; undefined when it is in none. */
export function findProgram(name: string, places: readonly string[] = pathPlaces()): string | undefined {
  return places
    .map((place) => join(place, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
