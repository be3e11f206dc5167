import { PortholeError } from '../../base/errors.ts';

/** Lines of a Dockerfile, counted from 1, both included. */
export interface Lines {
  readonly start: number;
  readonly end: number;
}

/** Something is wrong in a Dockerfile. The words are dockerd's; where it is comes beside them. */
export class DockerfileFailure extends PortholeError {
  readonly lines: Lines;

  constructor(message: string, lines: Lines) {
    super('invalid', message);
    this.name = 'DockerfileFailure';
    this.lines = lines;
  }
}

export const wrong = (message: string): PortholeError => new PortholeError('invalid', message);

export const atLeastOne = (name: string) => wrong(`${name} requires at least one argument`);
export const exactlyOne = (name: string) => wrong(`${name} requires exactly one argument`);
export const noDestination = (name: string) =>
  wrong(`${name} requires at least two arguments, but only one was provided. Destination could not be determined`);
export const blankName = (name: string) => wrong(`${name} names can not be blank`);
