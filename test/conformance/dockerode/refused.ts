import { Readable } from 'node:stream';
import { type Given, untyped } from './method.ts';

/** A call that this engine refuses, and the whole answer. */
export interface Refusal {
  readonly call: (given: Given) => Promise<unknown>;
  readonly status: number;
  readonly message: string;
}

const notYet = (what: string) => ({ status: 501, message: `${what} is not implemented in Porthole yet` }) as const;
const noManager = {
  status: 503,
  message:
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
} as const;
const experimental = {
  status: 501,
  message:
    'This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.',
} as const;

/** What this engine does not have. Where dockerd, without a swarm and plugins, has an answer of its own, it is that. */
export const refused: Readonly<Record<string, Refusal>> = {
  'docker.searchImages': {
    call: ({ docker }) => docker.searchImages({ term: 'x' }),
    ...notYet('Searching a registry'),
  },
  'container.createCheckpoint': {
    call: async ({ docker }) => untyped(docker.getContainer('x'), 'createCheckpoint', { checkpointId: 'c' }),
    ...experimental,
  },
  'container.listCheckpoint': {
    call: async ({ docker }) => untyped(docker.getContainer('x'), 'listCheckpoint'),
    ...experimental,
  },
  'container.deleteCheckpoint': {
    call: async ({ docker }) => untyped(docker.getContainer('x'), 'deleteCheckpoint', 'c'),
    ...experimental,
  },
  // Gone since API 1.24, in dockerd too.
  'container.copy': {
    call: ({ docker }) => docker.getContainer('x').copy({ Resource: '/etc' }),
    status: 404,
    message: 'page not found',
  },
  'docker.createNetwork': {
    call: ({ docker }) => docker.createNetwork({ Name: 'x' }),
    ...notYet('Creating networks'),
  },
  'docker.createPlugin': {
    call: async ({ docker }) => untyped(docker, 'createPlugin', { name: 'x', file: Readable.from([]) }),
    ...notYet('Plugins'),
  },
  'docker.getPlugin': {
    call: ({ docker }) => docker.getPlugin('x', 'x').inspect(),
    status: 404,
    message: 'plugin "x" not found',
  },
  'docker.swarmInit': { call: ({ docker }) => docker.swarmInit({}), ...notYet('Swarm mode') },
  'docker.swarmJoin': { call: ({ docker }) => docker.swarmJoin({}), ...notYet('Swarm mode') },
  'docker.swarmLeave': {
    call: async ({ docker }) => untyped(docker, 'swarmLeave', {}),
    status: 503,
    message: 'This node is not part of a swarm',
  },
  'docker.swarmUpdate': { call: ({ docker }) => docker.swarmUpdate({}), ...noManager },
  'docker.swarmInspect': { call: ({ docker }) => docker.swarmInspect(), ...noManager },
  'docker.getService': { call: ({ docker }) => docker.getService('x').inspect(), ...noManager },
  'docker.getTask': { call: ({ docker }) => docker.getTask('x').inspect(), ...noManager },
  'docker.getNode': { call: ({ docker }) => docker.getNode('x').inspect(), ...noManager },
  'docker.getSecret': { call: ({ docker }) => docker.getSecret('x').inspect(), ...noManager },
  'docker.getConfig': { call: ({ docker }) => docker.getConfig('x').inspect(), ...noManager },
  'docker.listServices': { call: ({ docker }) => docker.listServices(), ...noManager },
  'docker.listNodes': { call: ({ docker }) => docker.listNodes(), ...noManager },
  'docker.listTasks': { call: ({ docker }) => docker.listTasks(), ...noManager },
  'docker.listSecrets': { call: ({ docker }) => docker.listSecrets(), ...noManager },
  'docker.listConfigs': { call: ({ docker }) => docker.listConfigs(), ...noManager },
  'docker.createService': {
    call: ({ docker }) => docker.createService({ Name: 'x', TaskTemplate: { ContainerSpec: {} } }),
    ...noManager,
  },
  'docker.createSecret': { call: ({ docker }) => docker.createSecret({ Name: 'x', Data: '' }), ...noManager },
  'docker.createConfig': { call: ({ docker }) => docker.createConfig({ Name: 'x', Data: '' }), ...noManager },
};
