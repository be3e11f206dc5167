import { parseDockerfile } from '../../agent/dockerfile/dockerfile.ts';
import { PortholeError } from '../../base/errors.ts';
import type { Lines } from './answers.ts';

/** What has to be known of a Dockerfile before it is built. */
export interface Recipe {
  /** Names of the stages that can be built alone; the last is what is built when nobody asks for one. */
  readonly stages: readonly string[];
  /** Names of its build arguments. */
  readonly args: readonly string[];
  /** Images that it begins with, as they are written. */
  readonly bases: readonly string[];
  /** Where its instructions stand, in the order in which the classic builder numbers its steps. */
  readonly steps: readonly Lines[];
}

/** One that cannot be read has nothing to choose from: the engine says what is wrong, in its own words. */
export function recipeOf(text: string): Recipe {
  try {
    const { stages, metaArgs } = parseDockerfile(text);
    const all = [...metaArgs, ...stages.flatMap(({ from, instructions }) => [from, ...instructions])];
    const args = all.flatMap((instruction) =>
      instruction.kind === 'arg' ? instruction.args.map(({ name }) => name) : [],
    );
    const names = stages.flatMap(({ from }) => (from.name === undefined ? [] : [from.name]));
    const bases = stages.map(({ from }) => from.base).filter((base) => isImage(base, names));
    return {
      stages: stages.length > 1 ? names : [],
      args: [...new Set(args)],
      bases: [...new Set(bases)],
      steps: all.map(({ lines }) => lines),
    };
  } catch (failure) {
    if (failure instanceof PortholeError) return { stages: [], args: [], bases: [], steps: [] };
    throw failure;
  }
}

const isImage = (base: string, stages: readonly string[]): boolean =>
  base !== 'scratch' && !base.includes('$') && !stages.includes(base.toLowerCase());

/** The name that an image of a directory gets when nobody gives it another: letters and digits of the directory's own. */
export function nameFor(directory: string): string {
  const name = directory
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `${name || 'image'}:latest`;
}

/** `NAME=value` words as a map; a name alone takes the value of this computer's environment, as with docker. */
export function buildArgs(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    words.flatMap((word) => {
      const at = word.indexOf('=');
      if (at > 0) return [[word.slice(0, at), word.slice(at + 1)]];
      const value = env[word];
      return value === undefined ? [] : [[word, value]];
    }),
  );
}
