import { type Json, odd } from './odd.ts';
import type { Random } from './random.ts';

/** A value that a valibot schema of request bodies takes, so that what is new in a schema is tried without being listed anywhere. */
export function sampleOf(schema: unknown, random: Random): Json {
  const part = (name: string): unknown => Reflect.get(Object(schema), name);
  switch (part('type')) {
    case 'optional':
    case 'nullable':
      return sampleOf(part('wrapped'), random);
    case 'string':
      return random.chance(0.5) ? random.pick(words) : text(random);
    case 'number':
      return random.pick([0, 1, -1, 2, 1000, 2 ** 20, 2 ** 31, 2 ** 53]);
    case 'boolean':
      return random.chance(0.5);
    case 'array':
      return Array.from({ length: random.below(3) }, () => sampleOf(part('item'), random));
    case 'record':
      return random.chance(0.3) ? {} : { [random.pick(words)]: sampleOf(part('value'), random) };
    case 'union': {
      const options = part('options');
      return Array.isArray(options) ? sampleOf(random.pick(options), random) : null;
    }
    case 'object':
    case 'loose_object':
      return objectOf(Object(part('entries')), random);
    default:
      throw new Error(`nobody has said what a value of the schema ${String(part('type'))} is like`);
  }
}

function objectOf(entries: object, random: Random): Json {
  const chosen = Object.entries(entries).filter(() => random.chance(0.4));
  return Object.fromEntries(chosen.map(([name, schema]) => [name, sampleOf(schema, random)]));
}

function text(random: Random): string {
  const one = random.pick(odd);
  return typeof one === 'string' ? one : JSON.stringify(one).slice(0, 50);
}

const words = [
  'true',
  'sh',
  '/',
  '/tmp',
  'a',
  'a=b',
  'host',
  'none',
  '0',
  '80/tcp',
  'local',
  'tmpfs',
  'bind',
  'fuzzed',
];
