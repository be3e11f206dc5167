/** The birth of a container: its plan with a result and a duration per operation. */
export interface Trace {
  /** RFC 3339, when the first operation began. */
  readonly startedAt: string;
  readonly steps: readonly TraceStep[];
  /** The initial process as the host numbers it; absent when the start failed. */
  readonly pid?: number;
}

export interface TraceStep {
  readonly id: number;
  /** Nesting: 0 on the host, 1 in the new process. */
  readonly depth: number;
  /** Who runs it: the shim on the host, the container's first process, or the shim after the end. */
  readonly list: 'host' | 'child' | 'after';
  readonly op: string;
  /** The operation as one rendered line, as in the plan's text. */
  readonly line: string;
  /** Fixed English sentence; the extension translates it. */
  readonly why: string;
  readonly result: StepResult;
}

export type StepResult =
  | { readonly state: 'done'; readonly nanoseconds: number }
  /** Failed with an errno that the plan tolerates, for example a path to mask that does not exist. */
  | { readonly state: 'tolerated'; readonly nanoseconds: number; readonly errno: string }
  | { readonly state: 'failed'; readonly nanoseconds: number; readonly errno: string }
  | { readonly state: 'not-run' };

/** `POST /porthole/v1/containers/plan`: the id in it, all zeros, stands for the one that a container would get. */
export interface PlannedContainer extends PlanView {
  /** As `POST /containers/create` would answer them. */
  readonly warnings: readonly string[];
}

/** `GET /porthole/v1/containers/{id}/plan` */
export interface PlanView {
  /** One line per operation, indented by nesting. */
  readonly text: string;
  readonly steps: readonly Omit<TraceStep, 'result'>[];
}
