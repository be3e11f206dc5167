import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Route } from '../src/agent/api/route.ts';
import { absent } from '../src/agent/api/routes/absent.ts';
import { allRoutes } from '../src/agent/api/routes/all.ts';
import { configFields, type Field, hostConfigFields } from '../src/agent/container/fields.ts';
import { dockerApi } from '../src/protocol/version.ts';
import { root } from './paths.ts';

export const coveragePath = join(root, 'docs/api-coverage.md');

/** The text of docs/api-coverage.md, from the routes and the tables of fields. A test compares it with the file. */
export function coverageDocument(): string {
  const refused = new Map(absent.map(([method, path, what]) => [`${method} ${path}`, what]));
  const served = allRoutes.filter(({ method, path }) => !refused.has(`${method} ${path}`));
  const own = (route: Route): boolean => route.path.startsWith('/porthole/');
  return [
    '# API coverage',
    '',
    'Made by `node scripts/run.mjs api-coverage` from the routes and from the tables of fields; a test fails when it is stale.',
    '',
    `The agent serves Docker Engine API ${dockerApi.oldest} to ${dockerApi.newest} on Linux. A route or a field that it does not carry out is`,
    'refused by name (status 501 for a route, or the answer of dockerd on a host without swarm and plugins; 400 for a field); what dockerd ignores on Linux is ignored.',
    '',
    '## Routes of the Docker Engine API',
    '',
    ...routeTable(served.filter((route) => !own(route))),
    '',
    '## Routes that are refused',
    '',
    '| route | what is not there |',
    '|---|---|',
    ...absent.map(([method, path, what]) => `| \`${method} ${shown(path)}\` | ${what} |`),
    '',
    '## Routes of Porthole',
    '',
    ...routeTable(served.filter(own)),
    '',
    '## Fields of HostConfig',
    '',
    ...fieldTable(hostConfigFields),
    '',
    '## Fields of Config',
    '',
    ...fieldTable(configFields),
    '',
    '## Networks',
    '',
    'Network modes are `none`, `host` and `container:NAME`; the default is a network namespace of its own with loopback alone,',
    'which the create response announces as a warning. Endpoint settings other than the mode (addresses, aliases, links, MAC',
    'addresses, driver options, further networks) are refused by name.',
    '',
  ].join('\n');
}

function routeTable(routes: readonly Route[]): string[] {
  const lines = routes.map(({ method, path, since }) => {
    return `| \`${method} ${shown(path)}\` | ${since === undefined ? '' : `1.${since}`} |`;
  });
  return ['| route | since |', '|---|---|', ...lines];
}

const shown = (path: string): string => path.replaceAll('*}', '}');

function fieldTable<Config>(fields: Readonly<Record<string, Field<Config>>>): string[] {
  const lines = Object.entries(fields).map(([name, field]) => {
    const note = field.note ?? '';
    const words = field.standing === 'partly' ? `only: ${note}` : note;
    return `| \`${name}\` | ${field.standing} | ${words} |`;
  });
  return ['| field | what becomes of it | |', '|---|---|---|', ...lines];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(coveragePath, coverageDocument());
