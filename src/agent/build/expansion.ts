import { expandText, expandWord, expandWords, type Variables } from '../dockerfile/expand.ts';
import type { BuildArgs } from './build-args.ts';

export type Expand = (word: string) => string;
export type ExpandAll = (word: string) => readonly string[];

/** What the variables of a step are: the environment of the image first, then what ARG lets in. */
export function expansionOf({
  env,
  args,
  escapeToken,
}: {
  readonly env: readonly string[];
  readonly args: BuildArgs;
  readonly escapeToken: string;
}) {
  const values = new Map<string, string>();
  for (const line of [...env, ...args.beside(env)]) {
    const equals = line.indexOf('=');
    const name = equals < 0 ? line : line.slice(0, equals);
    if (!values.has(name)) values.set(name, equals < 0 ? '' : line.slice(equals + 1));
  }
  const variables: Variables = (name) => values.get(name);
  return {
    one: (word: string) => expandWord(word, variables, escapeToken),
    all: (word: string) => expandWords(word, variables, escapeToken),
    text: (text: string) => expandText(text, variables, escapeToken),
  };
}
