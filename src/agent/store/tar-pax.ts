import { nameOf } from '../sys/names.ts';
import { invalidArchive } from './errors.ts';

/** Records of a pax extended header (pax(1)): values stay bytes, because extended attributes are binary, and so may be their names. */
export type PaxRecords = ReadonlyMap<string, Buffer>;

/** Decodes `LENGTH KEY=VALUE\n` records. @throws invalid for a record that lies about its length. */
export function decodePax(data: Buffer): PaxRecords {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at);
    const digits = space === -1 ? '' : data.toString('latin1', at, space);
    // Writers pad the last block with NUL at worst.
    if (space === -1 && data.subarray(at).every((byte) => byte === 0)) break;
    const length = /^[0-9]{1,9}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = data.indexOf(0x3d, space);
    if (length === 0 || end > data.length || equals === -1 || equals >= end || data[end - 1] !== 0x0a) {
      throw invalidArchive('a pax header has a malformed record');
    }
    records.set(nameOf(data.subarray(space + 1, equals)), data.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** Seconds with an optional fraction, for example '-1.25'. The nanoseconds are never negative. */
export function paxTime(value: Buffer): { seconds: number; nanoseconds: number } {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(value.toString('latin1'));
  if (!match) throw invalidArchive('a pax header has a malformed time');
  const whole = Number(match[2]);
  const nanoseconds = Number((match[3] ?? '').padEnd(9, '0').slice(0, 9));
  if (match[1] === '') return { seconds: whole, nanoseconds };
  return nanoseconds === 0
    ? { seconds: 0 - whole, nanoseconds: 0 }
    : { seconds: -whole - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

export function paxNumber(value: Buffer): number {
  const text = value.toString('latin1');
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw invalidArchive('a pax header has a malformed number');
  }
  return Number(text);
}
