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

/** A parameter of a query that holds JSON, checked as a body is. @throws invalid */
export function readJsonOf<S extends v.GenericSchema>(text: string, schema: S): v.InferOutput<S> {
  return checked(schema, parse(Buffer.from(text)));
}

function parse(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  let holdsNul = false;
  try {
    const value: unknown = JSON.parse(text);
    // Asked a second time only where it looks like one: it may be a backslash that is followed by five characters.
    if (text.includes('\\u0000')) {
      JSON.parse(text, (name, one) => {
        holdsNul ||= name.includes('\0') || (typeof one === 'string' && one.includes('\0'));
        return one;
      });
    }
    if (!holdsNul) return value;
  } catch (failure) {
    const words = failure instanceof Error ? failure.message : 'malformed';
    throw badParameter(/after JSON/.test(words) ? 'unexpected content after JSON' : `invalid JSON: ${words}`);
  }
  // The kernel's texts end at the first: a path or an argument would mean something else to it.
  throw badParameter('invalid JSON: a text holds a NUL character');
}

/** Go reads null as the empty value. */
function checked<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, withExactNames(schema, value ?? {}));
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? 'the request body';
  throw badParameter(
    issue.received === 'undefined' ? `${where} is missing` : `invalid value for ${where}: ${issue.message}`,
  );
}
