/** Nanoseconds of each unit that Go knows, the longest names first: `ms` is no `m`. */
const units: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  h: 3600e9,
  m: 60e9,
  s: 1e9,
};
const part = /^(\d+(?:\.\d*)?|\.\d+)([^\d.]*)/;

export type GoDuration =
  | { readonly nanoseconds: number }
  /** In Go's own words, which Docker's clients see: `time: unknown unit "x" in duration "5x"`. */
  | { readonly problem: string };

/** A duration as Go's programs read it: '1h30m', '1.5s', '-10ms', '0'. */
export function goDuration(text: string): GoDuration {
  const quoted = JSON.stringify(text);
  const unsigned = text.replace(/^[+-]/, '');
  if (unsigned === '0') return { nanoseconds: 0 };
  if (unsigned === '') return { problem: `time: invalid duration ${quoted}` };
  let sum = 0;
  for (let rest = unsigned; rest !== ''; ) {
    const [whole, amount, unit = ''] = part.exec(rest) ?? [];
    if (whole === undefined) return { problem: `time: invalid duration ${quoted}` };
    if (unit === '') return { problem: `time: missing unit in duration ${quoted}` };
    const size = Object.hasOwn(units, unit) ? units[unit] : undefined;
    if (size === undefined) {
      return { problem: `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}` };
    }
    sum += Number(amount) * size;
    rest = rest.slice(whole.length);
  }
  if (sum > longest) return { problem: `time: invalid duration ${quoted}` };
  return { nanoseconds: text.startsWith('-') ? -sum : sum };
}

/** A signed 64-bit count of nanoseconds: 292 years. */
const longest = 2 ** 63;

/** As Go prints a duration: 1.5s, 1m0s, 250ms. */
export function printedDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${trimmed(milliseconds)}ms`;
  const seconds = milliseconds / 1000;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = `${trimmed(seconds % 60)}s`;
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${rest}`;
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(9)));
}
