import type { Json } from './odd.ts';
import type { Asked } from './requests.ts';

/** The most requests that are spent on one finding. */
const most = 80;

/** A smaller request that fails still: without what does not matter for it. */
export async function shrink(asked: Asked, fails: (asked: Asked) => Promise<boolean>): Promise<Asked> {
  let smallest = asked;
  let spent = 0;
  for (let hasChanged = true; hasChanged; ) {
    hasChanged = false;
    for (const smaller of smallerOnes(smallest)) {
      if (spent++ >= most) return smallest;
      if (!(await fails(smaller))) continue;
      smallest = smaller;
      hasChanged = true;
      break;
    }
  }
  return smallest;
}

function* smallerOnes(asked: Asked): Generator<Asked> {
  const { query, headers, body } = asked;
  for (const index of query.keys()) yield { ...asked, query: query.filter((_, other) => other !== index) };
  for (const name of Object.keys(headers)) {
    const { [name]: _, ...others } = headers;
    yield { ...asked, headers: others };
  }
  let value: Json;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return;
  }
  for (const smaller of smallerValues(value)) yield { ...asked, body: Buffer.from(JSON.stringify(smaller)) };
}

function* smallerValues(value: Json): Generator<Json> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    yield without(value, name);
    for (const smaller of smallerValues(inner)) yield replaced(value, name, smaller);
  }
}

function without(value: object, name: string): Json {
  if (Array.isArray(value)) return value.filter((_, index) => String(index) !== name);
  return Object.fromEntries(Object.entries(value).filter(([other]) => other !== name));
}

function replaced(value: object, name: string, by: Json): Json {
  if (Array.isArray(value)) return value.map((one, index) => (String(index) === name ? by : one));
  return Object.fromEntries(Object.entries(value).map(([other, one]) => [other, other === name ? by : one]));
}
