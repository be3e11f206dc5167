/** A value without what a shell pattern (`*`, `?`, escapes) matches at one of its ends. */
export function trimmed(
  value: string,
  pattern: string,
  { from, isLongest }: { readonly from: 'start' | 'end'; readonly isLongest: boolean },
): string {
  const whole = new RegExp(`^(?:${source(pattern)})$`, 's');
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length);
  for (const length of isLongest ? lengths.reverse() : lengths) {
    const cut = from === 'start' ? length : value.length - length;
    const [part, rest] =
      from === 'start' ? [value.slice(0, cut), value.slice(cut)] : [value.slice(cut), value.slice(0, cut)];
    if (whole.test(part)) return rest;
  }
  return value;
}

/** A value with the first match of a shell pattern, or every match, replaced. */
export function replaced(
  value: string,
  pattern: string,
  { by, everywhere }: { readonly by: string; readonly everywhere: boolean },
): string {
  if (pattern === '') return value;
  return value.replace(new RegExp(source(pattern), everywhere ? 'gs' : 's'), () => by);
}

function source(pattern: string): string {
  let found = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === '*') found += '.*';
    else if (character === '?') found += '.';
    else found += literal(character === '\\' && at + 1 < pattern.length ? pattern.charAt(++at) : character);
  }
  return found;
}

const literal = (character: string): string => character.replace(/[$()*+.?[\\\]^{|}/-]/, '\\$&');
