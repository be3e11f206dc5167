import { PortholeError } from '../../base/errors.ts';
import { type Phrase, phrase } from '../../base/phrases.ts';
import type { FactView } from '../../protocol/inspect-page.ts';
import { Answer } from './answer.ts';

type Words = Phrase | string;

/** `FactView` before it is said in a language. */
export interface Fact extends Omit<FactView, 'name' | 'value' | 'note'> {
  readonly name: Words;
  readonly value: Words;
  readonly note?: Words;
}

export interface Section {
  /** Stable, for tests and style sheets. */
  readonly id: string;
  readonly title: Phrase;
  readonly facts: readonly Fact[];
}

/** @throws internal for what is no object */
export function answerOf(inspected: unknown): Answer {
  const answer = new Answer(inspected);
  if (answer.isObject) return answer;
  throw new PortholeError('internal', phrase('The engine sent something that describes no object.'));
}

/** Sections without a fact are left out. */
export const filled = (sections: readonly Section[]): readonly Section[] =>
  sections.filter(({ facts }) => facts.length > 0);

/** Nothing for an empty value. */
export function fact(name: Words, value: Words, more: Omit<Fact, 'name' | 'value'> = {}): readonly Fact[] {
  return value === '' ? [] : [{ name, value, ...more }];
}

export const code = (name: Words, value: string): readonly Fact[] => fact(name, value, { form: 'code' });

/** Nothing for the year 1, which is how Go writes that a time was never set. */
export const time = (name: Words, value: string): readonly Fact[] =>
  value.startsWith('0001-') ? [] : fact(name, value, { form: 'time' });

/** As a shell would take them. */
export const commandLine = (words: readonly string[]): string =>
  words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');

/** `NAME=value` lines as facts. */
export const assignments = (lines: readonly string[]): readonly Fact[] =>
  lines.map((line) => {
    const at = line.indexOf('=');
    return { name: at < 0 ? line : line.slice(0, at), value: at < 0 ? '' : line.slice(at + 1), form: 'code' };
  });

export const pairs = (map: Answer): readonly Fact[] =>
  map.entries.map(([name, value]) => ({ name, value: value.text, form: 'code' }));
