/**
 * Matches the patterns of the `reference` filter: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` are sets, a
 * backslash takes the next character as it is (Go's path.Match). A malformed pattern matches nothing.
 */
export function globMatches(pattern: string, text: string): boolean {
  const source = sourceOf(pattern);
  return source !== undefined && new RegExp(`^${source}$`, 's').test(text);
}

function sourceOf(pattern: string): string | undefined {
  const tokens = pattern.match(/\\.|\[\^?(?:\\.|[^\]\\])+\]|[\s\S]/g) ?? [];
  const parts: string[] = [];
  for (const token of tokens) {
    if (token === '*') parts.push('[^/]*');
    else if (token === '?') parts.push('[^/]');
    else if (token === '[' || token === '\\') return undefined;
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
