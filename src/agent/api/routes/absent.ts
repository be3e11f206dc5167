import { notThereYet } from '../errors.ts';
import type { Route } from '../route.ts';

/** Routes of Docker's API that do not exist here yet: they say so instead of pretending. */
const absent: readonly (readonly [method: Route['method'], path: string, what: string])[] = [
  ['GET', '/containers/{id}/archive', 'Copying files out of a container'],
  ['HEAD', '/containers/{id}/archive', 'Copying files out of a container'],
  ['PUT', '/containers/{id}/archive', 'Copying files into a container'],
  ['GET', '/containers/{id}/export', 'Exporting a container'],
  ['POST', '/containers/{id}/update', 'Updating the limits of a container'],
  ['POST', '/commit', 'Committing a container'],
  ['POST', '/build', 'Building images'],
  ['POST', '/build/prune', 'Pruning the build cache'],
  ['POST', '/build/cancel', 'Building images'],
  ['POST', '/session', 'Building images with BuildKit'],
  ['POST', '/grpc', 'Building images with BuildKit'],
  ['GET', '/images/search', 'Searching a registry'],
  ['GET', '/images/get', 'Saving images'],
  ['GET', '/images/{name*}/get', 'Saving images'],
  ['POST', '/images/{name*}/push', 'Pushing images to a registry'],
  ['POST', '/images/prune', 'Pruning images'],
  ['GET', '/distribution/{name*}/json', 'Asking a registry'],
  ['POST', '/networks/create', 'Creating networks'],
  ['POST', '/networks/prune', 'Pruning networks'],
  ['POST', '/networks/{id}/connect', 'Connecting a container to a network'],
  ['POST', '/networks/{id}/disconnect', 'Disconnecting a container from a network'],
  ['DELETE', '/networks/{id}', 'Removing networks'],
  ['POST', '/volumes/create', 'Creating volumes'],
  ['POST', '/volumes/prune', 'Pruning volumes'],
  ['PUT', '/volumes/{name}', 'Updating volumes'],
  ['DELETE', '/volumes/{name}', 'Removing volumes'],
  ['GET', '/plugins', 'Plugins'],
  ['GET', '/swarm', 'Swarm mode'],
  ['POST', '/swarm/init', 'Swarm mode'],
  ['POST', '/swarm/join', 'Swarm mode'],
  ['GET', '/nodes', 'Swarm mode'],
  ['GET', '/services', 'Swarm mode'],
  ['GET', '/tasks', 'Swarm mode'],
  ['GET', '/secrets', 'Swarm mode'],
  ['GET', '/configs', 'Swarm mode'],
];

export const absentRoutes: readonly Route[] = absent.map(([method, path, what]) => ({
  method,
  path,
  handler: async () => Promise.reject(notThereYet(what)),
}));
