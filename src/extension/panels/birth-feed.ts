import * as v from 'valibot';
import { l10n } from 'vscode';
import { isKind, messageOf } from '../../base/errors.ts';
import type { Disposable } from '../../base/lifetime.ts';
import { type PanelSubject, PlanStepsSchema, TraceSchema } from '../../protocol/panels.ts';
import type { Trace, TraceStep } from '../../protocol/trace.ts';
import { type Fleet, findHost, keyOf } from '../fleet.ts';
import { explain } from '../problems.ts';
import type { Feed, Wire } from './feed.ts';

/** A container's trace, or its plan as long as it was never started. Read again when the container changes state. */
export class BirthFeed implements Feed {
  readonly #fleet: Fleet;
  readonly #subject: PanelSubject;
  readonly #wire: Wire;
  readonly #changes: Disposable;
  readonly #stop = new AbortController();

  constructor(fleet: Fleet, subject: PanelSubject, wire: Wire) {
    this.#fleet = fleet;
    this.#subject = subject;
    this.#wire = wire;
    const key = keyOf({ ...subject, id: subject.container });
    this.#changes = fleet.onDidChange(({ kind, structure, keys }) => {
      if (kind === 'host-state' || structure || keys.includes(key)) this.refresh();
    });
  }

  refresh(): void {
    void this.#send();
  }

  visibilityChanged(): void {
    if (this.#wire.visible) this.refresh();
  }

  dispose(): void {
    this.#stop.abort();
    this.#changes.dispose();
  }

  async #send(): Promise<void> {
    const { signal } = this.#stop;
    const host = findHost(this.#fleet, this.#subject.host)?.host;
    if (host?.state.kind !== 'connected') {
      this.#wire.send({ type: 'problem', message: l10n.t('Not connected to {0}.', host?.label ?? this.#subject.host) });
      return;
    }
    const path = `/containers/${this.#subject.container}`;
    try {
      const read = (what: string) => host.porthole(`${path}/${what}`, { signal });
      const answer = await read('trace').catch((failure: unknown) => {
        if (isKind(failure, 'not-found')) return undefined;
        throw failure;
      });
      const message = answer === undefined ? planned(await read('plan')) : traced(answer);
      if (!signal.aborted) this.#wire.send({ type: 'trace', ...message });
    } catch (failure) {
      if (!signal.aborted) this.#wire.send({ type: 'problem', message: explain(failure) || messageOf(failure) });
    }
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
