import { type Outcome, type Section, sections } from './outcome.ts';

/** Outcomes as the text of an `expected` file: each section under its name. */
export function rendered(outcome: Outcome): string {
  return `${[...outcome].flatMap(([section, lines]) => [`[${section}]`, ...lines]).join('\n')}\n`;
}

/** The reverse of `rendered`. */
export function parsedExpectation(text: string): Outcome {
  const found = new Map<Section, string[]>();
  let lines: string[] = [];
  for (const line of text.trimEnd().split('\n')) {
    const section = sections.find((name) => line === `[${name}]`);
    if (section === undefined) {
      lines.push(line);
      continue;
    }
    lines = [];
    found.set(section, lines);
  }
  return found;
}

/** An outcome without some of its sections. */
export const without = (outcome: Outcome, left: readonly Section[]): Outcome =>
  new Map([...outcome].filter(([section]) => !left.includes(section)));

/** Those of the sections given in which two outcomes are the same. */
export const sameSections = (one: Outcome, other: Outcome, of: readonly Section[]): Section[] =>
  of.filter((section) => `${one.get(section)?.join('\n')}` === `${other.get(section)?.join('\n')}`);
