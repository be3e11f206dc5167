/** Go's `%q` of a text, as dockerd writes commands into an image's history. */
export function quoted(text: string): string {
  let found = '"';
  for (const character of text) found += escapes[character] ?? shown(character);
  return `${found}"`;
}

/** Go's `%q` of a list. */
export const quotedList = (texts: readonly string[]): string => `[${texts.map(quoted).join(' ')}]`;

/** Go's `%v` of a list. */
export const plainList = (texts: readonly string[]): string => `[${texts.join(' ')}]`;

/** Go's `%q` of a small whole number, which it takes for a character. */
export function quotedRune(value: number): string {
  if (value === 0x27) return "'\\''";
  const text = quoted(String.fromCodePoint(value)).slice(1, -1);
  return `'${text === '\\"' ? '"' : text}'`;
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

function shown(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) return character;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Go's text of a duration. @param nanoseconds */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  const trim = (value: number): string => String(Number(value.toFixed(9)));
  if (nanoseconds < 1e3) return `${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${trim(nanoseconds / 1e3)}µs`;
  if (nanoseconds < 1e9) return `${trim(nanoseconds / 1e6)}ms`;
  const seconds = nanoseconds / 1e9;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = `${trim(seconds - hours * 3600 - minutes * 60)}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}

const units: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 };

/** Nanoseconds of Go's text of a duration; a text instead: what Go says is wrong. */
export function parseGoDuration(text: string): number | string {
  if (text === '0') return 0;
  const parts = [...text.matchAll(/(\d+\.?\d*|\.\d+)([a-zµ]*)/g)];
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  if (parts.length === 0 || sign + parts.map(([part]) => part).join('') !== text) {
    return `time: invalid duration ${quoted(text)}`;
  }
  let sum = 0;
  for (const [, count = '', unit = ''] of parts) {
    const weight = units[unit];
    if (unit === '') return `time: missing unit in duration ${quoted(text)}`;
    if (weight === undefined) return `time: unknown unit ${quoted(unit)} in duration ${quoted(text)}`;
    sum += Number(count) * weight;
  }
  return sign === '-' ? -sum : sum;
}
