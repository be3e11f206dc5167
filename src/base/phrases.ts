/**
 * A sentence with places for values, made where no language is known and said where the user's is: the extension puts
 * it through its translations (`extension/problems.ts`), a log or a test takes it as it is, in English.
 *
 * @example String(phrase('Copying {0} to {1}', 'the agent', 'web')) === 'Copying the agent to web'
 */
export class Phrase {
  /** English, with `{0}`, `{1}`... for the values; the key of its translations. */
  readonly text: string;
  readonly values: readonly Value[];

  constructor(text: string, values: readonly Value[]) {
    this.text = text;
    this.values = values;
  }

  /** @param translate says one sentence, its values being said already; default: in English */
  say(translate: (text: string, values: readonly (string | number)[]) => string = filled): string {
    return translate(
      this.text,
      this.values.map((value) => (value instanceof Phrase ? value.say(translate) : value)),
    );
  }

  toString(): string {
    return this.say();
  }
}

type Value = string | number | Phrase;

/** Takes a literal string, so that the translations can be held against the code. */
export const phrase = (text: string, ...values: readonly Value[]): Phrase => new Phrase(text, values);

/** Several one after the other; what stands between them is the same in every language. */
export const listed = (values: readonly Value[], between: string): Phrase =>
  new Phrase(values.map((_, index) => `{${index}}`).join(between), values);

const filled = (text: string, values: readonly (string | number)[]): string =>
  text.replace(/\{(\d+)\}/g, (place, index: string) => String(values[Number(index)] ?? place));
