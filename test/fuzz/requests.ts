import { gzipSync } from 'node:zlib';
import { starterImage } from '../../scripts/starter-image.ts';
import type { Route } from '../../src/agent/api/route.ts';
import { type ApiWords, bodies } from './api-words.ts';
import { mutatedBody, type Places } from './create-bodies.ts';
import { type Json, odd } from './odd.ts';
import type { Random } from './random.ts';
import { sampleOf } from './schema-values.ts';
import { mutatedTar } from './tars.ts';

/** One request, as it goes over the wire but for what HTTP adds. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What requests are about. */
export interface Subjects {
  /** Names of containers, in all states. */
  readonly containers: readonly string[];
  /** Ids that the agent has given, newest last. */
  readonly ids: readonly string[];
  readonly places: Places;
}

/** A request for a route that there is, with what nobody expects. */
export function randomRequest(random: Random, words: ApiWords, subjects: Subjects): Asked {
  const route = random.pick(random.chance(0.97) ? words.routes : words.absent);
  const version = random.pick([
    '',
    '',
    '',
    '',
    '/v1.41',
    '/v1.44',
    '/v1.47',
    '/v1.24',
    '/v1.99',
    '/v0.1',
    '/v1',
    '/v..',
  ]);
  const isUpload = /\/archive$|\/images\/load$|\/images\/create$|files/.test(route.path);
  const path = route.path.replace(/\{(\w+)\*?\}/g, (_, name: string) => nameFor(name, { random, subjects }));
  const body = bodyFor(route, { random, subjects, isUpload });
  const method = random.chance(0.02)
    ? random.pick(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
    : route.method;
  return {
    method,
    path: random.chance(0.02) ? damaged(`${version}${path}`, random) : `${version}${path}`,
    query: Array.from({ length: random.below(4) }, () => parameter(words, random, subjects)),
    headers: headersFor(route, { random, hasBody: body.length > 0, isUpload }),
    body: method === 'GET' || method === 'HEAD' ? Buffer.alloc(0) : body,
  };
}

const strangeNames = [
  'none',
  '..',
  '.',
  '%2e%2e',
  '%00',
  '%zz',
  '%',
  'x'.repeat(300),
  'sha256:00',
  '-',
  '0',
  '%F0%9F%90%B3',
  '%2Fetc',
];

function nameFor(part: string, { random, subjects }: { readonly random: Random; readonly subjects: Subjects }): string {
  const { containers, ids } = subjects;
  if (random.chance(0.2)) return random.pick(strangeNames);
  if (part === 'name')
    return random.pick([starterImage, starterImage, 'vol', 'porthole/starter', 'bridge', 'none', 'nope:x']);
  if (random.chance(0.3) && ids.length > 0) {
    const id = random.pick(ids.slice(-20));
    return random.chance(0.3) ? id.slice(0, 1 + random.below(12)) : id;
  }
  return random.pick(containers);
}

function parameter(words: ApiWords, random: Random, subjects: Subjects): readonly [string, string] {
  const name = random.chance(0.03) ? random.pick(['nope', '', '__proto__', '%']) : random.pick(words.parameters);
  if (name === 'filters' && random.chance(0.8)) return [name, filtersText(words, random)];
  const dice = random.next();
  // An import from an address would ask other machines.
  if (name === 'fromSrc') return [name, '-'];
  if (dice < 0.4) return [name, random.pick(['1', '0', 'true', 'false', '10', '24', '-1', '100'])];
  if (dice < 0.65) return [name, random.pick(usual)];
  if (dice < 0.75) return [name, random.pick(subjects.containers)];
  return [name, textOf(random.pick(odd)).slice(0, 2000)];
}

const usual = [
  ...['/tmp', '/', '/etc/passwd', '/../etc', '/proc/1/mem', '/dev/zero', '-ef', 'aux', '-o pid,args', '1700000000'],
  ...['2030-01-01T00:00:00Z', '1700000000.5', 'SIGTERM', 'KILL', '9', 'RTMIN+3', 'next-exit', 'removed', 'linux/amd64'],
  ...['ctrl-p,ctrl-q', 'ctrl-@', 'json', 'container', 'volume', 'image', 'all', 'CMD ["x"]', 'ENV a=b', 'LABEL x'],
];

function filtersText(words: ApiWords, random: Random): string {
  const key = (): string => random.pick([...words.filters, 'nope']);
  const value = (): string =>
    random.pick(['a', 'a=b', 'running', 'true', '0', 'nope', '/x', '80/tcp', '[', '24h', starterImage]);
  const map = Object.fromEntries(
    Array.from({ length: 1 + random.below(2) }, () => [
      key(),
      random.chance(0.5) ? [value()] : { [value()]: random.chance(0.9) },
    ]),
  );
  return random.chance(0.1) ? textOf(random.pick(odd)) : JSON.stringify(map);
}

function bodyFor(
  route: Route,
  about: { readonly random: Random; readonly subjects: Subjects; readonly isUpload: boolean },
): Buffer {
  const { random, subjects, isUpload } = about;
  if (random.chance(0.1))
    return Buffer.from(random.pick(['', 'null', '[]', '{}', '{', '"x"', '{}{}', '\ufeff{}', '{"a":1', '[[[[']));
  if (random.chance(0.05)) return random.bytes(random.below(400));
  if (isUpload) {
    const tar = mutatedTar(random);
    return random.chance(0.2)
      ? gzipSync(tar).subarray(0, random.chance(0.5) ? undefined : random.below(tar.length))
      : tar;
  }
  const schema = bodies[`${route.method} ${route.path}`];
  if (/\/create$|\/plan$/.test(route.path) && /containers/.test(route.path) && random.chance(0.8)) {
    return Buffer.from(mutatedBody(random, subjects.places));
  }
  if (schema === undefined)
    return Buffer.from(JSON.stringify(random.chance(0.5) ? random.pick(odd) : { a: random.pick(odd) }));
  const made = sampleOf(schema, random);
  return Buffer.from(JSON.stringify(route.path === '/auth' ? nobodysRegistry(made, random) : made));
}

/** Logins are checked where the body says: it says nothing but places of this machine where nobody is. */
function nobodysRegistry(made: Json, random: Random): Json {
  return {
    ...Object(made),
    serveraddress: random.pick(['127.0.0.1:9', 'http://127.0.0.1:9/v2', '127.0.0.1:99999', '::', '/']),
  };
}

function headersFor(
  route: Route,
  about: { readonly random: Random; readonly hasBody: boolean; readonly isUpload: boolean },
): Record<string, string> {
  const { random, hasBody, isUpload } = about;
  const type = isUpload ? 'application/x-tar' : 'application/json';
  return {
    ...(hasBody && {
      'Content-Type': random.chance(0.05) ? random.pick(['text/plain', '', 'a/b;;', 'application/jsonx']) : type,
    }),
    ...(hasBody && random.chance(0.2) && { 'Transfer-Encoding': 'chunked' }),
    ...(/attach|start|exec/.test(route.path) &&
      random.chance(0.5) && { Connection: 'Upgrade', Upgrade: random.pick(['tcp', 'h2c', 'websocket']) }),
    ...(random.chance(0.02) && { 'X-Registry-Auth': random.pick(['e30=', '!', 'x'.repeat(4000)]) }),
    ...(random.chance(0.01) && { Expect: random.pick(['100-continue', 'wonders']) }),
    ...(random.chance(0.01) && { Range: random.pick(['bytes=0-1', 'bytes=9-1', 'bytes=-5', 'bytes=x']) }),
  };
}

function damaged(path: string, random: Random): string {
  const at = random.below(path.length);
  return `${path.slice(0, at)}${random.pick(['/', '//', '%', '%25', ';', '..', '\\', '@', '~', '{}'])}${path.slice(at)}`;
}

const textOf = (value: Json): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString();
