import { PortholeError } from '../../base/errors.ts';
import type { Lines } from '../dockerfile/errors.ts';

/** A step went wrong: the words are dockerd's, where it was comes beside them. */
export class StepFailure extends PortholeError {
  readonly lines: Lines;
  readonly step: number;
  /** Exit code of a RUN that ended with one. */
  readonly code: number | undefined;
  readonly hint: string | undefined;

  constructor(failure: Error, at: { readonly lines: Lines; readonly step: number }) {
    super(failure instanceof PortholeError ? failure.kind : 'internal', failure.message, { cause: failure });
    this.name = 'StepFailure';
    this.lines = at.lines;
    this.step = at.step;
    this.code = failure instanceof CommandFailed ? failure.code : undefined;
    this.hint = failure instanceof CommandFailed ? failure.hint : undefined;
  }
}

/** A program of RUN ended with a code that is not 0. */
export class CommandFailed extends PortholeError {
  readonly code: number;
  readonly hint: string | undefined;

  constructor(command: readonly string[], code: number, hint?: string) {
    super('invalid', `The command '${command.join(' ')}' returned a non-zero code: ${code}`);
    this.code = code;
    this.hint = hint;
  }
}

export const failed = (message: string): PortholeError => new PortholeError('invalid', message);
export const nothingBuilt = () => failed('No image was generated. Is your Dockerfile empty?');
export const noSuchTarget = (target: string) => failed(`failed to reach build target ${target} in Dockerfile`);
export const noDockerfile = (path: string) =>
  // dockerd takes it for a failure of its own (500), and its clients look at nothing but the words.
  new PortholeError('internal', `Cannot locate specified Dockerfile: ${path}`);
export const outsideContext = (path: string) => failed(`forbidden path outside the build context: ${path} ()`);
export const notInContext = (path: string) =>
  new PortholeError(
    'not-found',
    `file not found in build context or excluded by .dockerignore: stat ${path}: file does not exist`,
  );

export const notInImage = (path: string) => new PortholeError('not-found', `stat ${path}: file does not exist`);

/** Puts words before a failure, as Go's errors.Wrap does. */
export function wrapped(words: string, failure: unknown): unknown {
  if (!(failure instanceof Error)) return failure;
  const kind = failure instanceof PortholeError ? failure.kind : 'internal';
  return new PortholeError(kind, `${words}: ${failure.message}`, { cause: failure });
}
