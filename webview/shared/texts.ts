/** The panel's words in the user's language: the extension's own bundle, looked up by the English sentence. */
export class Texts {
  readonly #bundle: Readonly<Record<string, string>>;

  constructor(bundle: Readonly<Record<string, string>>) {
    this.#bundle = bundle;
  }

  /** `{0}`, `{1}` in the sentence stand for the values. A sentence without a translation stays English. */
  t(sentence: string, ...values: readonly (string | number)[]): string {
    const translated = this.#bundle[sentence] ?? sentence;
    return translated.replace(/\{(\d+)\}/g, (whole, index: string) => String(values[Number(index)] ?? whole));
  }
}
