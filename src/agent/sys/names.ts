/**
 * File names are bytes on Linux, in most cases UTF-8. Here they are text: a byte that is no part of valid UTF-8 becomes
 * one of the 128 surrogates from U+DC80 on, which no valid UTF-8 gives (as PEP 383 has it), so that every name comes back
 * as the bytes that it was.
 */
export function nameOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  // U+FFFD is what the decoder makes of bytes that are not UTF-8; a name may also really hold it.
  if (!text.includes('\uFFFD') || Buffer.from(text).equals(bytes)) return text;
  let found = '';
  for (let at = 0; at < bytes.length; ) {
    const size = validSequence(bytes, at);
    found += size > 0 ? bytes.toString('utf8', at, at + size) : String.fromCharCode(firstEscape + (bytes[at] ?? 0));
    at += Math.max(1, size);
  }
  return found;
}

/** The bytes of a name: UTF-8 but for what `nameOf` escaped. */
export function bytesOf(name: string): Buffer {
  if (!escaped.test(name)) return Buffer.from(name);
  return Buffer.concat(
    name
      .split(/([\uDC80-\uDCFF]+)/u)
      .map((part, position) =>
        position % 2 === 0 ? Buffer.from(part) : Buffer.from([...part].map((one) => one.charCodeAt(0) & 0xff)),
      ),
  );
}

const firstEscape = 0xdc00;
/** `u`: behind a high surrogate it is half of an ordinary character. */
const escaped = /[\uDC80-\uDCFF]/u;

/** Length of the valid UTF-8 sequence at a position; 0: there is none. */
function validSequence(bytes: Buffer, at: number): number {
  for (let size = 1; size <= 4 && at + size <= bytes.length; size++) {
    const part = bytes.subarray(at, at + size);
    if (Buffer.from(part.toString('utf8')).equals(part)) return size;
  }
  return 0;
}
