import { wrong } from './errors.ts';

/** What flags an instruction has: a text, several texts, or a switch. */
export type FlagKinds = Readonly<Record<string, 'text' | 'texts' | 'switch'>>;

/** The flags of one instruction, by name, each with its values. @throws invalid in dockerd's words */
export function readFlags(given: readonly string[], kinds: FlagKinds): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const flag of given) {
    const [, name = '', value] = /^--([^=]*)(?:=(.*))?$/s.exec(flag) ?? [];
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) throw wrong(`Unknown flag: ${name}`);
    const before = found.get(name);
    if (before && kind !== 'texts') throw wrong(`Duplicate flag specified: ${name}`);
    found.set(name, [...(before ?? []), checkedValue(name, kind, value)]);
  }
  return found;
}

function checkedValue(name: string, kind: FlagKinds[string], value: string | undefined): string {
  if (kind !== 'switch') {
    if (value === undefined) throw wrong(`Missing a value on flag: ${name}`);
    return value;
  }
  if (value === undefined) return 'true';
  if (value === '') throw wrong(`Missing a value on flag: ${name}`);
  const lower = value.toLowerCase();
  if (lower !== 'true' && lower !== 'false') {
    throw wrong(`Expecting boolean value for flag ${name}, not: ${value}`);
  }
  return lower;
}
