import { messageOf, PortholeError } from '../../base/errors.ts';
import { hintOf } from '../plan/hints.ts';
import type { Step } from '../plan/operations.ts';
import { renderOperation } from '../plan/render.ts';
import type { OperationResult } from './contract.ts';
import { errnoMeaning, errnoName } from './errno.ts';

/** A step of a plan that the kernel refused. */
export class PlanFailed extends PortholeError {
  readonly step: Step;
  readonly errno: number;
  /** For example 'EINVAL'. */
  readonly errnoName: string;
  /** Everything that ran, the failed step included. */
  readonly results: readonly OperationResult[];

  constructor(step: Step, failure: { errno: number; waitStatus: number; results: readonly OperationResult[] }) {
    super('internal', `${renderOperation(step.operation)}: ${step.operation.op}: ${reason(step, failure)}`);
    this.name = 'PlanFailed';
    this.step = step;
    this.errno = failure.errno;
    this.errnoName = errnoName(failure.errno);
    this.results = [...failure.results].sort((a, b) => a.id - b.id);
  }
}

function reason(step: Step, { errno, waitStatus }: { errno: number; waitStatus: number }): string {
  const signal = waitStatus & 0x7f;
  if (signal !== 0) return `the process was killed by signal ${signal} on the way`;
  const meaning = errnoMeaning(errno);
  const hint = hintOf(step.operation, errnoName(errno));
  return `${errnoName(errno)}${meaning === '' ? '' : ` (${meaning})`}${hint === undefined ? '' : `: ${hint}`}`;
}

export const shimVanished = (what: string): PortholeError =>
  new PortholeError('unavailable', `the shim went away while ${what}`);
export const cannotStart = (path: string, cause: unknown): PortholeError =>
  new PortholeError('unavailable', `the shim ${path} cannot be started: ${messageOf(cause)}`, { cause });
export const noShim = (socket: string, cause: unknown): PortholeError =>
  new PortholeError('not-found', `no shim listens on ${socket}`, { cause });
export const shimSpeaksNonsense = (socket: string, cause?: unknown): PortholeError =>
  new PortholeError('unavailable', `who listens on ${socket} does not answer as a shim does`, { cause });
export const shimTooNew = (version: number, known: number): PortholeError =>
  new PortholeError(
    'unsupported',
    `the container runs under a newer shim, which speaks version ${version}; this agent knows ${known}: a newer agent can stop it, attach to it and run programs in it`,
  );
export const planTooLarge = (size: number, limit: number): PortholeError =>
  new PortholeError('invalid', `the plan takes ${size} bytes, which is more than the ${limit} that the shim holds`);
