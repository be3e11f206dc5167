import { messageOf, PortholeError } from '../base/errors.ts';
import { explain, isCanceled } from './problems.ts';
import { type Refusal, refusalOf } from './refusals.ts';

/** Something that the user can do about a failure: a button of its message. */
export interface NextStep {
  readonly title: string;
  run(): unknown;
}

/** A failure that knows what can be done about it. */
export class AdvisedFailure extends PortholeError {
  readonly steps: readonly NextStep[];

  constructor(cause: unknown, steps: readonly NextStep[]) {
    super('conflict', explain(cause), { cause });
    this.steps = steps;
  }
}

/**
 * The failure with its next steps; as it was when there are none, when it knows its own, and when the user gave up.
 * @param stepsFor is told what the engine's words mean, as far as they are known
 */
export function advised(failure: unknown, stepsFor: (refusal: Refusal | undefined) => readonly NextStep[]): unknown {
  if (isCanceled(failure) || failure instanceof AdvisedFailure) return failure;
  const steps = stepsFor(refusalOf(messageOf(failure)));
  return steps.length > 0 ? new AdvisedFailure(failure, steps) : failure;
}

/** For a `catch`: the failure with one way on. */
export function orOffer(title: string, run: () => unknown): (failure: unknown) => never {
  return (failure) => {
    throw advised(failure, () => [{ title, run }]);
  };
}
