import { wrong } from './errors.ts';
import { replaced, trimmed } from './patterns.ts';

/** The value of a variable; undefined: it is not set. */
export type Variables = (name: string) => string | undefined;

/** Expands variables and takes quotes and escapes away, as Docker does with one word. @throws invalid in dockerd's words */
export function expandWord(word: string, variables: Variables, escapeToken: string): string {
  return expanded(word, variables, escapeToken).text;
}

/** The same where spaces in values part words (EXPOSE). */
export function expandWords(word: string, variables: Variables, escapeToken: string): readonly string[] {
  return expanded(word, variables, escapeToken).words;
}

/** Variables in the text of a here-document: quotes are kept as they are. */
export function expandText(text: string, variables: Variables, escapeToken: string): string {
  const reader = new Reader(text, variables, escapeToken);
  return reader.text();
}

function expanded(word: string, variables: Variables, escapeToken: string) {
  try {
    return new Reader(word, variables, escapeToken).until(undefined);
  } catch (failure) {
    if (!(failure instanceof Error)) throw failure;
    throw wrong(`failed to process ${JSON.stringify(word)}: ${failure.message}`);
  }
}

/** From `words`, what came literally, quoted or by expansion. */
class Words {
  readonly #done: string[] = [];
  #word: string | undefined;

  add(text: string): void {
    for (const character of text) {
      if (!/\s/.test(character)) this.addRaw(character);
      else this.#end();
    }
  }

  addRaw(text: string): void {
    this.#word = (this.#word ?? '') + text;
  }

  get all(): readonly string[] {
    this.#end();
    return this.#done;
  }

  #end(): void {
    if (this.#word !== undefined) this.#done.push(this.#word);
    this.#word = undefined;
  }
}

class Reader {
  readonly #source: string;
  readonly #variables: Variables;
  readonly #escapeToken: string;
  #at = 0;

  constructor(source: string, variables: Variables, escapeToken: string) {
    this.#source = source;
    this.#variables = variables;
    this.#escapeToken = escapeToken;
  }

  #peek(): string {
    return this.#source.charAt(this.#at);
  }

  get #isOver(): boolean {
    return this.#at >= this.#source.length;
  }

  until(stop: string | undefined, { keepsEscapes = false } = {}): { text: string; words: readonly string[] } {
    let text = '';
    const words = new Words();
    while (!this.#isOver) {
      const character = this.#peek();
      if (character === stop) {
        this.#at++;
        return { text, words: words.all };
      }
      if (character === '$') {
        const value = this.#dollar();
        text += value;
        words.add(value);
      } else if (character === "'" || character === '"') {
        const value = character === "'" ? this.#singleQuoted() : this.#doubleQuoted();
        text += value;
        words.addRaw(value);
      } else if (character === this.#escapeToken) {
        this.#at++;
        if (this.#isOver) break;
        const escaped = (keepsEscapes ? character : '') + this.#peek();
        text += escaped;
        words.addRaw(escaped);
        this.#at++;
      } else {
        text += character;
        words.add(character);
        this.#at++;
      }
    }
    if (stop !== undefined) throw wrong(`unexpected end of statement while looking for matching ${stop}`);
    return { text, words: words.all };
  }

  text(): string {
    let text = '';
    while (!this.#isOver) {
      if (this.#peek() === '$') text += this.#dollar();
      else if (
        this.#peek() === this.#escapeToken &&
        ['$', this.#escapeToken].includes(this.#source.charAt(this.#at + 1))
      ) {
        text += this.#source.charAt(this.#at + 1);
        this.#at += 2;
      } else text += this.#source.charAt(this.#at++);
    }
    return text;
  }

  #singleQuoted(): string {
    const end = this.#source.indexOf("'", this.#at + 1);
    if (end < 0) throw wrong('unexpected end of statement while looking for matching single-quote');
    const text = this.#source.slice(this.#at + 1, end);
    this.#at = end + 1;
    return text;
  }

  #doubleQuoted(): string {
    let text = '';
    for (this.#at++; ; ) {
      if (this.#isOver) throw wrong('unexpected end of statement while looking for matching double-quote');
      const character = this.#peek();
      if (character === '"') {
        this.#at++;
        return text;
      }
      if (character === '$') {
        text += this.#dollar();
        continue;
      }
      this.#at++;
      if (character === this.#escapeToken) {
        if (this.#isOver) continue;
        if (['"', '$', this.#escapeToken].includes(this.#peek())) {
          text += this.#peek();
          this.#at++;
          continue;
        }
      }
      text += character;
    }
  }

  #name(): string {
    const [name = ''] = /^(?:\d+|[@*#?\-$!]|[\p{L}_][\p{L}\p{N}_]*)/u.exec(this.#source.slice(this.#at)) ?? [];
    this.#at += name.length;
    return name;
  }

  #dollar(): string {
    this.#at++;
    if (this.#peek() !== '{') {
      const name = this.#name();
      return name === '' ? '$' : (this.#variables(name) ?? '');
    }
    this.#at++;
    if (this.#isOver) throw wrong("syntax error: missing '}'");
    if (['{', '}', ':'].includes(this.#peek())) throw wrong('syntax error: bad substitution');
    const name = this.#name();
    const value = this.#variables(name);
    const sign = this.#peek();
    this.#at++;
    switch (sign) {
      case '}':
        return value ?? '';
      case ':': {
        const modifier = this.#peek();
        this.#at++;
        return this.#choice(modifier, { name, value: value === '' ? undefined : value, isEmptyUnset: true });
      }
      case '-':
      case '+':
      case '?':
        return this.#choice(sign, { name, value, isEmptyUnset: false });
      case '#':
      case '%':
      case '/':
        return this.#change(sign, value ?? '');
      default:
        throw wrong("missing ':' in substitution");
    }
  }

  /** `-`, `+` and `?`, by whether there is a value. */
  #choice(
    modifier: string,
    {
      name,
      value,
      isEmptyUnset,
    }: { readonly name: string; readonly value: string | undefined; readonly isEmptyUnset: boolean },
  ): string {
    const word = this.#inBraces();
    if (modifier === '-') return value ?? word;
    if (modifier === '+') return value === undefined ? '' : word;
    if (modifier !== '?') throw wrong(`unsupported modifier (${modifier}) in substitution`);
    if (value !== undefined) return value;
    throw wrong(`${name}: ${word || `is not allowed to be ${isEmptyUnset ? 'empty' : 'unset'}`}`);
  }

  /** A part taken away at the beginning or the end, or replaced. */
  #change(sign: '#' | '%' | '/', value: string): string {
    const isDoubled = this.#peek() === sign;
    if (isDoubled) this.#at++;
    if (sign !== '/') {
      return trimmed(value, this.#inBraces({ keepsEscapes: true }), {
        from: sign === '#' ? 'start' : 'end',
        isLongest: isDoubled,
      });
    }
    const { text: pattern } = this.until('/', { keepsEscapes: true });
    return replaced(value, pattern, { by: this.#inBraces(), everywhere: isDoubled });
  }

  #inBraces(options: { readonly keepsEscapes?: boolean } = {}): string {
    try {
      return this.until('}', options).text;
    } catch (failure) {
      if (this.#isOver) throw wrong("syntax error: missing '}'");
      throw failure;
    }
  }
}
