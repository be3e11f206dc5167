import { type Json, odd, oddLike } from './odd.ts';
import type { Random } from './random.ts';

/** Changes one place of a document: most often to something of the same type. */
export function mutateSomewhere(root: Json, random: Random): void {
  const places = placesIn(root);
  if (places.length === 0) return;
  const { holder, name } = random.pick(places);
  const value = Reflect.get(holder, name);
  const put = (changed: Json): unknown => Reflect.set(holder, name, changed);
  const dice = random.next();
  if (dice < 0.1 && !Array.isArray(holder)) delete holder[name];
  else if (dice < 0.25 && typeof value === 'string') put(value + random.pick(tails));
  else if (dice < 0.3 && Array.isArray(value)) put([...value, ...value]);
  else {
    const same = oddLike(value);
    put(structuredClone(random.pick(same.length > 0 && random.chance(0.75) ? same : odd)));
  }
}

const tails = ['\0', '/', '..', ':', '=', ',', ' ', '\n', 'x'.repeat(300)];

function placesIn(value: Json): { holder: { [name: string]: Json } | Json[]; name: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [{ holder: value, name }, ...placesIn(inner)]);
}
