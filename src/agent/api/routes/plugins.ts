import { PortholeError } from '../../../base/errors.ts';
import { type Call, json, type Route } from '../route.ts';

/** There are no plugins, and that is an answer: `docker inspect` asks for one of the name before it gives up. */
export const pluginRoutes: readonly Route[] = [
  { method: 'GET', path: '/plugins', handler: async () => json([]) },
  { method: 'GET', path: '/plugins/{name*}/json', handler: async (call: Call) => Promise.reject(noSuchPlugin(call)) },
];

export const noSuchPlugin = (call: Call) => new PortholeError('not-found', `plugin "${call.param('name')}" not found`);
