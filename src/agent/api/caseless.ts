import type * as v from 'valibot';
import { badParameter } from './errors.ts';

/** What the schema builders of valibot keep in a schema; read to find the names of fields. */
interface Shape {
  readonly type?: unknown;
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly wrapped?: Shape;
  readonly pipe?: readonly Shape[];
  readonly item?: Shape;
}

/**
 * JSON with the field names that the schema has: Go's decoder takes them in any case, so clients of dockerd may send
 * them so. A field that is there in both ways keeps the exact one. Names in maps, such as labels, are left alone.
 *
 * @throws invalid for a list in the place of an object, which valibot takes for an object without any field.
 */
export function withExactNames(schema: v.GenericSchema, value: unknown): unknown {
  return renamed(schema, value, '');
}

function renamed(shape: Shape, value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const inner = shape.wrapped ?? shape.pipe?.[0];
  if (inner && inner !== shape) return renamed(inner, value, path);
  const { item, entries } = shape;
  if (Array.isArray(value)) {
    if (entries || shape.type === 'record') throw listForObject(path);
    return item ? value.map((one, index) => renamed(item, one, `${path}.${index}`)) : value;
  }
  if (!entries) return value;
  const exact = new Map(Object.keys(entries).map((name) => [name.toLowerCase(), name]));
  const found = new Map<string, unknown>();
  for (const [name, one] of Object.entries(value)) {
    const known = Object.hasOwn(entries, name) ? name : exact.get(name.toLowerCase());
    if (known === undefined || (known !== name && Object.hasOwn(value, known))) continue;
    const field = entries[known];
    found.set(known, field ? renamed(field, one, `${path}.${known}`) : one);
  }
  return Object.fromEntries(found);
}

const listForObject = (path: string) =>
  badParameter(`invalid value for ${path.slice(1) || 'the request body'}: an object is expected, not a list`);
