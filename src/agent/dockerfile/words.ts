import { wrong } from './errors.ts';

/** Words as Docker's parser splits them: quotes and escapes keep spaces together, and stay for the expansion. */
export function wordsOf(rest: string, escapeToken: string): string[] {
  const words: string[] = [];
  let word = '';
  let begun = false;
  let quote = '';
  for (let at = 0; at < rest.length; at++) {
    const character = rest.charAt(at);
    if (quote === '' && /\s/.test(character)) {
      if (begun) words.push(word);
      word = '';
      begun = false;
      continue;
    }
    if (character === escapeToken && quote !== "'") {
      // One at the very end says nothing.
      if (at + 1 === rest.length) break;
      word += character + rest.charAt(++at);
      begun = true;
      continue;
    }
    if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = '';
    word += character;
    begun = true;
  }
  if (begun) words.push(word);
  return words;
}

/** `NAME=value ...` or the old `NAME all the rest`, as names and values in turn. @throws invalid in dockerd's words */
export function labelWords(
  rest: string,
  { keyword, escapeToken }: { readonly keyword: string; readonly escapeToken: string },
): string[] {
  const words = wordsOf(rest, escapeToken);
  const [first] = words;
  if (first === undefined) return [];
  if (!first.includes('=')) {
    const [, name = '', value] = /^(\S+)\s+(.*)$/s.exec(rest) ?? [];
    if (value === undefined) throw wrong(`${keyword} must have two arguments`);
    return [name, value];
  }
  return words.flatMap((word) => {
    const equals = word.indexOf('=');
    if (equals < 0) {
      throw wrong(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    }
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

/** Takes the `--flags` that come first. Quotes in them are taken away. */
export function splitFlags(text: string): { readonly flags: readonly string[]; readonly rest: string } {
  const flags: string[] = [];
  for (let at = 0; ; ) {
    while (/\s/.test(text.charAt(at))) at++;
    if (!text.startsWith('--', at)) return { flags, rest: text.slice(at) };
    let word = '';
    let quote = '';
    for (; at < text.length && (quote !== '' || !/\s/.test(text.charAt(at))); at++) {
      const character = text.charAt(at);
      if (character === '\\' && quote !== "'") word += text.charAt(++at);
      else if (character === quote) quote = '';
      else if (quote === '' && (character === '"' || character === "'")) quote = character;
      else word += character;
    }
    if (word === '--') return { flags, rest: text.slice(at) };
    flags.push(word);
  }
}

/**
 * The JSON array of texts that `rest` begins with; what follows it is not looked at, as in Docker. Undefined: it is none,
 * and is taken as it is written.
 * @throws invalid for an array of something else.
 */
export function jsonArray(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  const end = endOfArray(rest);
  if (end === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(rest.slice(0, end));
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const texts = value.filter((item) => typeof item === 'string');
  if (texts.length === value.length) return texts;
  throw wrong('when using JSON array syntax, arrays must be comprised of strings only');
}

function endOfArray(text: string): number | undefined {
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (isQuoted) {
      if (character === '\\') at++;
      else if (character === '"') isQuoted = false;
    } else if (character === '"') isQuoted = true;
    else if (character === '[' || character === '{') depth++;
    else if ((character === ']' || character === '}') && --depth === 0) return at + 1;
  }
  return undefined;
}
