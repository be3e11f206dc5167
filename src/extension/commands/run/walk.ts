/**
 * A chain of questions that can be walked both ways. Pure: what asks is given.
 *
 * ```
 * name -> command -> ... -> review        next: the following question that is asked at all
 *      <-                                 back: the one asked before, with what was answered since
 *      ---------------------> review      end: everything in between stays as it is
 * ```
 */
export type Turn<S> =
  | { readonly to: 'next'; readonly state: S }
  /** What was answered so far stays, where it says so. */
  | { readonly to: 'back' | 'end'; readonly state?: S }
  /** Given up. */
  | { readonly to: 'away' };

/** Where in the chain a question stands. */
export interface Place {
  /** From 1, of those that are asked. */
  readonly step: number;
  readonly total: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

export interface Step<S> {
  /** Absent: always. */
  isAsked?(state: S): boolean;
  ask(state: S, place: Place): Promise<Turn<S>>;
}

/** What was chosen when the last question was answered; undefined when the user gave up. */
export async function walk<S>(steps: readonly Step<S>[], begin: S): Promise<S | undefined> {
  const before: number[] = [];
  let state = begin;
  const asked = () => steps.flatMap((step, at) => ((step.isAsked?.(state) ?? true) ? [at] : []));
  let at = asked()[0];
  while (at !== undefined) {
    const [now, rest] = [at, asked()];
    const place = {
      step: rest.indexOf(now) + 1,
      total: rest.length,
      isFirst: before.length === 0,
      isLast: now === rest.at(-1),
    };
    const turn = await steps[now]?.ask(state, place);
    if (turn === undefined || turn.to === 'away') return undefined;
    if (turn.state !== undefined) state = turn.state;
    if (turn.to === 'back') {
      at = before.pop() ?? now;
      continue;
    }
    before.push(now);
    at = turn.to === 'end' ? asked().at(-1) : asked().find((one) => one > now);
  }
  return state;
}
