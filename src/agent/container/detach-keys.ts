import { invalid } from './errors.ts';

/** ctrl-p,ctrl-q */
export const defaultDetachKeys: readonly number[] = [16, 17];

const special: Readonly<Record<string, number>> = {
  '@': 0,
  '[': 27,
  '\\': 28,
  ']': 29,
  '^': 30,
  _: 31,
};

/** Reads Docker's notation, for example 'ctrl-p,ctrl-q' or 'a,ctrl-x'. @throws invalid; of an exec they are called escape keys */
export function parseDetachKeys(text: string, called: 'detach' | 'escape' = 'detach'): number[] {
  return text.split(',').map((key) => {
    if (key.length === 1) return key.charCodeAt(0);
    if (key === 'DEL') return 127;
    const control = /^ctrl-(.)$/.exec(key.toLowerCase())?.[1] ?? '';
    const code = /[a-z]/.test(control) ? control.charCodeAt(0) - 96 : special[control];
    if (code === undefined) throw invalid(`Invalid ${called} keys (${text}) provided`);
    return code;
  });
}

/** Watches typed bytes for the sequence. Bytes that may be its beginning are held until it is clear that they are not. */
export class DetachFilter {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What to pass on, and whether the sequence was completed (what follows it is dropped). */
  feed(data: Buffer): { readonly pass: Buffer; readonly detach: boolean } {
    const pass: number[] = [];
    for (const byte of data) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { pass: Buffer.from(pass), detach: true };
        continue;
      }
      pass.push(...this.#keys.slice(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) pass.push(byte);
    }
    return { pass: Buffer.from(pass), detach: false };
  }
}
