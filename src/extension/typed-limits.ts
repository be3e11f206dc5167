/** Limits as people type them, and as engines take them. Pure. */

const units: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** '64m', '1.5 GiB', '512' (bytes) in bytes; '' and '0' are no limit, 0. Undefined: not a size. */
export function parseMemory(text: string): number | undefined {
  const found = /^\s*(\d+(?:\.\d+)?)?\s*([bkmgt]?)(?:i?b)?\s*$/i.exec(text);
  if (!found) return undefined;
  const [, digits = '0', unit = ''] = found;
  const bytes = Math.round(Number(digits) * (units[unit.toLowerCase()] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** '1.5' CPUs in billionths; '' is no limit, 0. Undefined: not a number. */
export function parseCpus(text: string): number | undefined {
  if (!/^\s*(\d+(\.\d+)?)?\s*$/.test(text)) return undefined;
  return Math.round(Number(text.trim() || '0') * 1e9);
}

/** A count; '' is no limit, 0. Undefined: not a whole number. */
export function parseCount(text: string): number | undefined {
  return /^\s*\d{0,9}\s*$/.test(text) ? Number(text.trim() || '0') : undefined;
}
