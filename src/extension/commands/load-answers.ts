import * as v from 'valibot';
import { PortholeError } from '../../base/errors.ts';
import { jsonLines } from '../json-lines.ts';

const Line = v.object({ stream: v.optional(v.string()), error: v.optional(v.string()) });

/**
 * Reads the stream of JSON lines that an engine answers a load with.
 * @returns what it said, as one line. @throws invalid with the engine's own words when the archive was refused.
 */
export async function followAnswers(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const said: string[] = [];
  for await (const value of jsonLines(stream)) {
    const answer = v.safeParse(Line, value);
    if (!answer.success) continue;
    if (answer.output.error) throw new PortholeError('invalid', answer.output.error);
    if (answer.output.stream) said.push(answer.output.stream.trim());
  }
  return said.filter(Boolean).join(' ');
}
