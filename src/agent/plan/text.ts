/**
 * UTF-8 bytes of a text and back. TextEncoder is not part of the language, and this folder may use nothing else; what is
 * written to kernel files is short.
 */
export function text(value: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of value) {
    const point = character.codePointAt(0) ?? 0;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), continuation(point));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), continuation(point >> 6), continuation(point));
    else bytes.push(0xf0 | (point >> 18), continuation(point >> 12), continuation(point >> 6), continuation(point));
  }
  return Uint8Array.from(bytes);
}

/** The text of bytes, undefined where they are not ASCII that can be printed. */
export function printable(bytes: Uint8Array): string | undefined {
  let value = '';
  for (const byte of bytes) {
    if (byte !== 0x0a && (byte < 0x20 || byte > 0x7e)) return undefined;
    value += String.fromCharCode(byte);
  }
  return value;
}

const continuation = (bits: number): number => 0x80 | (bits & 0x3f);
