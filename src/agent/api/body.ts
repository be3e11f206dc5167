import * as v from 'valibot';
import { withExactNames } from './caseless.ts';
import { badParameter } from './errors.ts';
import type { Call } from './route.ts';

const jsonLimit = 4 * 1024 * 1024;

/**
 * The request's JSON body, checked against a schema.
 * @throws invalid with words that name the field.
 */
export async function readJson<S extends v.GenericSchema>(call: Call, schema: S): Promise<v.InferOutput<S>> {
  const type = call.request.headers['content-type'] ?? '';
  const bytes = await call.readBody(jsonLimit);
  if (bytes.length > 0 && !/^application\/json\b/i.test(type)) {
    throw badParameter(`unsupported Content-Type header (${type}): must be 'application/json'`);
  }
  if (bytes.length === 0) throw badParameter('invalid JSON: got EOF while reading request body');
  return checked(schema, parse(bytes));
}

/** Like `readJson`, but an absent body reads as `{}`. */
export async function readOptionalJson<S extends v.GenericSchema>(call: Call, schema: S): Promise<v.InferOutput<S>> {
  const bytes = await call.readBody(jsonLimit);
  return checked(schema, bytes.length === 0 ? {} : parse(bytes));
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (failure) {
    const words = failure instanceof Error ? failure.message : 'malformed';
    throw badParameter(/after JSON/.test(words) ? 'unexpected content after JSON' : `invalid JSON: ${words}`);
  }
}

/** Go reads null as the empty value. */
function checked<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, withExactNames(schema, value ?? {}));
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw badParameter(`invalid value for ${v.getDotPath(issue) ?? 'the request body'}: ${issue.message}`);
}
