import { stripVTControlCharacters } from 'node:util';
import * as v from 'valibot';
import { PortholeError } from '../../base/errors.ts';
import { jsonLines } from '../json-lines.ts';

/** Lines of a Dockerfile, from 1, both included. */
export interface Lines {
  readonly start: number;
  readonly end: number;
}

/** A build that its engine gave up, in its words. */
export class BuildFailure extends PortholeError {
  /** Where in the Dockerfile; only our own engine says so. */
  readonly lines: Lines | undefined;
  /** The last step that was begun, from 1: what other engines tell. */
  readonly step: number | undefined;

  constructor(message: string, { lines, step }: { lines: Lines | undefined; step: number | undefined }) {
    super('invalid', message);
    this.lines = lines;
    this.step = step;
  }
}

const Line = v.object({
  stream: v.optional(v.string()),
  status: v.optional(v.string()),
  id: v.optional(v.string()),
  progress: v.optional(v.string()),
  error: v.optional(v.string()),
  aux: v.optional(v.looseObject({ ID: v.optional(v.string()) })),
  porthole: v.optional(
    v.object({ lines: v.optional(v.object({ start: v.number(), end: v.number() })), hint: v.optional(v.string()) }),
  ),
});

export interface BuildListener {
  /** Text for people, as it comes; no escape sequences. */
  say(text: string): void;
  /** 'Step 2/5 : RUN make' */
  step(line: string): void;
}

/** Follows a build. @returns the id of the image; '' when the engine did not tell it. @throws BuildFailure */
export async function followBuild(stream: AsyncIterable<Buffer | string>, listener: BuildListener): Promise<string> {
  let image = '';
  let step: number | undefined;
  for await (const value of jsonLines(stream)) {
    const line = v.safeParse(Line, value);
    if (!line.success) continue;
    const { stream: text, status, id, progress, error, aux, porthole } = line.output;
    if (aux?.ID) image = aux.ID;
    if (text) step = tell(stripVTControlCharacters(text), listener) ?? step;
    // The pull of a base tells each of its layers many times over.
    else if (status && progress === undefined) listener.say(`${id === undefined ? '' : `${id}: `}${status}\n`);
    if (error === undefined) continue;
    const hint = porthole?.hint === undefined ? '' : `\n${porthole.hint}`;
    listener.say(`${error}${hint}\n`);
    throw new BuildFailure(`${error}${hint}`, { lines: porthole?.lines, step });
  }
  return image;
}

/** @returns the number of the last step that the text begins */
function tell(text: string, listener: BuildListener): number | undefined {
  listener.say(text);
  let last: number | undefined;
  for (const line of text.split('\n')) {
    // Podman shouts.
    const step = /^step (\d+)\/\d+ ?: /i.exec(line);
    if (!step) continue;
    listener.step(line);
    last = Number(step[1]);
  }
  return last;
}
