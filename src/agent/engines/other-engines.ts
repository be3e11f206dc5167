import type { OtherEngine, OtherEngineName } from '../../protocol/engines.ts';
import { EngineClient } from './client.ts';
import type { OtherEngines } from './contract.ts';
import { DockerStorage } from './docker-storage.ts';
import { noSuchEngine } from './errors.ts';
import { ForeignEngine } from './foreign-engine.ts';
import { IndexCache } from './index-cache.ts';
import type { ReadingParts } from './placed-image.ts';
import { PodmanStorage } from './podman-storage.ts';

/** Where Podman and Buildah keep images of root unless they are told otherwise (containers-storage.conf(5)). */
const usualPodmanRoot = '/var/lib/containers/storage';

export interface OtherEnginesOptions extends Omit<ReadingParts, 'cache'> {
  /** A directory for indexes: a cache. */
  readonly directory: string;
  /** Where engines may listen. */
  readonly sockets: Readonly<Record<OtherEngineName, readonly string[]>>;
  /** Podman's storage where no Podman answers. */
  readonly podmanRoot?: string | undefined;
}

export async function openOtherEngines(options: OtherEnginesOptions): Promise<OtherEngines> {
  const { sockets, podmanRoot = usualPodmanRoot } = options;
  const parts = { ...options, cache: await IndexCache.open(options.directory) };
  const engines: Readonly<Record<OtherEngineName, ForeignEngine>> = {
    docker: new ForeignEngine(parts, {
      name: 'docker',
      client: new EngineClient('docker', sockets.docker),
      driver: 'overlay2',
      storage: (root) => new DockerStorage(root),
    }),
    podman: new ForeignEngine(parts, {
      name: 'podman',
      client: new EngineClient('podman', sockets.podman),
      driver: 'overlay',
      storage: (root) => new PodmanStorage(root),
      silentRoot: podmanRoot,
    }),
  };
  const find = (name: string): ForeignEngine => {
    if (name === 'docker' || name === 'podman') return engines[name];
    throw noSuchEngine(name);
  };
  return {
    list: async (signal) => {
      const found = await Promise.all([engines.docker, engines.podman].map((engine) => engine.describe(signal)));
      return found.filter((engine): engine is OtherEngine => engine !== undefined);
    },
    withImage: async (engine, { name, signal }, task) => find(engine).withImage(name, signal, task),
  };
}
