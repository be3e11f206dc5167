import * as v from 'valibot';
import { l10n } from 'vscode';
import { isKind } from '../../base/errors.ts';
import { PlanStepsSchema, TraceSchema } from '../../protocol/panels.ts';
import type { Trace, TraceStep } from '../../protocol/trace.ts';
import type { Host } from '../hosts/contract.ts';
import type { Message } from './feed.ts';
import { FollowedFeed } from './followed-feed.ts';

/** A container's trace, or its plan as long as it was never started. */
export class BirthFeed extends FollowedFeed {
  protected async read(host: Host, signal: AbortSignal): Promise<Message> {
    const read = (what: string) => host.porthole(`/containers/${this.subject.id}/${what}`, { signal });
    const answer = await read('trace').catch((failure: unknown) => {
      if (isKind(failure, 'not-found')) return undefined;
      throw failure;
    });
    return { type: 'trace', ...(answer === undefined ? planned(await read('plan')) : traced(answer)) };
  }
}

function traced(answer: unknown): { trace: Trace; planned: boolean } {
  const trace = v.parse(TraceSchema, answer);
  const planned = trace.steps.every(({ result }) => result.state === 'not-run');
  return { trace: { ...trace, steps: trace.steps.map(inWords) }, planned };
}

function planned(answer: unknown): { trace: Trace; planned: boolean } {
  const { steps } = v.parse(PlanStepsSchema, answer);
  const notRun = steps.map((step) => inWords({ ...step, result: { state: 'not-run' } }));
  return { trace: { startedAt: '', steps: notRun }, planned: true };
}

/** The plan's reasons are a fixed set of sentences; the bundles hold each (a test compares them with the plan's own list). */
function inWords(step: TraceStep): TraceStep {
  return { ...step, why: l10n.t(step.why) };
}
