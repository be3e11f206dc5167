import type { Outcome } from './engine.ts';

/** The image that both engines have before the first scenario. */
export const image = 'busybox';

/** A command line of a scenario. Its exit code and output are compared unless it is `quiet`. */
export interface Step {
  /** The program and its arguments, mostly `docker`. */
  readonly words: readonly string[];
  readonly input?: Buffer | string;
  /** Run it on a pseudoterminal. */
  readonly isTerminal?: boolean;
  /** Prepares or waits; only its success counts. */
  readonly isQuiet?: boolean;
  /** Turns what differs from run to run (figures, pids) into words, after ids, times and addresses. */
  readonly normalize?: (text: string) => string;
  readonly differs?: Difference<Outcome>;
}

/** A listed difference: one that is none any more fails, and so does an answer of ours other than this. */
export interface Difference<Answer> {
  /** Why the two engines answer differently, and why that is right. */
  readonly why: string;
  readonly ours: Answer;
}

/** What is typed after `docker `, with the quotes of a shell. */
export type Line = string | Step;

export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
  /** How the events that it leaves are compared; by default each one in its place. */
  readonly events?: EventRule;
}

export interface EventRule {
  /** Several containers do things at once: only the order of each one's own events counts. */
  readonly isInterleaved?: boolean;
  /** Events of ours or of dockerd that the other does not have, or in another order. */
  readonly differs?: Difference<readonly string[]>;
  /** Turns what differs from run to run into words. */
  readonly normalize?: (lines: string) => string;
}

/**
 * @example
 * scenario('a name is used once', quiet('create --name a busybox'), 'create --name a busybox', 'ps -a')
 */
export function scenario(name: string, ...lines: readonly Line[]): Scenario {
  return { name, steps: lines.map(stepOf) };
}

export const withEvents = (events: EventRule, of: Scenario): Scenario => ({ ...of, events });

/** Prepares or waits; only its success counts. */
export const quiet = (line: Line): Step => ({ ...stepOf(line), isQuiet: true });
/** With standard input. */
export const typed = (input: Buffer | string, line: Line): Step => ({ ...stepOf(line), input });
/** On a pseudoterminal. */
export const terminal = (line: Line): Step => ({ ...stepOf(line), isTerminal: true });
/** The engines answer differently, and why that is right. What of ours is not named is 0 or empty. */
export const differs = (why: string, line: Line, ours: Partial<Outcome>): Step => ({
  ...stepOf(line),
  differs: { why, ours: { code: 0, stdout: '', stderr: '', ...ours } },
});
/** A script of the host's shell, in the directory of the scenario. */
export const shell = (script: string): Step => ({ words: ['sh', '-c', script] });
/** Compared after a function has taken out what differs from run to run. */
export const seenAs = (normalize: (text: string) => string, line: Line): Step => ({ ...stepOf(line), normalize });

const stepOf = (line: Line): Step => (typeof line === 'string' ? { words: ['docker', ...wordsOf(line)] } : line);

/** Words of a command line: blanks part them, quotes hold them together, and nothing else means anything. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)) {
    words.push(word.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''));
  }
  return words;
}
