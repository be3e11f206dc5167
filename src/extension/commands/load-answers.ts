import * as v from 'valibot';
import { PortholeError } from '../../base/errors.ts';

const Line = v.object({ stream: v.optional(v.string()), error: v.optional(v.string()) });

/**
 * Reads the stream of JSON lines that an engine answers a load with.
 * @returns what it said, as one line. @throws invalid with the engine's own words when the archive was refused.
 */
export async function followAnswers(stream: AsyncIterable<Buffer | string>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.toString();
  const said: string[] = [];
  for (const line of text.split('\n')) {
    const answer = v.safeParse(v.pipe(v.string(), v.parseJson(), Line), line.trim());
    if (!answer.success) continue;
    if (answer.output.error) throw new PortholeError('invalid', answer.output.error);
    if (answer.output.stream) said.push(answer.output.stream.trim());
  }
  return said.filter(Boolean).join(' ');
}
