import * as v from 'valibot';
import { PortholeError } from '../base/errors.ts';
import { phrase } from '../base/phrases.ts';

/** An answer in the shape that is expected. @throws internal, saying what is wrong with it */
export function checked<T>(schema: v.GenericSchema<unknown, T>, answer: unknown): T {
  const result = v.safeParse(schema, answer);
  if (result.success) return result.output;
  throw new PortholeError('internal', phrase('The agent sent something unexpected: {0}', v.summarize(result.issues)));
}
