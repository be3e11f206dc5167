import { Readable } from 'node:stream';
import { type Given, untyped } from './method.ts';

/** What waits for the builder or for CRIU, and searching: a refusal in clear words. Shrink this list. */
export const refused: Readonly<Record<string, { call: (given: Given) => Promise<unknown>; words: RegExp }>> = {
  'docker.buildImage': {
    call: ({ docker }) => docker.buildImage(Readable.from([]), { t: 'built' }),
    words: /Building images is not implemented/,
  },
  'docker.searchImages': {
    call: ({ docker }) => docker.searchImages({ term: 'x' }),
    words: /Searching a registry is not implemented/,
  },
  'container.createCheckpoint': {
    call: async ({ docker }) => untyped(docker.getContainer('x'), 'createCheckpoint', { checkpointId: 'c' }),
    words: /./,
  },
  'container.listCheckpoint': {
    call: async ({ docker }) => untyped(docker.getContainer('x'), 'listCheckpoint'),
    words: /./,
  },
  'container.deleteCheckpoint': {
    call: async ({ docker }) => untyped(docker.getContainer('x'), 'deleteCheckpoint', 'c'),
    words: /./,
  },
  'container.copy': { call: async ({ docker }) => docker.getContainer('x').copy({ Resource: '/etc' }), words: /./ },
};

/** Methods for what this engine does not have: swarms and their parts, plugins, networks of its own. */
export const othersObjects: readonly string[] = [
  ...['Plugin', 'Service', 'Task', 'Node', 'Network', 'Secret', 'Config'].map((object) => `docker.get${object}`),
  ...['Services', 'Nodes', 'Tasks', 'Secrets', 'Configs'].map((objects) => `docker.list${objects}`),
  ...['Secret', 'Config', 'Plugin', 'Service', 'Network'].map((object) => `docker.create${object}`),
  ...['Init', 'Join', 'Leave', 'Update', 'Inspect'].map((verb) => `docker.swarm${verb}`),
];
