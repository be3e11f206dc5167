import type { PortholeError } from '../../../base/errors.ts';
import { notExperimental, notInSwarm, notPartOfSwarm, notThereYet } from '../errors.ts';
import type { Call, Route } from '../route.ts';
import { noSuchPlugin } from './plugins.ts';

/** Where dockerd has words of its own for what is not there, clients know them. */
const member = 'A swarm with this host as a manager';
const node = 'A swarm with this host in it';
const plugin = 'The plugin';
const checkpoint = 'Checkpoints';
const known: Readonly<Record<string, (call: Call) => PortholeError>> = {
  [member]: notInSwarm,
  [node]: notPartOfSwarm,
  [plugin]: noSuchPlugin,
  [checkpoint]: notExperimental,
};

/** Routes of Docker's API that do not exist here yet: they say so instead of pretending. */
export const absent: readonly (readonly [method: Route['method'], path: string, what: string])[] = [
  ['POST', '/session', 'Building images with BuildKit'],
  ['POST', '/grpc', 'Building images with BuildKit'],
  ['GET', '/images/search', 'Searching a registry'],
  ['GET', '/containers/{id}/checkpoints', checkpoint],
  ['POST', '/containers/{id}/checkpoints', checkpoint],
  ['DELETE', '/containers/{id}/checkpoints/{name}', checkpoint],
  ['POST', '/networks/create', 'Creating networks'],
  ['POST', '/networks/{id}/connect', 'Connecting a container to a network'],
  ['POST', '/networks/{id}/disconnect', 'Disconnecting a container from a network'],
  ['DELETE', '/networks/{id}', 'Removing networks'],
  ['GET', '/plugins/privileges', 'Plugins'],
  ['POST', '/plugins/pull', 'Plugins'],
  ['POST', '/plugins/create', 'Plugins'],
  ['POST', '/plugins/{name*}/enable', plugin],
  ['POST', '/plugins/{name*}/disable', plugin],
  ['POST', '/plugins/{name*}/upgrade', plugin],
  ['POST', '/plugins/{name*}/push', plugin],
  ['POST', '/plugins/{name*}/set', plugin],
  ['DELETE', '/plugins/{name*}', plugin],
  ['GET', '/swarm', member],
  ['POST', '/swarm/init', 'Swarm mode'],
  ['POST', '/swarm/join', 'Swarm mode'],
  ['POST', '/swarm/leave', node],
  ['POST', '/swarm/update', member],
  ['GET', '/swarm/unlockkey', member],
  ['POST', '/swarm/unlock', member],
  ['GET', '/nodes', member],
  ['GET', '/nodes/{id}', member],
  ['DELETE', '/nodes/{id}', member],
  ['POST', '/nodes/{id}/update', member],
  ['GET', '/services', member],
  ['POST', '/services/create', member],
  ['GET', '/services/{id}', member],
  ['DELETE', '/services/{id}', member],
  ['POST', '/services/{id}/update', member],
  ['GET', '/services/{id}/logs', member],
  ['GET', '/tasks', member],
  ['GET', '/tasks/{id}', member],
  ['GET', '/tasks/{id}/logs', member],
  ['GET', '/secrets', member],
  ['POST', '/secrets/create', member],
  ['GET', '/secrets/{id}', member],
  ['DELETE', '/secrets/{id}', member],
  ['POST', '/secrets/{id}/update', member],
  ['GET', '/configs', member],
  ['POST', '/configs/create', member],
  ['GET', '/configs/{id}', member],
  ['DELETE', '/configs/{id}', member],
  ['POST', '/configs/{id}/update', member],
];

export const absentRoutes: readonly Route[] = absent.map(([method, path, what]) => ({
  method,
  path,
  handler: async (call: Call) => Promise.reject(known[what]?.(call) ?? notThereYet(what)),
}));
