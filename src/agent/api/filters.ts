import * as v from 'valibot';
import { patternMatch } from '../container/patterns.ts';
import { badParameter } from './errors.ts';

const Listed = v.nullable(v.record(v.string(), v.array(v.string())));
const Mapped = v.record(v.string(), v.record(v.string(), v.boolean()));

/** The `filters` parameter of list, event and prune routes: several values of one key are alternatives. */
export class Filters {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  private constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /**
   * Reads `{"label":["a=b"]}` or the older `{"label":{"a=b":true}}`.
   * @throws invalid for malformed JSON and for keys outside `known`, as dockerd words it; without it every key is let in.
   */
  static parse(text: string, known?: readonly string[]): Filters {
    const values = new Map<string, readonly string[]>();
    if (text !== '') {
      for (const [key, value] of Object.entries(shapeOf(text))) {
        if (known?.includes(key) === false) throw badParameter(`invalid filter '${key}'`);
        values.set(key, value);
      }
    }
    return new Filters(values);
  }

  has(key: string): boolean {
    return this.get(key).length > 0;
  }

  get(key: string): readonly string[] {
    return this.#values.get(key) ?? [];
  }

  /** True when the key is not asked for, or one value equals one of the candidates. */
  equals(key: string, ...candidates: readonly string[]): boolean {
    const wanted = this.get(key);
    return wanted.length === 0 || wanted.some((value) => candidates.includes(value));
  }

  /** Like `equals`, but a value is a regular expression that may match anywhere. */
  matches(key: string, ...candidates: readonly string[]): boolean {
    const wanted = this.get(key);
    return (
      wanted.length === 0 ||
      wanted.some((value) => candidates.some((candidate) => candidate === value || isMatch(value, candidate)))
    );
  }

  /** Like `equals`, but a value may be the beginning of a candidate. */
  begins(key: string, ...candidates: readonly string[]): boolean {
    const wanted = this.get(key);
    return wanted.length === 0 || wanted.some((value) => candidates.some((candidate) => candidate.startsWith(value)));
  }

  /** Labels `key` and `key=value`: all must be there. */
  labels(labels: Readonly<Record<string, string>> | undefined, key = 'label'): boolean {
    return this.get(key).every((wanted) => {
      const at = wanted.indexOf('=');
      const name = at < 0 ? wanted : wanted.slice(0, at);
      const value = labels !== undefined && Object.hasOwn(labels, name) ? labels[name] : undefined;
      return value !== undefined && (at < 0 || value === wanted.slice(at + 1));
    });
  }

  /** `label` and `label!`, as prune routes have them. */
  prunes(labels: Readonly<Record<string, string>> | undefined): boolean {
    return this.labels(labels) && !(this.has('label!') && this.labels(labels, 'label!'));
  }

  /**
   * A filter whose value is a truth: undefined when it is absent.
   * @param options.both what it means when it says both; without it that is refused
   * @throws invalid when it says neither
   */
  flag(key: string, { both }: { readonly both?: boolean } = {}): boolean | undefined {
    const values = this.get(key);
    if (values.length === 0) return undefined;
    const isTrue = values.some((value) => value === '1' || value === 'true');
    const isFalse = values.some((value) => value === '0' || value === 'false');
    if (isTrue !== isFalse) return isTrue;
    if (isTrue && both !== undefined) return both;
    throw badParameter(`invalid filter '${key}=[${this.get(key).join(' ')}]'`);
  }
}

function shapeOf(text: string): Readonly<Record<string, readonly string[]>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw badParameter('invalid filters: it is not JSON');
  }
  const listed = v.safeParse(Listed, parsed);
  if (listed.success) return listed.output ?? {};
  const mapped = v.safeParse(Mapped, parsed);
  if (!mapped.success) throw badParameter('invalid filters: a map of lists of text is expected');
  return Object.fromEntries(
    Object.entries(mapped.output).map(([key, set]) => [key, Object.keys(set).filter((value) => set[value])]),
  );
}

function isMatch(pattern: string, candidate: string): boolean {
  const answer = patternMatch(pattern, candidate);
  if (answer === 'too slow') {
    throw badParameter(`invalid filter: matching ${JSON.stringify(pattern.slice(0, 100))} takes too long`);
  }
  // The pattern is the client's: one that is no regular expression matches nothing, as in dockerd.
  return answer === true;
}
