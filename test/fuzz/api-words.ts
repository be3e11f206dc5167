import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Route } from '../../src/agent/api/route.ts';
import { absentRoutes } from '../../src/agent/api/routes/absent.ts';
import { allRoutes } from '../../src/agent/api/routes/all.ts';
import * as docker from '../../src/protocol/docker.ts';

/**
 * What the API listens to, taken from the API itself: a new route, parameter or body is tried without being listed here.
 */
export interface ApiWords {
  readonly routes: readonly Route[];
  /** Those that only say that they are not there. */
  readonly absent: readonly Route[];
  /** Names of query parameters. */
  readonly parameters: readonly string[];
  /** Keys of the `filters` parameter. */
  readonly filters: readonly string[];
}

const api = fileURLToPath(new URL('../../src/agent/api', import.meta.url));

export function apiWords(): ApiWords {
  const sources = readdirSync(api, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(api, name), 'utf8'))
    .join('\n');
  const all = (pattern: RegExp): string[] => [...new Set([...sources.matchAll(pattern)].map(([, name = '']) => name))];
  return {
    // Not what ends the agent on purpose.
    routes: allRoutes.filter((route) => !route.path.endsWith('/handover') && !absentRoutes.includes(route)),
    absent: absentRoutes,
    parameters: all(/\bquery\.\w+\('(\w+)'/g),
    filters: all(/\bfilters\.\w+\(\s*'([\w-]+)'/g),
  };
}

/** The body that a route reads. */
export const bodies: Readonly<Record<string, object>> = {
  'POST /containers/create': docker.CreateBody,
  'POST /porthole/v1/containers/plan': docker.CreateBody,
  'POST /containers/{id}/update': docker.UpdateBody,
  'POST /containers/{id}/exec': docker.ExecCreateBody,
  'POST /exec/{id}/start': docker.ExecStartBody,
  'POST /commit': docker.ContainerConfig,
  'POST /volumes/create': docker.VolumeCreateBody,
  'POST /auth': docker.AuthBody,
};

/** Names of the schemas that routes read and `bodies` does not know. */
export function unknownBodies(): string[] {
  const known = new Set(Object.values(bodies));
  const names = readdirSync(api, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(join(api, name), 'utf8').matchAll(/Json\(call, (\w+)\)/g)])
    .map(([, name = '']) => name);
  return names.filter((name) => name !== 'schema' && !known.has(Object(Reflect.get(docker, name))));
}
