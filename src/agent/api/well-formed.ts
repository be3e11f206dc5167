/** As `JSON.stringify` writes the stray bytes of text that is not UTF-8, behind no backslash that is itself escaped. */
const strayBytes = /(?<=(?:^|[^\\])(?:\\\\)*)\\udc[89a-f][0-9a-f]/g;

/** The same answer with U+FFFD for bytes that are not UTF-8: as Go writes labels, environments and instructions. */
export function wellFormed(value: object): object {
  const text = JSON.stringify(value);
  return text.search(strayBytes) < 0 ? value : Object(JSON.parse(text.replace(strayBytes, '\ufffd')));
}
