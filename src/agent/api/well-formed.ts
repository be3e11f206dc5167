import type { Reply } from './route.ts';

/** Every escape of JSON text; of them `JSON.stringify` writes only the stray bytes of text that is not UTF-8 as `\udcXX`. */
const escapes = /\\(?:(udc[89a-f][0-9a-f])|.)/g;

/** A JSON answer with U+FFFD for bytes that are not UTF-8: as Go writes labels, environments and instructions. */
export const wellFormed = (value: object): Reply => ({
  kind: 'json',
  status: 200,
  text: JSON.stringify(value).replace(escapes, (found, stray) => (stray === undefined ? found : '\ufffd')),
});
