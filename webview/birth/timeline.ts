import type { Trace, TraceStep } from '../../src/protocol/trace.ts';

/** A step at its place on the common scale. */
export interface TimelineRow {
  readonly step: TraceStep;
  /** Nanoseconds of the step; 0 when it did not run. */
  readonly nanoseconds: number;
  /** Share of the whole (0..1) that had passed when it began, and that it took. */
  readonly offset: number;
  readonly share: number;
}

export interface TraceSummary {
  /** Sum of what ran up to the container's own program; the steps after its end are not part of its birth. */
  readonly nanoseconds: number;
  readonly done: number;
  readonly tolerated: number;
  readonly failed: number;
  readonly notRun: number;
  readonly slowest?: TraceStep;
}

const took = (step: TraceStep): number => (step.result.state === 'not-run' ? 0 : step.result.nanoseconds);

/**
 * The trace holds durations, not moments: steps run one after another in the order of the list, the child's between the
 * clone and whatever the shim does next, so their running sum is when each began. Steps that run `after` the end of the
 * container start a scale of their own, at zero.
 */
export function timeline(trace: Trace): TimelineRow[] {
  const birth = total(trace.steps.filter((step) => step.list !== 'after'));
  const after = total(trace.steps.filter((step) => step.list === 'after'));
  let begun = 0;
  let ended = 0;
  return trace.steps.map((step) => {
    const nanoseconds = took(step);
    const isAfter = step.list === 'after';
    const whole = Math.max(1, isAfter ? after : birth);
    const offset = (isAfter ? ended : begun) / whole;
    if (isAfter) ended += nanoseconds;
    else begun += nanoseconds;
    return { step, nanoseconds, offset, share: nanoseconds / whole };
  });
}

export function summarize(trace: Trace): TraceSummary {
  const birth = trace.steps.filter((step) => step.list !== 'after');
  const count = (state: TraceStep['result']['state']) => birth.filter((step) => step.result.state === state).length;
  const slowest = birth.reduce<TraceStep | undefined>(
    (best, step) => (took(step) > (best ? took(best) : 0) ? step : best),
    undefined,
  );
  return {
    nanoseconds: total(birth),
    done: count('done'),
    tolerated: count('tolerated'),
    failed: count('failed'),
    notRun: count('not-run'),
    ...(slowest ? { slowest } : {}),
  };
}

/** Every word must occur somewhere in the step's texts; case does not matter. */
export function matches(step: TraceStep, filter: string): boolean {
  const errno = 'errno' in step.result ? step.result.errno : '';
  const text = `${step.op} ${step.line} ${step.why} ${step.list} ${step.result.state} ${errno}`.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

const total = (steps: readonly TraceStep[]): number => steps.reduce((sum, step) => sum + took(step), 0);
