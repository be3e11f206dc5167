/** One way in that a registry offers, from a `WWW-Authenticate` header (RFC 9110, 11.6.1). */
export interface Challenge {
  /** In lower case: 'basic', 'bearer'. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;

/** What a header offers, in its order. Reading ends where the header is malformed. */
export function parseChallenges(header: string): Challenge[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const [text] = pattern.exec(header) ?? [];
    if (text !== undefined) at += text.length;
    return text;
  };
  for (;;) {
    take(/[\s,]*/y);
    const word = take(token);
    if (word === undefined) return found;
    if (take(/\s*=\s*/y) === undefined) {
      found.push({ scheme: word.toLowerCase(), parameters: new Map() });
      continue;
    }
    const quoted = take(/"(?:[^"\\]|\\.)*"/y);
    const value = quoted === undefined ? take(token) : quoted.slice(1, -1).replace(/\\(.)/g, '$1');
    const last = found.at(-1);
    if (value === undefined || last === undefined) return found;
    last.parameters.set(word.toLowerCase(), value);
  }
}
