import { badParameter } from './errors.ts';

/**
 * Matches the patterns of the `reference` filter: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` are sets, a
 * backslash takes the next character as it is (Go's path.Match). @throws invalid for a malformed pattern, as Go says it
 */
export function globMatches(pattern: string, text: string): boolean {
  return new RegExp(`^${sourceOf(pattern)}$`, 's').test(text);
}

function sourceOf(pattern: string): string {
  const tokens = pattern.match(/\\.|\[\^?(?:\\.|[^\]\\])+\]|[\s\S]/g) ?? [];
  const parts: string[] = [];
  for (const token of tokens) {
    if (token === '*') parts.push('[^/]*');
    else if (token === '?') parts.push('[^/]');
    else if (token === '[' || token === '\\') throw badParameter('syntax error in pattern');
    else if (token.length > 1 && token.startsWith('[')) parts.push(setOf(token));
    else parts.push(escaped(token.replace(/^\\(?=.)/s, '')));
  }
  return parts.join('');
}

function setOf(token: string): string {
  const isNegated = token.startsWith('[^');
  const members = token.slice(isNegated ? 2 : 1, -1).match(/\\.|[\s\S]/g) ?? [];
  // Each member as \uXXXX: none is then special inside a set but the dash, which makes ranges here too.
  const body = members.map((one) => (one === '-' ? one : `\\u${hex(one.replace(/^\\(?=.)/s, ''))}`)).join('');
  return `[${isNegated ? '^' : ''}${body}]`;
}

const hex = (character: string): string => character.charCodeAt(0).toString(16).padStart(4, '0');
const escaped = (character: string): string => character.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
