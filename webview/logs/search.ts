import type { LogLine } from '../../src/protocol/log-page.ts';
import { plainText } from './ansi.ts';

export interface Wanted {
  /** '' for whatever is there. */
  readonly text: string;
  /** `text` is a regular expression. */
  readonly expression: boolean;
  readonly stream: 'all' | LogLine['stream'];
  /** Milliseconds since the epoch; 0: from the beginning. */
  readonly since: number;
}

/** What finds the words in a line's plain text. @returns undefined: every line; an Error: the expression is none. */
export function finder({ text, expression }: Pick<Wanted, 'text' | 'expression'>): RegExp | Error | undefined {
  if (text === '') return undefined;
  try {
    return new RegExp(expression ? text : text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'giu');
  } catch (failure) {
    return failure instanceof Error ? failure : new Error(String(failure));
  }
}

/** True when a line is of the stream and the time. */
export const inScope = ({ stream, at }: LogLine, wanted: Pick<Wanted, 'stream' | 'since'>): boolean =>
  (wanted.stream === 'all' || wanted.stream === stream) && (wanted.since === 0 || at >= wanted.since);

export function found(line: LogLine, pattern: RegExp): boolean {
  pattern.lastIndex = 0;
  return pattern.test(plainText(line.text));
}

/** Where in a text the pattern matches, as pairs of begin and end. */
export function places(text: string, pattern: RegExp): [number, number][] {
  return [...text.matchAll(pattern)]
    .filter(([match]) => match !== '')
    .map(({ 0: match, index }) => [index, index + match.length]);
}

/** Cuts spans at the places that are to be marked. */
export function marked<T extends { readonly text: string }>(
  spans: readonly T[],
  marks: readonly (readonly [number, number])[],
): (T & { readonly hit: boolean })[] {
  const cut: (T & { readonly hit: boolean })[] = [];
  let at = 0;
  for (const span of spans) {
    const end = at + span.text.length;
    const edges = marks.flat().filter((edge) => edge > at && edge < end);
    let from = at;
    for (const to of [...edges, end]) {
      const hit = marks.some(([begin, close]) => begin <= from && to <= close);
      if (to > from) cut.push({ ...span, text: span.text.slice(from - at, to - at), hit });
      from = to;
    }
    at = end;
  }
  return cut;
}
